"""Queries with an event: the formula in loops, and nothing else changed."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.encode.base import unit
from everygrain.encode.cache import Cached
from everygrain.encode.context import Context
from everygrain.encode.static import Static
from everygrain.engine import Index
from everygrain.errors import InputError, ModelError
from tests.encode.test_static import FITTED, TEXTS, WORDS

EVENT = "a green tree house dogs running dogs"
START = Context.untrained(FITTED, rank=4)


def stirred(encoder, seed=1):
    """Return the encoder with weights that differ from the start in every place."""
    lot = np.random.default_rng(seed)
    weights = {
        name: (array + 0.4 * lot.standard_normal(array.shape)).astype(np.float32)
        for name, array in encoder.weights.items()
    }
    return Context(encoder.inner, weights, encoder.idf, encoder.unseen, encoder.longest)


STIRRED = stirred(START)


def by_hand(encoder, query, event):
    """The formula, word by word, in float64."""
    w = {name: array.astype(np.float64) for name, array in encoder.weights.items()}
    q, e = encoder.inner.encode([query], "query")[0], encoder.inner.encode([event])[0]

    def words(text):
        known = [word for word in text.split() if word != "xyz"]
        each = sorted(set(known))
        mass = [max(encoder.idf.get(x, encoder.unseen), 1e-3) * known.count(x) for x in each]
        vectors = encoder.inner.encode(each).astype(np.float64)
        return known, vectors, [m / sum(mass) for m in mass], each

    asked, mine, w_i, distinct = words(query)
    told, theirs, m_j, _ = words(event)
    x = np.zeros(len(q))
    for i, own in enumerate(mine):
        logits = [
            math.log(m_j[j]) + w["a"][0] * own @ other + (own @ w["P"]) @ (other @ w["R"])
            for j, other in enumerate(theirs)
        ]
        total = sum(math.exp(value) for value in logits)
        for value, other in zip(logits, theirs, strict=True):
            x += w_i[i] * math.exp(value) / total * other
    h = e + w["b"][0] * x + (x @ w["U"]) @ w["V"]
    h /= np.linalg.norm(h)
    idf = np.mean([max(encoder.idf.get(word, encoder.unseen), 1e-3) for word in distinct])
    told_features = [1.0, q @ e, math.log(1 + len(asked)), math.log(1 + len(told)), idf]
    gate = 2 / (1 + math.exp(-np.dot(w["u"], told_features)))
    found = q + gate * h
    return found / np.linalg.norm(found), gate


@pytest.mark.parametrize("query", ["cat", "cats run cats", "dog xyz house"])
def test_a_fused_query_is_the_formula_written_out_in_loops(query):
    vector, gate = by_hand(STIRRED, query, EVENT)
    assert np.allclose(STIRRED.encode_queries([query], [EVENT])[0], vector, atol=1e-5)
    assert STIRRED.gates([query], [EVENT])[0] == pytest.approx(gate, abs=1e-5)


def test_untrained_the_event_counts_half_as_much_as_the_query():
    q, e = FITTED.encode(["cat", EVENT], "query")
    assert np.allclose(START.encode_queries(["cat"], [EVENT])[0], unit((q + e / 2)[None])[0],
                       atol=1e-6)  # fmt: skip


@given(TEXTS)
@settings(max_examples=25)
def test_documents_and_queries_without_an_event_have_the_encoders_own_vectors(texts):
    plain = FITTED.encode(texts, "query")
    assert np.array_equal(STIRRED.encode(texts), FITTED.encode(texts))
    assert np.array_equal(STIRRED.encode(texts, "query"), plain)
    for nothing in (None, "", "xyz xyz"):
        assert np.array_equal(STIRRED.encode_queries(texts, [nothing] * len(texts)), plain)
    assert STIRRED.fingerprint == FITTED.fingerprint


@given(TEXTS, st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join))
@settings(max_examples=25)
def test_a_fused_vector_depends_on_its_query_and_event_alone_to_the_last_bit(texts, event):
    together = STIRRED.encode_queries(texts, [event] * len(texts))
    for text, vector in zip(texts, together, strict=True):
        assert np.array_equal(STIRRED.encode_queries([text], [event])[0], vector)
        assert np.linalg.norm(vector) == pytest.approx(float(vector.any()), abs=1e-6)


def test_a_query_that_holds_nothing_known_stays_zero_whatever_the_event():
    assert not STIRRED.encode_queries(["", "xyz"], [EVENT, EVENT]).any()


def test_of_a_long_event_the_words_of_most_weight_are_read():
    weights = {"a": 0.1, "cat": 5.0, "dog": 3.0, "tree": 4.0, "house": 2.0}
    narrow = Context(Static(FITTED.table, weights), STIRRED.weights, weights, longest=2)
    [asked] = narrow.asked(["run"], ["a house dog cat tree"])
    expected = narrow.inner.encode(["cat", "tree"])
    assert np.array_equal(asked.event_words, expected)
    assert np.allclose(asked.event_shares, [5 / 9, 4 / 9])


def test_a_query_attends_to_the_words_of_the_event_that_training_points_it_to():
    weights = dict(START.weights) | {"a": np.array([60.0], np.float32)}
    keen = Context(FITTED, weights, FITTED.idf, FITTED.unseen)
    [asked] = keen.asked(["dogs"], ["cat tree dogs house"])
    shares = keen.attention(asked)[0]
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    assert np.array_equal(asked.event_words[shares.argmax()], FITTED.encode(["dogs"])[0])
    assert shares.max() > 0.9


def test_an_index_answers_about_an_event_without_being_built_anew(tmp_path):
    texts = [word for word in WORDS if word != "xyz"]
    # Cached hides that Static can be fitted: the index keeps the fit that the fusion knows
    inner = Cached(FITTED, tmp_path / "vectors.db")
    with Index(tmp_path / "i", encoder=inner) as index:
        index.add([Document(text, text) for text in texts])
    encoder = replace(STIRRED, inner=inner).about("green tree")
    expected = (encoder.encode(["cat"], "query") @ FITTED.encode(texts).T)[0]
    with Index.open(tmp_path / "i", encoder=encoder) as index:
        found = index.retriever("dense").retrieve(["cat"], 3)
    order = np.argsort(-expected)[:3]
    assert found.document_ids.tolist() == [texts[place] for place in order]
    assert np.allclose(found.scores, expected[order], atol=1e-6)
    with Index.open(tmp_path / "i", encoder=inner) as index:
        plain = index.retriever("dense").retrieve(["cat"], 3)
    assert np.abs(plain.scores - found.scores).max() > 0.01


def test_the_fusion_is_named_by_all_that_it_follows_from():
    assert START.fusion != STIRRED.fusion
    assert START.fusion != Context.untrained(FITTED, rank=4, longest=3).fusion
    assert START.fusion == Context.untrained(FITTED, rank=4).fusion


def test_what_is_saved_is_loaded_and_damage_is_told(tmp_path):
    STIRRED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    again = Context.load(tmp_path, described)
    asked = (["cat", "dogs run"], [EVENT, None])
    assert np.array_equal(again.encode_queries(*asked), STIRRED.encode_queries(*asked))
    assert again.fusion == STIRRED.fusion.replace(FITTED.fingerprint, again.inner.fingerprint)
    (tmp_path / "context.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged"):
        Context.load(tmp_path, described)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="2 queries came with 1 events"):
        START.encode_queries(["cat", "dog"], [EVENT])
    with pytest.raises(InputError, match="0 words of an event"):
        Context.untrained(FITTED, longest=0)
    with pytest.raises(InputError, match="rank of a fusion is 0"):
        Context.untrained(FITTED, rank=0)
    for share in (0.0, 2.0, float("nan")):
        with pytest.raises(InputError, match="share of an event"):
            Context.untrained(FITTED, share=share)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0, 1.9])
def test_untrained_an_event_has_the_share_that_was_asked(share):
    encoder = Context.untrained(FITTED, share=share)
    query, event = FITTED.encode(["cat", "dogs run"], "query")
    found = encoder.encode_queries(["cat"], ["dogs run"])[0]
    assert np.allclose(found, unit((query + share * event)[None])[0], atol=1e-6)
    assert encoder.gates(["cat"], ["dogs run"])[0] == pytest.approx(share, abs=1e-6)
