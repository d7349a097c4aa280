"""Training over whole texts, one at a time: the gradient is that of the batch at once."""

import numpy as np
import pytest

from everygrain.analyze import split
from everygrain.encode.long import Lengths, Long
from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.orthogonal import OrthogonalProjection
from everygrain.learn.pairs.base import Pair
from tests.encode.test_long import stirred
from tests.encode.test_static import FITTED

torch = pytest.importorskip("torch")

from everygrain.learn.train.long import (  # noqa: E402
    LongTraining,
    accumulate,
    padded,
    train_long,
)

START = Long.untrained(FITTED, Lengths(width=16, layers=1, modes=3))
QUERIES = ["cat dog", "house", "run tree a", "green dogs"]
DOCUMENTS = ["a cat runs house tree dog run", "tree house", "dogs dogs cat a house", "running"]


def sequences(texts):
    return START.sequences(split(texts))


def allowed():
    found = torch.ones(4, 4).bool()
    found[0, 2] = found[2, 0] = False
    return found


def gradients(module):
    return {
        name: each.grad.clone() for name, each in module.named_parameters() if each.grad is not None
    }


@pytest.mark.parametrize("loss", [OrthogonalProjection(), MultipleNegatives()])
@pytest.mark.parametrize("at_once", [1, 3])
def test_gradients_of_one_text_at_a_time_add_up_to_those_of_the_batch(loss, at_once):
    module = stirred(START).module.train()
    asked, answers = sequences(QUERIES), sequences(DOCUMENTS)
    vectors = torch.nn.functional.normalize(module(*padded([*asked, *answers])), dim=1)
    batch = Batch(vectors[:4], vectors[4:], torch.eye(4), allowed(), torch.arange(4))
    expected = loss(batch).mean()
    expected.backward()
    whole = gradients(module)
    module.zero_grad(set_to_none=True)
    value = accumulate(module, asked, answers, allowed(), np.arange(4), loss, at_once)
    assert value == pytest.approx(float(expected.detach()), abs=1e-5)
    apart = gradients(module)
    assert whole.keys() == apart.keys()
    for name, gradient in whole.items():
        size = float(gradient.abs().max()) + 1e-3
        assert torch.allclose(apart[name], gradient, atol=1e-3 * size), name


def pairs(seed=0, count=32):
    """Only the word before "cat" tells which query asks: the bag of words is the same."""
    lot = np.random.default_rng(seed)
    made = []
    for i in range(count):
        filler = " ".join(lot.choice(["a", "tree", "run"], 12))
        first, second = ("dog", "house") if i % 2 else ("house", "dog")
        text = f"{filler} {first} {first} {first} {second} {second} {second}"
        made.append(Pair(["dogs", "greenhouse"][i % 2], text, "made", f"q{i}", f"d{i % 2}"))
    return made


def test_training_learns_what_the_order_of_words_tells():
    settings = LongTraining(steps=60, batch=16, at_once=16, rate=1e-2)
    made = train_long(START, pairs(), None, settings)
    fresh = [each.positive for each in pairs(seed=5, count=12)]

    def right(encoder):
        scores = encoder.encode(["dogs", "greenhouse"], "query") @ encoder.encode(fresh).T
        return sum(int(scores[i % 2, i] > scores[1 - i % 2, i]) for i in range(len(fresh)))

    assert right(made.encoder) >= 11
    assert right(START) < 11
    assert made.encoder.static is START.static
    assert np.mean(made.curve[-5:]) < np.mean(made.curve[:5])


def test_texts_longer_than_any_in_training_are_encoded():
    made = train_long(START, pairs(), None, LongTraining(steps=3, batch=4, words=8)).encoder
    long = " ".join(each.positive for each in pairs())  # 576 words
    vector = made.encode([long])[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    # the end of the text is heard too
    assert not np.allclose(vector, made.encode([f"{long} green green"])[0], atol=1e-6)


def test_a_training_follows_from_its_seed():
    settings = LongTraining(steps=3, batch=4, words=8)
    first, second = (train_long(START, pairs(), None, settings) for _ in range(2))
    other = train_long(START, pairs(), None, LongTraining(steps=3, batch=4, words=8, seed=1))
    assert first.curve == second.curve
    assert first.encoder.fingerprint == second.encoder.fingerprint
    assert first.encoder.fingerprint != other.encoder.fingerprint


def test_without_steps_nothing_changes():
    made = train_long(START, pairs(), None, LongTraining(steps=0))
    assert made.encoder.fingerprint == START.fingerprint


def test_too_little_to_train_on_is_told():
    with pytest.raises(InputError, match="1 pairs"):
        train_long(START, [*pairs()[:1], Pair("xyz", "cat", "made", "q", "d")])


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"batch": 1}, {"at_once": 0}, {"rate": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="No long encoder"):
        LongTraining(**wrong)
