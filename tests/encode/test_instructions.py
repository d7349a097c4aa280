"""One encoder for several uses: instructions before texts, and what is learned after them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from everygrain import Document, Index
from everygrain.encode import registry
from everygrain.encode.base import unit
from everygrain.encode.cache import Cached
from everygrain.encode.instructions import Instructed, Use
from everygrain.encode.static import Static
from everygrain.errors import InputError, ModelError, QueryError
from tests.encode.test_static import FITTED, PIECES, TABLE, TEXTS

D = FITTED.dimensions
LOT = np.random.default_rng(5)
USES = {"answer": Use("a cat", "house"), "plain": Use(), "learned": Use()}
LEARNED = {
    "learned.query": (0.5 * LOT.standard_normal((2, D))).astype(np.float32),
    "learned.document": (0.5 * LOT.standard_normal((2, D))).astype(np.float32),
}
START = Instructed(FITTED, USES, LEARNED)


def test_an_instruction_is_read_before_the_text_on_its_own_side():
    encoder = START.for_use("answer")
    texts = ["dogs run", "tree"]
    told = ["a cat dogs run", "a cat tree"]
    assert np.array_equal(encoder.encode(texts, "query"), FITTED.encode(told, "query"))
    assert np.array_equal(encoder.encode(texts), FITTED.encode(["house dogs run", "house tree"]))


def test_to_a_table_of_words_an_instruction_is_one_vector_added_to_each_sum():
    table = Instructed(Static(TABLE, {}), {"answer": Use("a cat")}).for_use("answer")
    rows = TABLE.matrix.astype(np.float64)
    added = rows[PIECES.index("a")] + rows[PIECES.index("cat")]
    for text in ("dog", "tree run run"):
        own = sum(rows[PIECES.index(word)] for word in text.split())
        expected = unit((own + added)[None])[0]
        assert np.allclose(table.encode([text], "query")[0], expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["query", "document"])
def test_what_is_learned_scales_and_moves_each_vector_as_the_formula_says(kind):
    texts = ["cat dog", "running house", "tree"]
    scale, offset = LEARNED[f"learned.{kind}"].astype(np.float64)
    for text, vector in zip(texts, START.for_use("learned").encode(texts, kind), strict=True):
        x = FITTED.encode([text], kind)[0].astype(np.float64)
        expected = [(1 + scale[j]) * x[j] + offset[j] for j in range(D)]
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


@given(TEXTS)
@settings(max_examples=25)
def test_without_a_use_or_with_nothing_learned_vectors_are_the_encoders_own(texts):
    for kind in ("query", "document"):
        own = FITTED.encode(texts, kind)
        assert np.array_equal(START.encode(texts, kind), own)
        assert np.array_equal(START.for_use("plain").encode(texts, kind), own)


@given(TEXTS)
@settings(max_examples=25)
def test_a_vector_depends_on_its_text_alone_and_an_empty_text_stays_zero(texts):
    for use in USES:
        encoder = START.for_use(use)
        for kind in ("query", "document"):
            together = encoder.encode(texts, kind)
            for text, vector in zip(texts, together, strict=True):
                assert np.array_equal(encoder.encode([text], kind)[0], vector)
                assert np.linalg.norm(vector) == pytest.approx(float(vector.any()), abs=1e-6)
                assert vector.any() or not FITTED.encode([text], kind).any()
        assert not encoder.encode(["", " "], "query").any()


def test_a_use_has_a_fingerprint_of_its_own_that_other_uses_do_not_change():
    prints = {START.for_use(use).fingerprint for use in (*USES, "")}
    assert len(prints) == 4
    more = Instructed(FITTED, USES | {"new": Use("tree")}, LEARNED)
    assert more.for_use("answer").fingerprint == START.for_use("answer").fingerprint
    moved = LEARNED | {"learned.query": LEARNED["learned.query"] + 1}
    changed = Instructed(FITTED, USES, moved)
    assert changed.for_use("plain").fingerprint == START.for_use("plain").fingerprint
    assert changed.for_use("learned").fingerprint != START.for_use("learned").fingerprint


def test_it_is_told_which_uses_need_an_index_of_their_own():
    queries_alone = {"learned.query": LEARNED["learned.query"]}
    told = [
        (START, "answer", True),
        (START, "learned", True),
        (START, "plain", False),
        (START, "", False),
        (Instructed(FITTED, USES, queries_alone), "learned", False),
    ]
    for encoder, use, expected in told:
        assert encoder.for_use(use).own_documents is expected


def test_what_is_saved_is_loaded_and_damage_is_told(tmp_path):
    START.for_use("learned").save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    again = Instructed.load(tmp_path, described)
    assert again.use == "learned"
    for use in USES:
        mine, theirs = START.for_use(use), again.for_use(use)
        assert np.array_equal(
            mine.encode(["cat", ""], "query"), theirs.encode(["cat", ""], "query")
        )
    for broken in ({"use": "unheard of"}, {"uses": {"learned": {"wrong": ""}}}, {"uses": {}}):
        with pytest.raises(ModelError, match="damaged"):
            Instructed.load(tmp_path, described | broken)
    (tmp_path / "instructions.safetensors").unlink()
    with pytest.raises(ModelError, match="missing"):
        Instructed.load(tmp_path, described)


def test_bad_uses_and_shapes_are_refused():
    with pytest.raises(QueryError, match=r"no use 'citing'\. Use one of: answer, learned, plain"):
        START.for_use("citing")
    with pytest.raises(InputError, match=r"'citing\.query'"):
        Instructed(FITTED, USES, {"citing.query": np.zeros((2, D), np.float32)})
    with pytest.raises(InputError, match="shape"):
        Instructed(FITTED, USES, {"plain.query": np.zeros((1, D), np.float32)})


@given(TEXTS)
@settings(max_examples=25)
def test_with_queries_alone_documents_and_the_fingerprint_are_the_encoders_own(texts):
    queries = {"learned.query": LEARNED["learned.query"]}
    encoder = Instructed(FITTED, USES, queries).for_use("learned")
    alone = encoder.queries_alone()
    assert alone.fingerprint == FITTED.fingerprint != encoder.fingerprint
    assert np.array_equal(alone.encode(texts), FITTED.encode(texts))
    assert np.array_equal(alone.encode(texts, "query"), encoder.encode(texts, "query"))


def test_an_index_of_the_encoder_answers_for_a_use_without_being_built_anew(tmp_path):
    texts = ["cat", "dogs run", "greenhouse", "tree house"]
    asked = Instructed(FITTED, {"answer": Use("a green tree")}, use="answer").queries_alone()
    with Index(tmp_path / "i", Cached(FITTED, tmp_path / "vectors.db")) as index:
        index.add([Document(text, text) for text in texts])
    with Index.open(tmp_path / "i", encoder=asked) as index:
        found = index.retriever("dense").retrieve(["dogs"], 4)
    expected = (FITTED.encode(["a green tree dogs"]) @ FITTED.encode(texts).T)[0]
    order = np.argsort(-expected)
    assert found.document_ids.tolist() == [texts[place] for place in order]
    assert np.allclose(found.scores, expected[order], atol=1e-6)


def test_a_use_with_documents_of_its_own_needs_an_index_of_its_own():
    with pytest.raises(QueryError, match="'answer' has documents of its own"):
        START.for_use("answer").queries_alone()


def test_a_use_of_queries_alone_is_not_kept(tmp_path):
    Instructed(FITTED, {"answer": Use("a cat")}, use="answer").queries_alone().save(tmp_path)
    assert registry.load(tmp_path).fingerprint == FITTED.fingerprint
