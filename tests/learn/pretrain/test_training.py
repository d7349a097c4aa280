"""Pretraining end to end, on texts whose words tell their neighbours."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from everygrain.errors import InputError, StorageError  # noqa: E402
from everygrain.learn.pretrain.base import Size  # noqa: E402
from everygrain.learn.pretrain.body import learned_tokenizer  # noqa: E402
from everygrain.learn.pretrain.duplex import DuplexAutoEncoder  # noqa: E402
from everygrain.learn.pretrain.grams import NGramMasks  # noqa: E402
from everygrain.learn.pretrain.replaced import ReplacedTokens  # noqa: E402
from everygrain.learn.pretrain.training import Pretraining, pretrain  # noqa: E402

from .small import corpus  # noqa: E402

SIZE = Size(layers=1, width=32, heads=2, vocabulary=120, tokens=24)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        (ReplacedTokens(), ["generator"]),
        (DuplexAutoEncoder(), ["masked", "decoded", "bag"]),
        (NGramMasks(grams=40, least=3), ["tokens"]),
    ],
    ids=["replaced", "duplex", "grams"],
)
def test_losses_on_texts_held_out_fall_below_what_frequencies_tell(tmp_path, objective, names):
    settings = Pretraining(steps=120, batch=16, learning_rate=5e-3, held_out=0.2)
    found = pretrain(corpus(), objective, tmp_path / "made", size=SIZE, settings=settings)
    assert found.steps == 120
    for name in names:
        assert found.losses[name] < 0.9 * found.baselines[name], (name, found)
    vectors = found.encoder.encode(["tree forest graph", "dog house"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_same_seed_and_tokenizer_give_the_same_encoder(tmp_path):
    settings = Pretraining(steps=3, batch=4, held_out=0.1)
    words = learned_tokenizer(corpus(20), SIZE)
    made = [
        pretrain(
            corpus(20),
            ReplacedTokens(),
            tmp_path / name,
            size=SIZE,
            settings=settings,
            tokenizer=words,
        )
        for name in ("first", "second")
    ]
    texts = ["tree forest", "cat dog"]
    assert made[0].encoder.encode(texts).tobytes() == made[1].encoder.encode(texts).tobytes()
    assert made[0].losses == made[1].losses


def test_texts_without_words_and_sizes_that_cannot_be_are_errors(tmp_path):
    with pytest.raises(InputError) as caught:
        pretrain(["", " "], ReplacedTokens(), tmp_path / "made", size=SIZE)
    assert caught.value.remedy
    with pytest.raises(InputError, match="No encoder can have"):
        Size(width=30, heads=4)
    with pytest.raises(InputError, match="No pretraining"):
        Pretraining(held_out=1.0)
    assert not (tmp_path / "made").exists()
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError):
        pretrain(corpus(20), ReplacedTokens(), blocked / "made", size=SIZE,
                 settings=Pretraining(steps=1, batch=4))  # fmt: skip
