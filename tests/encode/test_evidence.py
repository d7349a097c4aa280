"""Which sentences answer: the fallback's at first, the formula after that, and exact spans."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.encode.evidence import FEATURES, Localiser, reached, runs
from everygrain.encode.static import Static
from everygrain.errors import InputError, ModelError
from everygrain.segment.sentences import Sentences
from tests.encode.test_static import FITTED, PIECES, PIECES_OF, TABLE

TEXTS = ["A cat running.", "The greenhouse.", "Dogs run a tree 12 7.", "House a cat dogs?", "Xyz."]
DOCUMENT = Document("d", "  " + "  ".join(TEXTS) + " ")
SPANS = Sentences().spans(DOCUMENT.text)
START = Localiser.untrained(FITTED, FITTED, hidden=5, rank=3)


def stirred(seed=1):
    lot = np.random.default_rng(seed)
    weights = {name: (array + 0.4 * lot.standard_normal(array.shape)).astype(np.float32)
               for name, array in START.weights.items()}  # fmt: skip
    weights["spread"] = np.abs(weights["spread"]) + np.float32(0.2)
    return Localiser(FITTED, FITTED, weights)


STIRRED = stirred()


def word_vector(word):
    total = np.zeros(FITTED.dimensions)
    for piece in PIECES_OF[word]:
        total += FITTED.table.matrix[PIECES.index(piece)].astype(np.float64)
    length = np.linalg.norm(total)
    return total / length if length else total


def test_each_word_of_the_query_finds_its_nearest_word_in_the_sentence():
    query, texts = "cats dog xyz", [["a", "cat"], ["house"], ["dogs", "running", "cats"]]
    expected = []
    for words in texts:
        total = weight = 0.0
        for asked in query.split():
            idf = FITTED.idf.get(asked, FITTED.unseen)
            total += idf * max(word_vector(asked) @ word_vector(word) for word in words)
            weight += idf
        expected.append(total / weight)
    found = START.words_found(query, [" ".join(words) for words in texts] + [""])
    assert np.allclose(found, [*expected, 0], atol=1e-5)


def test_untrained_the_order_is_the_fallbacks():
    prior = np.array([0.2, 0.9, 0.1, 0.5, 0.3])
    assert np.argsort(-START.logits("a cat", TEXTS, prior)).tolist() == [1, 3, 4, 0, 2]
    own = START.fallback("a cat", TEXTS)
    assert np.array_equal(np.argsort(-START.logits("a cat", TEXTS)), np.argsort(-own))


def test_the_fallback_is_the_mean_of_words_held_and_cosine():
    weights = {word: FITTED.idf.get(word, FITTED.unseen) for word in ("cat", "tree")}
    cosines = FITTED.encode(TEXTS) @ FITTED.encode(["cat tree"])[0]
    held = [["cat"], [], ["tree"], ["cat"], []]
    expected = [
        (sum(weights[w] for w in words) / sum(weights.values()) + min(max(cosine, 0), 1)) / 2
        for words, cosine in zip(held, cosines, strict=True)
    ]
    assert np.allclose(START.fallback("cat tree", TEXTS), expected, atol=1e-5)


def test_logits_are_the_formula_written_out():
    query, prior = "cat tree dog", np.array([0.4, 0.1, 0.7, 0.2, 0.0], dtype=np.float32)
    w = {name: array.astype(np.float64) for name, array in STIRRED.weights.items()}
    q, s = FITTED.encode([query])[0].astype(float), FITTED.encode(TEXTS).astype(float)
    found = STIRRED.words_found(query, TEXTS)
    middle = s.sum(0) / np.linalg.norm(s.sum(0))
    lengths, numbers = [3, 2, 6, 4, 1], [0, 0, 2 / 6, 0, 0]
    for i in range(5):
        features = [
            prior[i], prior[i] - 0.7, s[i] @ q, s[i] @ q - np.mean(s @ q), found[i],
            found[i - 1] if i else 0, found[i + 1] if i < 4 else 0, s[i] @ middle, i / 4, i == 0,
            i == 4, np.log(1 + lengths[i]), numbers[i],
        ]  # fmt: skip
        assert len(features) == len(FEATURES)
        z = [(f - m) / r for f, m, r in zip(features, w["mean"], w["spread"], strict=True)]
        z += [(q @ w["U"][:, r]) * (s[i] @ w["V"][:, r]) for r in range(3)]
        hidden = [np.tanh(np.dot(w["W"][h], z) + w["c"][h]) for h in range(5)]
        logit = w["a"][0] * prior[i] + w["b"][0] + np.dot(w["w"], hidden)
        assert STIRRED.logits(query, TEXTS, prior)[i] == pytest.approx(logit, abs=1e-4)


@given(st.lists(st.booleans(), max_size=12))
def test_runs_are_the_longest_stretches_of_chosen_ones(values):
    found = runs(np.array(values, dtype=bool))
    covered = [place for first, last in found for place in range(first, last + 1)]
    assert covered == [place for place, value in enumerate(values) if value]
    # two runs never touch: there is an unchosen one between them
    assert all(there[1] + 1 < here[0] for there, here in itertools.pairwise(found))


def test_what_is_within_the_margin_of_the_best_is_reached():
    logits = np.array([-3, -1, -2, -1], dtype=np.float32)
    assert reached(logits, 0.0).tolist() == [False, True, False, True]
    assert reached(logits, 1.5).tolist() == [False, True, True, True]
    assert reached(logits[:0], 1.0).tolist() == []


def test_spans_are_exact_and_neighbours_make_one():
    prior = np.array([0.7, 0.1, 0.9, 0.8, 0.2])  # the margin of 2 is .25 of these, times 8
    best, other = START.locate("a cat", DOCUMENT, SPANS, prior)
    assert DOCUMENT.text[best.span.start : best.span.end] == best.text
    assert best.text == "Dogs run a tree 12 7.  House a cat dogs?"
    assert best.span.grain == "passage"
    assert best.score == pytest.approx(1 / (1 + np.exp(-(8 * 0.9 - 4))))
    assert (other.text, other.span.grain) == ("A cat running.", "sentence")
    [alone] = START.locate("a cat", DOCUMENT, SPANS, np.array([0.1, 0.2, 0.5, 0.1, 0.2]))
    assert alone.text == "Dogs run a tree 12 7."


@pytest.mark.parametrize("query", ["", "xyz", "!?", "猫 🐈", "cat " * 5000])
def test_odd_queries_get_finite_scores(query):
    assert np.isfinite(STIRRED.logits(query, TEXTS)).all()


def test_a_document_without_sentences_has_no_answer():
    assert START.locate("a cat", Document("d", "  "), []) == []
    assert [each.text for each in START.locate("a cat", Document("d", "cat"), [(0, 3)])] == ["cat"]


@pytest.mark.parametrize("prior", [[0.1], [0.1, np.nan, 0, 0, 0]])
def test_priors_that_do_not_fit_are_refused_by_the_name_of_the_query(prior):
    with pytest.raises(InputError, match="a strange query"):
        START.logits("a strange query", TEXTS, np.array(prior))


def test_saved_weights_come_back_over_the_same_encoders_only(tmp_path):
    STIRRED.save(tmp_path)
    again = Localiser.load(tmp_path, FITTED, FITTED)
    assert np.array_equal(again.logits("a cat", TEXTS), STIRRED.logits("a cat", TEXTS))
    with pytest.raises(ModelError, match="learned over"):
        Localiser.load(tmp_path, Static(TABLE, {}), FITTED)
    (tmp_path / "localiser.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="damaged"):
        Localiser.load(tmp_path, FITTED, FITTED)


def test_sizes_out_of_range_are_refused():
    with pytest.raises(InputError, match="0 wide"):
        Localiser.untrained(FITTED, FITTED, hidden=0)
