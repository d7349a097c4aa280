"""One vector for a long document: the mean at first, and its formula after that."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings

from everygrain.encode.base import unit
from everygrain.encode.hierarchical import Depths, Hierarchical
from everygrain.errors import InputError, ModelError
from everygrain.segment.passages import Passages
from tests.encode.test_static import FITTED, TEXTS

torch = pytest.importorskip("torch")

DEPTHS = Depths(words=4, longest=6, width=8, layers=2, heads=2)
LONG_TEXT = (
    "A cat. Dogs running a tree. The greenhouse house! Cats run. House a dog? Green tree run."
)
DOCUMENTS = [LONG_TEXT, "cat dog", "", "xyz zyx", "a cat. " * 30]


def stirred(encoder, seed=1):
    """Return the encoder with weights that differ from the start in every place."""
    lot = np.random.default_rng(seed)
    weights = {
        name: (array + 0.3 * lot.standard_normal(array.shape)).astype(np.float32)
        for name, array in encoder.weights.items()
    }
    return Hierarchical(encoder.inner, weights, encoder.depths)


UNTRAINED = Hierarchical.untrained(FITTED, DEPTHS)
STIRRED = stirred(UNTRAINED)


def norm(x, weights, name):
    x = (x - x.mean()) / math.sqrt(x.var() + 1e-5)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x, weights, name):
    return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]


def gelu(x):
    return np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x])


def by_hand(encoder, blocks):
    """The document's vector, block by block, head by head, in float64."""
    weights = {name: array.astype(np.float64) for name, array in encoder.weights.items()}
    depths, d = encoder.depths, blocks.shape[1]
    states = []
    for number, block in enumerate(blocks.astype(np.float64)):
        state = linear(math.sqrt(d) * block, weights, "inward")
        for channel in range(0, depths.width, 2):
            angle = number * 1000.0 ** (-channel / depths.width)
            state[channel] += math.sin(angle)
            state[channel + 1] += math.cos(angle)
        states.append(state)
    part = depths.width // depths.heads
    for layer in range(depths.layers):
        name = f"layers.{layer}"
        told = [linear(norm(s, weights, f"{name}.first"), weights, f"{name}.attended")
                for s in states]  # fmt: skip
        heard = [np.zeros(depths.width) for _ in states]
        for head in range(depths.heads):
            own = slice(head * part, (head + 1) * part)
            query, key, value = (
                [row[third * depths.width : (third + 1) * depths.width][own] for row in told]
                for third in range(3)
            )
            for i in range(len(states)):
                shares = np.exp([query[i] @ key[j] / math.sqrt(part) for j in range(len(states))])
                shares /= shares.sum()
                heard[i][own] = sum(s * v for s, v in zip(shares, value, strict=True))
        for i, row in enumerate(heard):
            states[i] = states[i] + linear(row, weights, f"{name}.joined")
            wide = gelu(linear(norm(states[i], weights, f"{name}.second"), weights, f"{name}.wide"))
            states[i] = states[i] + linear(wide, weights, f"{name}.narrow")
    states = [norm(state, weights, "norm") for state in states]
    shares = np.exp([linear(state, weights, "salience")[0] for state in states])
    shares /= shares.sum()
    return sum(
        share * (block + linear(state, weights, "outward") / math.sqrt(d * depths.width))
        for share, block, state in zip(shares, blocks, states, strict=True)
    )


def test_blocks_are_whole_sentences_filled_greedily_into_the_budget():
    spans = UNTRAINED.blocks(LONG_TEXT)
    assert [LONG_TEXT[start:end] for start, end in spans] == [
        "A cat.", "Dogs running a tree.", "The greenhouse house!", "Cats run.", "House a dog?",
        "Green tree run.",
    ]  # fmt: skip
    wider = Hierarchical.untrained(FITTED, Depths(words=6, width=8, heads=2))
    assert [LONG_TEXT[start:end] for start, end in wider.blocks(LONG_TEXT)] == [
        "A cat. Dogs running a tree.", "The greenhouse house! Cats run.",
        "House a dog? Green tree run.",
    ]  # fmt: skip


