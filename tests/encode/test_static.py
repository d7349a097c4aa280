"""The static encoder is its formula, and a text's vector is the text's own."""

import itertools
import json
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from everygrain.analyze import split
from everygrain.encode import registry, static
from everygrain.encode.static import Static, Table
from everygrain.errors import ModelError

PIECES = ["[UNK]", "cat", "##s", "dog", "run", "##ning", "tree", "green", "##house", "house", "a"]
WORDS = ["cat", "cats", "dog", "dogs", "running", "run", "tree", "greenhouse", "house", "a", "xyz"]


def make_table(dimensions=6, seed=0):
    vocabulary = {piece: i for i, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    matrix = np.random.default_rng(seed).standard_normal((len(PIECES), dimensions))
    return Table(tokenizer.to_str(), matrix.astype(np.float16))


TABLE = make_table()
PIECES_OF = {
    "cat": ["cat"], "cats": ["cat", "##s"], "dog": ["dog"], "dogs": ["dog", "##s"],
    "running": ["run", "##ning"], "run": ["run"], "tree": ["tree"],
    "greenhouse": ["green", "##house"], "house": ["house"], "a": ["a"], "xyz": [],
}  # fmt: skip
COLLECTION = [
    "the cat runs", "cats running a greenhouse", "dog dog dogs", "tree house tree", "a cat",
    "running dogs run", "house a house", "green tree",
]  # fmt: skip
FITTED = Static(TABLE, {}).fit(split(COLLECTION * 40))
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), max_size=8)


def by_hand(table, idf, unseen, text):
    """The formula, in loops."""
    total = np.zeros(table.matrix.shape[1])
    for word in text.split():
        for piece in PIECES_OF[word]:
            total += idf.get(word, unseen) * table.matrix[PIECES.index(piece)].astype(np.float64)
    length = np.sqrt((total**2).sum())
    return total / length if length else total


def test_pieces_of_words_are_those_of_the_tokenizer_without_unknown_ones():
    flat, offsets = TABLE.pieces(WORDS)
    found = [
        [PIECES[piece] for piece in flat[start:end]] for start, end in itertools.pairwise(offsets)
    ]
    assert found == [PIECES_OF[word] for word in WORDS]


@given(TEXTS)
def test_before_a_fit_a_vector_is_the_sum_of_pieces(texts):
    found = Static(TABLE, {}).encode(texts)
    assert found.shape == (len(texts), 6)
    for text, vector in zip(texts, found, strict=True):
        assert np.allclose(vector, by_hand(TABLE, {}, 1.0, text), atol=1e-5)


@given(TEXTS)
def test_words_weigh_their_inverse_document_frequency(texts):
    idf = {"cat": 0.5, "tree": 2.0, "house": 0.0}
    for text, vector in zip(texts, Static(TABLE, idf, 3.0).encode(texts), strict=True):
        assert np.allclose(vector, by_hand(TABLE, idf, 3.0, text), atol=1e-5)


@given(TEXTS)
def test_a_fitted_vector_is_the_same_sum_over_the_folded_table(texts):
    for text, vector in zip(texts, FITTED.encode(texts), strict=True):
        expected = by_hand(FITTED.table, FITTED.idf, FITTED.unseen, text)
        assert np.allclose(vector, expected, atol=1e-5)


def test_the_weights_of_words_are_counted_from_the_documents():
    fitted = Static(TABLE, {}).fit(split(COLLECTION))
    count = len(COLLECTION)
    for word in {word for text in COLLECTION for word in text.split()}:
        holders = sum(word in text.split() for text in COLLECTION)
        expected = np.log(1 + (count - holders + 0.5) / (holders + 0.5))
        # a word of one document has the weight of a word of none, to keep the list short
        assert fitted.idf.get(word, fitted.unseen) == pytest.approx(expected, abs=1e-4)
        assert (word in fitted.idf) == (holders > 1)
    assert fitted.fitted == count


def test_the_folded_table_is_the_table_times_the_shrunken_whitening():
    """T = U diag(lambda)^-0.35, by another road: a matrix function of the second moments."""
    words = split(COLLECTION * 40)
    fitted = Static(TABLE, {}).fit(words)
    plain = Static(TABLE, fitted.idf, fitted.unseen).encode(COLLECTION).astype(np.float64)
    moments = sum(np.outer(row, row) for row in plain) / len(plain)
    count, mean = len(words), np.trace(moments) / 6
    shrunken = (count * moments + 400 * mean * np.eye(6)) / (count + 400) / mean + 1e-3 * np.eye(6)
    values, directions = np.linalg.eig(shrunken)
    power = (directions * values**-0.35) @ np.linalg.inv(directions)
    one, other = TABLE.matrix.astype(np.float64), fitted.table.matrix.astype(np.float64)
    # the fold may turn the space; products tell
    assert np.allclose(other @ other.T, one @ power @ power.T @ one.T, rtol=2e-2, atol=2e-2)


def spread(vectors):
    values = np.linalg.eigvalsh(vectors.T.astype(np.float64) @ vectors)
    return values.max() / values.min()


def test_a_fit_brings_the_second_moments_closer_to_the_identity():
    generator = np.random.default_rng(3)
    texts = [" ".join(generator.choice(WORDS[:6], 5)) + " cat tree" for _ in range(2000)]
    before = Static(TABLE, {})
    words = split(texts)
    unwhitened = Static(TABLE, before.fit(words).idf, before.fit(words).unseen)
    assert spread(before.fit(words).encode(texts)) < 0.6 * spread(unwhitened.encode(texts))


