"""Training over blocks: what is hidden, what is told, and that nothing else moves."""

import numpy as np
import pytest

from everygrain.encode.hierarchical import Depths, Hierarchical
from everygrain.errors import InputError
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from tests.encode.test_hierarchical import stirred
from tests.encode.test_static import FITTED

torch = pytest.importorskip("torch")

from everygrain.learn.train.hierarchical import (  # noqa: E402
    HierarchicalTraining,
    hide,
    known_blocks,
    padded,
    pretrain_blocks,
    train_over_blocks,
)

DEPTHS = Depths(words=3, width=16, layers=1, heads=2)
START = Hierarchical.untrained(FITTED, DEPTHS)
ANIMALS, PLACES = ["a cat", "dogs", "cats", "a dog"], ["house", "tree", "greenhouse", "a tree"]


def texts(seed=0, count=40):
    """Texts of five blocks, of animals or of places: one block tells what another may be."""
    lot = np.random.default_rng(seed)
    return [
        " ".join(f"{word} {word}." for word in lot.choice([ANIMALS, PLACES][i % 2], 5))
        for i in range(count)
    ]


def pairs(seed=1, count=40):
    """A verb asks for texts of places or animals, which the vectors cannot know untrained."""
    asked = ["run", "running run"]
    return [
        Pair(asked[i % 2], text, "made", f"q{i}", f"d{i % 2}") for i, text in enumerate(texts(seed))
    ][:count]


def test_a_share_of_the_blocks_is_hidden_one_at_least_and_never_all():
    generator = torch.Generator().manual_seed(0)
    present = torch.arange(10) < torch.tensor([[10], [2], [4], [1]])
    counts = torch.zeros(4, 10)
    for _ in range(400):
        hidden = hide(present, 0.3, generator)
        assert hidden.sum(1).tolist() == [3, 1, 1, 0]
        assert not (hidden & ~present).any()
        counts += hidden
    # each block of the first text is hidden as often as any other: 400 * .3, within 5 sigma
    assert (counts[0] - 120).abs().max() < 5 * (400 * 0.3 * 0.7) ** 0.5


def test_long_texts_give_blocks_in_a_row_and_short_ones_are_padded():
    generator = torch.Generator().manual_seed(0)
    long = np.arange(1, 13, dtype=np.float32).reshape(6, 2)
    short = np.array([[9.0, 9.0]], dtype=np.float32)
    starts = set()
    for _ in range(60):
        blocks, present = padded([long, short], 3, generator)
        start = int(blocks[0, 0, 0] - 1) // 2
        starts.add(start)
        assert np.array_equal(blocks[0].numpy(), long[start : start + 3])
        assert present.tolist() == [[True] * 3, [True, False, False]]
        assert blocks[1].tolist() == [[9.0, 9.0], [0.0, 0.0], [0.0, 0.0]]
    assert starts == {0, 1, 2, 3}


def test_a_hidden_block_leaves_no_trace_in_what_is_guessed():
    module = stirred(START).module
    blocks = torch.from_numpy(START.block_vectors(texts())[0])[None]
    present, hidden = torch.ones(1, 5).bool(), torch.zeros(1, 5).bool()
    hidden[0, 2] = True
    other = blocks.clone()
    other[0, 2] = -other[0, 1]
    with torch.inference_mode():
        there, here = (module.guesses(each, present, hidden) for each in (blocks, other))
        seen = module.guesses(other, present, hidden.roll(1, 1))
    assert torch.equal(there, here)
    assert not torch.allclose(there, seen, atol=1e-3)


def test_pretraining_learns_to_tell_hidden_blocks_and_leaves_the_vectors_to_fine_tuning():
    made = pretrain_blocks(START, texts(), HierarchicalTraining(steps=80, batch=20, rate=5e-3))
    assert np.mean(made.curve[-10:]) < np.mean(made.curve[:5]) - 0.3
    fresh = texts(seed=7, count=6)
    # the way out is still closed: a document is the mean of its blocks as before
    assert np.allclose(made.encoder.encode(fresh), START.encode(fresh), atol=1e-5)
    moved = [
        n for n in START.weights if not np.array_equal(START.weights[n], made.encoder.weights[n])
    ]
    assert "hidden" in moved
    assert "told.weight" in moved


def test_fine_tuning_finds_what_pairs_tell_and_leaves_the_encoder_of_blocks():
    settings = HierarchicalTraining(steps=60, batch=16, rate=5e-3)
    made = train_over_blocks(START, pairs(), MultipleNegatives(scale=5.0), settings)
    fresh = [each.positive for each in pairs(seed=9, count=10)]

    def right(encoder):
        scores = encoder.encode(["run", "running run"], "query") @ encoder.encode(fresh).T
        return sum(int(scores[i % 2, i] > scores[1 - i % 2, i]) for i in range(len(fresh)))

    assert right(made.encoder) == len(fresh)
    assert right(START) < len(fresh)
    assert made.encoder.inner is START.inner
    assert made.encoder.fingerprint != START.fingerprint


def test_a_training_follows_from_its_seed():
    settings = HierarchicalTraining(steps=5, batch=8)
    first, second = (train_over_blocks(START, pairs(), None, settings) for _ in range(2))
    other = train_over_blocks(START, pairs(), None, HierarchicalTraining(steps=5, batch=8, seed=1))
    assert first.curve == second.curve
    assert first.encoder.fingerprint == second.encoder.fingerprint
    assert first.encoder.fingerprint != other.encoder.fingerprint


def test_without_steps_nothing_changes():
    made = train_over_blocks(START, pairs(), None, HierarchicalTraining(steps=0))
    assert made.encoder.fingerprint == START.fingerprint


def test_block_vectors_that_are_known_are_not_made_again():
    given = {("document", "a cat"): np.full((1, FITTED.dimensions), 5, dtype=np.float32)}
    found = known_blocks(START, [("document", "a cat"), ("document", "house")], given)
    assert found["document", "a cat"] is given["document", "a cat"]
    assert np.array_equal(found["document", "house"], START.block_vectors(["house"])[0])


def test_too_little_to_train_on_is_told():
    with pytest.raises(InputError, match="two blocks"):
        pretrain_blocks(START, ["a cat", "house"])
    with pytest.raises(InputError, match="1 pairs"):
        train_over_blocks(START, [*pairs()[:1], Pair("xyz", "cat", "made", "q", "d")])


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"batch": 1}, {"rate": 0}, {"hidden": 1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="No hierarchical encoder"):
        HierarchicalTraining(**wrong)
