"""Grains: the aggregate by hand, and candidates scored against a loop over spans."""

import math

import numpy as np
import pytest

from everygrain.document import Document, Ranking
from everygrain.errors import QueryError
from everygrain.rank.grains import AtGrain, aggregate
from everygrain.segment.sentences import Sentences
from tests.rank.conftest import Hashing

DOCUMENTS = {
    d.id: d
    for d in (
        Document("a", "The tree stands. A graph has a node. Search the stone.", "Tree"),
        Document("b", "A river runs over stone.", ""),
        Document("c", "", "Only a title"),
    )
}


def fetch(ids):
    return {i: DOCUMENTS[i] for i in ids if i in DOCUMENTS}


def test_a_low_temperature_takes_the_best_span_and_a_high_one_the_mean():
    similar = np.array([0.9, 0.1, -0.4], dtype=np.float32)
    assert aggregate(similar, 0) == np.float32(0.9)
    assert aggregate(similar, 1e-3) == pytest.approx(0.9)
    assert aggregate(similar, 1e6) == pytest.approx(0.2, abs=1e-5)
    weights = [math.exp(s / 0.5) for s in (0.9, 0.1, -0.4)]
    by_hand = sum(w * s for w, s in zip(weights, (0.9, 0.1, -0.4), strict=True)) / sum(weights)
    assert aggregate(similar, 0.5) == pytest.approx(by_hand)


@pytest.mark.parametrize("grain", ["document", "passage", "sentence"])
def test_candidates_are_scored_as_in_a_loop_over_their_spans(grain):
    encoder = Hashing()
    ranking = Ranking.of(["q", "none"], [("q", i, 1.0) for i in "abc"])
    found = AtGrain(grain, encoder, fetch, Sentences("en")).rerank(
        {"q": "graph node", "none": "x"}, ranking
    )
    assert found.queries == ("q", "none")
    query = encoder.encode(["graph node"], "query")[0]
    for document_id, score in found.by_query()["q"]:
        document = DOCUMENTS[document_id]
        spans = [document.text[a:b] for a, b in Sentences("en").spans(document.text)] or [""]
        if grain == "document":
            spans = [document.text]
        titled = [f"{document.title} {s}".strip() if grain != "sentence" else s for s in spans]
        expected = max(float(encoder.encode([text])[0] @ query) for text in titled)
        assert score == pytest.approx(expected, abs=1e-6)


def test_a_share_of_the_first_score_is_kept():
    ranking = Ranking.of(["q"], [("q", "a", 0.25), ("q", "b", 0.75)])
    alone = AtGrain("sentence", Hashing(), fetch, Sentences("en"))
    mixed = AtGrain("sentence", Hashing(), fetch, Sentences("en"), share=0.4)
    own = dict(alone.rerank({"q": "graph node"}, ranking).by_query()["q"])
    both = dict(mixed.rerank({"q": "graph node"}, ranking).by_query()["q"])
    assert both["a"] == pytest.approx(0.4 * 0.25 + 0.6 * own["a"])
    assert both["b"] == pytest.approx(0.4 * 0.75 + 0.6 * own["b"])
    assert repr(mixed) == "AtGrain('sentence', share=0.4)"


def test_a_document_that_is_gone_is_left_out():
    ranking = Ranking.of(["q"], [("q", "a", 1.0), ("q", "gone", 2.0)])
    found = AtGrain("document", Hashing(), fetch).rerank({"q": "tree"}, ranking)
    assert found.document_ids.tolist() == ["a"]


def test_bad_settings_are_refused():
    with pytest.raises(QueryError, match="no grain 'word'"):
        AtGrain("word", Hashing(), fetch)
    with pytest.raises(QueryError, match="Nothing finds a sentence"):
        AtGrain("sentence", Hashing(), fetch)
    with pytest.raises(QueryError, match="temperature = -1"):
        AtGrain("document", Hashing(), fetch, temperature=-1)
    with pytest.raises(QueryError, match=r"share of 1\.5"):
        AtGrain("document", Hashing(), fetch, share=1.5)
    assert repr(AtGrain("document", Hashing(), fetch)) == "AtGrain('document')"