def test_no_more_than_256_directions_are_kept():
    generator = np.random.default_rng(0)
    wide = Table(TABLE.tokenizer, generator.standard_normal((len(PIECES), 300)).astype(np.float16))
    assert Static(wide, {}).dimensions == 300
    assert Static(wide, {}).fit(split(COLLECTION)).dimensions == 256


@settings(max_examples=60)
@given(TEXTS, st.data())
def test_a_text_has_the_same_bits_alone_or_in_any_company(texts, data):
    together = FITTED.encode(texts)
    chosen = data.draw(st.permutations(range(len(texts))))[: data.draw(st.integers(0, 8))]
    again = FITTED.encode([texts[i] for i in chosen], "query")
    assert again.tobytes() == together[list(chosen)].tobytes()
    words = split(["other words first xyz", *texts]).take(np.arange(1, len(texts) + 1))
    assert FITTED.encode_words(words).tobytes() == together.tobytes()


def test_a_text_of_unknown_words_is_a_zero_row():
    found = FITTED.encode(["", "xyz xyz", "...", "cat"])
    assert not found[:3].any()
    assert np.linalg.norm(found[3]) == pytest.approx(1, abs=1e-6)
    assert FITTED.encode([]).shape == (0, FITTED.dimensions)


def test_a_saved_encoder_comes_back_with_the_same_bits(tmp_path):
    FITTED.save(tmp_path)
    loaded = registry.load(tmp_path)
    assert loaded.fingerprint == FITTED.fingerprint
    assert loaded.fitted == FITTED.fitted
    assert loaded.encode(COLLECTION).tobytes() == FITTED.encode(COLLECTION).tobytes()


def test_what_changes_a_vector_changes_the_fingerprint():
    base = Static(TABLE, {"cat": 1.5}, 2.0, 3)
    others = [
        Static(TABLE, {"cat": 1.6}, 2.0, 3),
        Static(TABLE, {"cat": 1.5}, 2.1, 3),
        Static(make_table(seed=1), {"cat": 1.5}, 2.0, 3),
        FITTED,
        FITTED.fit(split(COLLECTION[:-1])),
    ]
    assert len({each.fingerprint for each in [base, *others]}) == 6
    assert base.fingerprint == Static(make_table(), {"cat": 1.5}, 2.0, 3).fingerprint


def test_a_second_fit_starts_from_the_original_table():
    words = split(COLLECTION[:5] * 30)
    assert FITTED.fit(words).fingerprint == Static(TABLE, {}).fit(words).fingerprint


def keep_in_cache(table, cache):
    """Put a table where the distilled one is kept."""
    from everygrain.encode.transformer import Transformer

    folder = cache / "static" / Transformer("minilm").fingerprint
    folder.mkdir(parents=True)
    table.save(folder)


def test_a_loaded_encoder_is_refitted_from_the_original_table(tmp_path, monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(tmp_path / "cache"))
    keep_in_cache(TABLE, tmp_path / "cache")
    (tmp_path / "kept").mkdir()
    FITTED.save(tmp_path / "kept")
    words = split(COLLECTION[:5] * 30)
    refitted = registry.load(tmp_path / "kept").fit(words)
    assert refitted.fingerprint == Static(TABLE, {}).fit(words).fingerprint


def test_a_loaded_encoder_is_not_refitted_from_another_table(tmp_path, monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(tmp_path / "cache"))
    keep_in_cache(make_table(seed=1), tmp_path / "cache")
    (tmp_path / "kept").mkdir()
    FITTED.save(tmp_path / "kept")
    with pytest.raises(ModelError, match="not the one that this encoder was fitted from"):
        registry.load(tmp_path / "kept").fit(split(COLLECTION))


def test_a_fit_to_nothing_still_encodes():
    fitted = Static(TABLE, {}).fit(split([]))
    assert fitted.fitted == 0
    assert fitted.encode(["cat"])[0] @ fitted.encode(["cats"])[0] > 0


@pytest.mark.parametrize("name", ["encoder.json", "tokenizer.json", "table.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_a_damaged_file_is_named_with_a_remedy(tmp_path, name, damage):
    FITTED.save(tmp_path)
    held = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if damage != "missing":
        (tmp_path / name).write_bytes(b"" if damage == "empty" else held[: len(held) // 2])
    with pytest.raises(ModelError, match="missing or damaged") as caught:
        registry.load(tmp_path)
    assert "everygrain reencode" in caught.value.remedy


def test_a_description_without_what_it_needs_is_damaged(tmp_path):
    FITTED.save(tmp_path)
    (tmp_path / "encoder.json").write_text(json.dumps({"kind": "static"}))
    with pytest.raises(ModelError, match="missing or damaged"):
        registry.load(tmp_path)


@settings(max_examples=50)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9), max_size=9), st.integers(0, 8))
def test_pieces_are_the_same_with_and_without_memory(calls, room):
    table = make_table()
    with mock.patch.object(static, "_REMEMBERED", room):
        for words in calls:
            for mine, known in zip(table.pieces(words), TABLE.pieces(words), strict=True):
                np.testing.assert_array_equal(mine, known)
            assert len(table._memory) <= room
