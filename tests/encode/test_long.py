"""A long text read whole: convolutions by FFT are plain sums, and padding is nothing."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings

from everygrain.analyze import split
from everygrain.encode.base import unit
from everygrain.encode.long import Lengths, Long, word_vectors
from everygrain.errors import InputError, ModelError
from tests.encode.test_static import FITTED, PIECES, PIECES_OF, TEXTS, WORDS

torch = pytest.importorskip("torch")

from everygrain.encode.long_modules import LongConvolution, Monarch  # noqa: E402

LENGTHS = Lengths(width=4, layers=2, modes=3, longest=50)
TEXT = "the cat runs a greenhouse dogs running house tree xyz a cat"
DOCUMENTS = [TEXT, "cat", "", "xyz zyx", " ".join(WORDS * 9)]


def stirred(encoder, seed=1):
    """Return the encoder with weights that differ from the start in every place."""
    lot = np.random.default_rng(seed)
    weights = {
        name: (array + 0.3 * lot.standard_normal(array.shape)).astype(np.float32)
        for name, array in encoder.weights.items()
    }
    return Long(encoder.static, weights, encoder.lengths)


UNTRAINED = Long.untrained(FITTED, LENGTHS)
STIRRED = stirred(UNTRAINED)


def convolution(channels=3, modes=4, seed=0):
    torch.manual_seed(seed)
    made = LongConvolution(channels, modes)
    with torch.no_grad():
        made.amounts.normal_()
        made.fading.uniform_(0.0, 4.0)
    return made


def in_loops(made, sequence):
    """Every position's sum over all positions, before and after it."""
    tau = np.exp(made.fading.detach().numpy().astype(np.float64))
    amounts = made.amounts.detach().numpy().astype(np.float64)
    length, channels = sequence.shape
    found = np.zeros((length, channels))
    for t in range(length):
        for s in range(length):
            fading = np.exp(-abs(t - s) / tau) * (1 - np.exp(-1 / tau))
            for channel in range(channels):
                side = amounts[0 if s <= t else 1, channel]
                found[t, channel] += (side @ fading) * sequence[s, channel]
    return found


@pytest.mark.parametrize("length", [1, 2, 7, 64])
def test_the_convolution_by_fft_is_the_sum_over_all_positions(length):
    made = convolution()
    sequence = np.random.default_rng(length).standard_normal((length, 3))
    told = torch.from_numpy(sequence.astype(np.float32))[None]
    with torch.inference_mode():
        assert np.allclose(made(told)[0].numpy(), in_loops(made, sequence), atol=1e-5)


def test_what_is_far_away_is_heard_and_nothing_wraps_around():
    made = convolution(channels=1, modes=1)
    with torch.no_grad():
        made.fading.fill_(math.log(200.0))
        made.amounts[0].fill_(1.0)
        made.amounts[1].fill_(0.0)  # the future is not heard
    sequence = torch.zeros(1, 300, 1)
    sequence[0, 100] = 1.0
    with torch.inference_mode():
        heard = made(sequence)[0, :, 0].numpy()
    expected = (1 - math.exp(-1 / 200)) * np.exp(-(np.arange(300) - 100) / 200)
    assert np.allclose(heard[:100], 0, atol=1e-7)
    assert np.allclose(heard[100:], expected[100:], atol=1e-7)


def test_a_monarch_matrix_is_two_block_diagonals_with_a_shuffle_between():
    torch.manual_seed(3)
    made = Monarch(9)
    first, second = (each.detach().numpy() for each in (made.first, made.second))
    blocks = [np.zeros((9, 9)), np.zeros((9, 9))]
    for matrix, weights in zip(blocks, (first, second), strict=True):
        for block in range(3):
            own = slice(3 * block, 3 * block + 3)
            matrix[own, own] = weights[block].T
    shuffle = np.zeros((9, 9))
    for i in range(3):
        for j in range(3):
            shuffle[3 * j + i, 3 * i + j] = 1
    whole = shuffle.T @ blocks[1] @ shuffle @ blocks[0]
    assert np.count_nonzero(whole) == 81
    x = np.random.default_rng(0).standard_normal((2, 9)).astype(np.float32)
    with torch.inference_mode():
        assert np.allclose(made(torch.from_numpy(x)).numpy(), x @ whole.T, atol=1e-5)


def test_word_vectors_are_weighed_sums_of_their_pieces():
    found = word_vectors(FITTED, WORDS)
    for word, vector in zip(WORDS, found, strict=True):
        pieces = [
            FITTED.table.matrix[PIECES.index(piece)].astype(float) for piece in PIECES_OF[word]
        ]
        expected = FITTED.idf.get(word, FITTED.unseen) * sum(pieces, np.zeros(vector.shape))
        assert np.allclose(vector, expected, atol=1e-4)


@given(TEXTS)
@settings(max_examples=25)
def test_untrained_a_text_has_the_static_encoders_vector(texts):
    assert np.allclose(UNTRAINED.encode(texts), FITTED.encode(texts), atol=1e-5)


def test_padding_never_changes_a_vector():
    long, short = STIRRED.sequences(split([TEXT, "cats run a dog"]))
    words = torch.full((2, len(long), long.shape[1]), 5.0)
    words[0] = torch.from_numpy(long)
    words[1, : len(short)] = torch.from_numpy(short)
    present = torch.arange(len(long)) < torch.tensor([[len(long)], [len(short)]])
    with torch.inference_mode():
        together = STIRRED.module(words, present)
        alone = STIRRED.module(torch.from_numpy(short)[None], torch.ones(1, len(short)).bool())
    assert torch.allclose(together[1], alone[0], atol=1e-4)


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


def test_a_text_beyond_the_longest_adds_the_rest_of_its_words_as_they_are():
    words = WORDS * 9  # 90 known words of 99; 50 go through the layers
    sequence = STIRRED.sequences(split([" ".join(words)]))[0]
    with torch.inference_mode():
        front = STIRRED.module(torch.from_numpy(sequence[:50])[None], torch.ones(1, 50).bool())
    expected = unit((front[0].numpy() + sequence[50:].sum(0))[None])[0]
    assert np.allclose(STIRRED.encode([" ".join(words)])[0], expected, atol=1e-6)


def test_the_order_of_words_counts_after_training():
    there, here = STIRRED.encode(["cat dog tree house run", "run tree dog house cat"])
    assert not np.allclose(there, here, atol=1e-4)


def test_a_saved_encoder_gives_the_same_vectors_and_fingerprint(tmp_path):
    STIRRED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    again = Long.load(tmp_path, described)
    assert again.fingerprint == STIRRED.fingerprint
    assert np.array_equal(again.encode(DOCUMENTS), STIRRED.encode(DOCUMENTS))


def test_damaged_files_are_named(tmp_path):
    STIRRED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    (tmp_path / "over_words.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="damaged"):
        Long.load(tmp_path, described)
    with pytest.raises(ModelError, match="do not fit"):
        Long(FITTED, STIRRED.weights, Lengths(width=16)).encode(["cat"])


@pytest.mark.parametrize("wrong", [{"width": 10}, {"layers": 0}, {"modes": 0}, {"longest": 0}])
def test_sizes_that_no_encoder_can_have_are_refused(wrong):
    with pytest.raises(InputError, match="No long encoder"):
        Lengths(**wrong)
