from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain import Document, Ranking
from everygrain.errors import MeasureError
from everygrain.measure import Collection, evaluate
from everygrain.measure.small import part, pooled, small

DOCUMENTS = [f"d{i}" for i in range(12)]
QUERIES = {"q": "q", "r": "r"}


@dataclass(frozen=True)
class Scored:
    """Ranks by a fixed score for query and document, whatever else is in the collection."""

    scores: np.ndarray

    def rank(self, collection: Collection, k: int) -> Ranking:
        there = [int(document.id[1:]) for document in collection.documents()]
        rows = [
            (query, f"d{d}", self.scores[i, d]) for i, query in enumerate(QUERIES) for d in there
        ]
        return Ranking.of(list(QUERIES), rows).cut(k)


def collected(judgements: dict[str, dict[str, int]]) -> Collection:
    def documents() -> Callable:
        return iter([Document(identity, f"text of {identity}") for identity in DOCUMENTS])

    return Collection("whole", {**QUERIES, "unjudged": "x"}, judgements, documents)


judged = st.fixed_dictionaries(
    {q: st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 2), min_size=1) for q in QUERIES}
)


def scored(seed: int) -> Scored:
    return Scored(np.random.default_rng(seed).permutation(24).reshape(2, 12).astype(float))


@given(judged, st.integers(0, 50), st.integers(1, 5))
def test_a_pooled_system_has_the_same_figures_on_the_small_collection(judgements, seed, depth):
    whole = collected(judgements)
    systems = [scored(seed), scored(seed + 1)]
    less = small(whole, [each.rank(whole, 12) for each in systems], depth)
    measures = [f"nDCG@{depth}", f"R@{depth}", f"RR@{depth}"]
    for each in systems:
        figures = [
            evaluate(each.rank(c, depth), judgements, measures).values for c in (whole, less)
        ]
        assert figures[0].tolist() == figures[1].tolist()


@given(judged, st.integers(0, 50), st.integers(1, 5))
def test_a_system_that_was_not_pooled_never_looks_worse(judgements, seed, depth) -> None:
    whole, other = collected(judgements), scored(seed + 1)
    less = small(whole, [scored(seed).rank(whole, 12)], depth)
    full, cut = (evaluate(other.rank(c, 5), judgements, ["nDCG@5"]).values for c in (whole, less))
    assert (cut >= full - 1e-12).all()


@given(judged, st.integers(0, 50), st.integers(1, 5))
def test_what_is_kept_is_what_sets_of_ids_say(judgements, seed, depth) -> None:
    whole = collected(judgements)
    rankings = [scored(seed).rank(whole, 12), scored(seed + 1).rank(whole, 12)]
    kept = {document.id for document in small(whole, rankings, depth).documents()}
    wanted = {document for grades in judgements.values() for document in grades}
    for ranking in rankings:
        seen = dict.fromkeys(QUERIES, 0)
        for query, document, _ in ranking.rows():
            seen[query] += 1
            if seen[query] <= depth:
                wanted.add(document)
    assert kept == wanted


def test_the_small_collection_fits_together_and_can_be_read_twice() -> None:
    whole = collected({"q": {"d3": 1, "d4": 0}, "r": {"d5": 1}})
    less = small(whole, [scored(0).rank(whole, 12)], 2)
    assert less.name == "whole/2"
    assert list(less.queries) == ["q", "r"]
    less.validate().require()
    once = [document.id for document in less.documents()]
    assert once == [document.id for document in less.documents()]
    assert 3 <= len(once) <= 7


def test_a_part_keeps_the_queries_that_are_named_and_all_documents() -> None:
    whole = collected({"q": {"d3": 1}, "r": {"d5": 1}})
    one = part(whole, ["r"])
    assert (list(one.queries), dict(one.judgements)) == (["r"], {"r": {"d5": 1}})
    assert len(list(one.documents())) == 12
    with pytest.raises(MeasureError, match="'unjudged' has no judgement"):
        part(whole, ["unjudged"])


def test_a_pool_that_lacks_a_query_is_refused() -> None:
    whole = collected({"q": {"d3": 1}})
    with pytest.raises(MeasureError, match="'elsewhere' was not asked"):
        pooled([scored(0).rank(whole, 12)], 3, {"elsewhere": ""})
    with pytest.raises(MeasureError, match="no ranking to pool"):
        small(whole, [], 3)