def test_untrained_a_document_is_the_mean_of_its_blocks():
    spans = Passages(DEPTHS.words, overlap=0).spans(LONG_TEXT)
    vectors = FITTED.encode([LONG_TEXT[start:end] for start, end in spans])
    assert np.allclose(UNTRAINED.encode([LONG_TEXT])[0], unit(vectors.mean(0)[None])[0], atol=1e-6)


def test_a_vector_is_the_formula_written_out_in_loops():
    blocks = STIRRED.block_vectors([LONG_TEXT])[0]
    expected = by_hand(STIRRED, blocks)
    assert np.allclose(
        STIRRED.encode([LONG_TEXT])[0], expected / np.linalg.norm(expected), atol=1e-5
    )


def test_padding_never_changes_a_vector():
    long, short = STIRRED.block_vectors([LONG_TEXT, "cats run. a dog. house house tree"])
    blocks = torch.full((2, len(long), long.shape[1]), 7.0)
    blocks[0] = torch.from_numpy(long)
    blocks[1, : len(short)] = torch.from_numpy(short)
    present = torch.arange(len(long)) < torch.tensor([[len(long)], [len(short)]])
    with torch.inference_mode():
        together = STIRRED.module(blocks, present)
        alone = STIRRED.module(torch.from_numpy(short)[None], torch.ones(1, len(short)).bool())
    assert torch.allclose(together[1], alone[0], atol=1e-5)


@given(TEXTS)
@settings(max_examples=25)
def test_a_vector_depends_on_its_text_alone_to_the_last_bit(texts):
    together = STIRRED.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert np.array_equal(STIRRED.encode([text])[0], vector)


def test_vectors_have_length_one_or_are_zero_where_nothing_is_known():
    vectors = STIRRED.encode(DOCUMENTS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 0, 0, 1], atol=1e-6)
    assert STIRRED.encode([]).shape == (0, FITTED.dimensions)


def test_blocks_beyond_the_longest_are_left_out():
    start = "a cat. " * 6  # three blocks of two sentences
    texts = [f"{start}{'a cat. ' * count}" for count in (6, 7, 200)]
    vectors = STIRRED.encode(texts)
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.allclose(STIRRED.encode([start])[0], vectors[0], atol=1e-4)


def test_the_order_of_blocks_counts_after_training():
    swapped = (
        "Dogs running a tree. A cat. The greenhouse house! Cats run. House a dog? Green tree run."
    )
    there, here = STIRRED.encode([LONG_TEXT, swapped])
    assert not np.allclose(there, here, atol=1e-4)
    there, here = UNTRAINED.encode([LONG_TEXT, swapped])
    assert np.allclose(there, here, atol=1e-6)


def test_a_saved_encoder_gives_the_same_vectors_and_fingerprint(tmp_path):
    STIRRED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    again = Hierarchical.load(tmp_path, described)
    assert again.fingerprint == STIRRED.fingerprint
    assert np.array_equal(again.encode(DOCUMENTS), STIRRED.encode(DOCUMENTS))


def test_fingerprints_differ_by_weights_and_sizes():
    other = Hierarchical(FITTED, STIRRED.weights, Depths(words=5, longest=6, width=8, heads=2))
    assert len({UNTRAINED.fingerprint, STIRRED.fingerprint, other.fingerprint}) == 3
    assert Hierarchical.untrained(FITTED, DEPTHS).fingerprint == UNTRAINED.fingerprint


def test_damaged_files_are_named(tmp_path):
    STIRRED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    (tmp_path / "over_blocks.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="damaged"):
        Hierarchical.load(tmp_path, described)
    with pytest.raises(ModelError, match="do not fit"):
        Hierarchical(FITTED, STIRRED.weights, Depths(width=16)).encode(["cat"])


@pytest.mark.parametrize("wrong", [{"width": 10}, {"words": 0}, {"layers": 0}, {"heads": 0}])
def test_sizes_that_no_encoder_can_have_are_refused(wrong):
    with pytest.raises(InputError, match="No hierarchical encoder"):
        Depths(**wrong)
