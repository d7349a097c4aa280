"""Fusion equals numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, named
from everygrain.rank.fuse import (
    Fused,
    MinMax,
    ReciprocalRank,
    Sum,
    Weighted,
    ZScore,
    combine_scores,
    fuse,
)


class Fixed(Composable):
    """A retriever that knows its answers."""

    def __init__(self, name, rows):
        self.name, self.rows, self.asked = name, rows, []

    def __repr__(self):
        return self.name

    def retrieve(self, queries, k=10):
        self.asked.append(k)
        asked = named(queries)
        return Ranking.of(list(asked), [(q, d, s) for q in asked for d, s in self.rows]).cut(k)


ONE = Fixed("one", [("a", 4.0), ("b", 2.0), ("c", 1.0)])
TWO = Fixed("two", [("c", 0.5), ("d", 0.4)])


def test_reciprocal_ranks_by_hand():
    found = ReciprocalRank().combine([dict(ONE.rows), dict(TWO.rows)])
    assert found == pytest.approx({"a": 1 / 61, "b": 1 / 62, "c": 1 / 63 + 1 / 61, "d": 1 / 62})
    assert ReciprocalRank(0).combine([{"a": 9, "b": 8}]) == {"a": 1, "b": 0.5}


def test_weighted_scores_by_hand():
    found = Weighted((0.75, 0.25)).combine([dict(ONE.rows), dict(TWO.rows)])
    assert found == pytest.approx({
        "a": 0.75, "b": 0.375, "c": 0.75 / 4 + 0.25, "d": 0.25 * 0.8,
    })  # fmt: skip


def test_a_negative_score_counts_as_none():
    assert Weighted((1.0, 1.0)).combine([{"a": 2.0, "b": -1.0}, {"b": -3.0}]) == {"a": 1, "b": 0}


def test_weights_and_rankings_must_be_as_many():
    with pytest.raises(QueryError, match="2 weights were given for 3 rankings"):
        Weighted((1.0, 1.0)).combine([{}, {}, {}])


def test_fused_retrievers_are_ranked_by_the_combined_score():
    found = fuse(ONE, TWO).retrieve({"q": "text"}, 3)
    # b and d tie and are settled by id
    assert [d for _, d, _ in found.rows()] == ["c", "a", "b"]
    assert found.scores.tolist() == pytest.approx([1 / 63 + 1 / 61, 1 / 61, 1 / 62])
    weighed = fuse(ONE, TWO, method=Weighted((1.0, 0.0))).retrieve(["text"], 2)
    assert list(weighed.rows()) == [("0", "a", 1.0), ("0", "b", 0.5)]


def test_each_part_is_asked_for_more_than_is_wanted():
    ONE.asked.clear()
    fuse(ONE, TWO).retrieve(["text"], 3)
    fuse(ONE, TWO).retrieve(["text"], 300)
    assert ONE.asked == [100, 300]


def test_a_query_without_results_stays_in_the_ranking():
    nothing = Fixed("nothing", [])
    assert fuse(nothing, nothing).retrieve({"q": ""}).queries == ("q",)


def test_fewer_than_two_cannot_be_fused():
    for few in ((), (ONE,)):
        with pytest.raises(QueryError, match="nothing to fuse"):
            fuse(*few)


def test_a_fusion_prints_as_it_is_written():
    assert repr(fuse(ONE, TWO)) == "fuse(one, two)"
    assert repr(fuse(ONE, TWO, method=Weighted((0.5, 0.5)))) == (
        "fuse(one, two, method=Weighted(weights=(0.5, 0.5)))"
    )
    assert repr(fuse(ONE, TWO) % 10) == "fuse(one, two) % 10"
    assert isinstance(fuse(ONE, TWO), Fused)
    assert fuse(ONE, TWO) == fuse(ONE, TWO) != fuse(TWO, ONE)


COLUMN = arrays(np.float32, 6, elements=st.floats(-10, 10, width=32))


@given(COLUMN, COLUMN, st.floats(0, 1))
def test_arrays_are_combined_as_weighted_combines_rankings(lexical, dense, weight):
    lexical = np.maximum(lexical, 0)
    found = combine_scores(lexical, dense, weight)
    assert found.dtype == np.float32
    both = lexical.max() > 0 and dense.max() > 0
    # a leg that found nothing leaves its weight to the other
    weights = (1 - weight, weight) if both else (1.0, 1.0)
    columns = [{str(i): float(s) for i, s in enumerate(column)} for column in (lexical, dense)]
    expected = Weighted(weights).combine(columns)
    assert found.tolist() == pytest.approx([expected[str(i)] for i in range(6)], abs=1e-5)


def test_nothing_is_combined_to_nothing():
    nothing = np.zeros(0, dtype=np.float32)
    assert combine_scores(nothing, nothing, 0.5).shape == (0,)


def test_min_max_by_hand_gives_a_missing_document_what_it_gives_the_last():
    found = MinMax().combine([dict(ONE.rows), dict(TWO.rows)])
    assert found == pytest.approx({"a": 1.0, "b": 1 / 3, "c": 0.0 + 1.0, "d": 0.0})
    assert MinMax((0.5, 2.0)).combine([{"a": 7.0}, {"a": -1.0, "b": -3.0}]) == {"a": 2.5, "b": 0.0}


def test_z_scores_by_hand_count_from_the_last():
    deviation = np.std([4.0, 2.0, 1.0])
    found = ZScore().combine([dict(ONE.rows), {"d": 5.0}])
    assert found == pytest.approx({"a": 3 / deviation, "b": 1 / deviation, "c": 0.0, "d": 1.0})


def test_sums_take_scores_as_they_came():
    assert Sum().combine([dict(ONE.rows), dict(TWO.rows)]) == {
        "a": 4.0, "b": 2.0, "c": 1.5, "d": 0.4,
    }  # fmt: skip
    assert Sum((0.5, 2.0)).combine([{"a": 4.0}, {"a": -1.0}]) == {"a": 0.0}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(-100, 100), min_size=2),
    st.floats(0.1, 10),
    st.floats(-50, 50),
)
def test_min_max_and_z_scores_do_not_depend_on_the_unit_of_the_scores(column, factor, shift):
    if np.ptp(list(column.values())) < 1e-3:
        return
    other = {d: factor * score + shift for d, score in column.items()}
    for method in (MinMax(), ZScore()):
        assert method.combine([other]) == pytest.approx(method.combine([column]), abs=1e-6)


def test_nothing_found_adds_nothing():
    for method in (MinMax(), ZScore(), Sum()):
        assert method.combine([{}, {"a": 2.0}]).keys() == {"a"}
        assert method.combine([{}, {}]) == {}


def test_a_method_prints_as_it_is_written():
    assert [repr(MinMax()), repr(ZScore((0.5, 0.5))), repr(Sum())] == [
        "MinMax()", "ZScore(weights=(0.5, 0.5))", "Sum()",
    ]  # fmt: skip
    assert repr(fuse(ONE, TWO, method=MinMax())) == "fuse(one, two, method=MinMax())"


def test_a_weight_below_zero_is_refused():
    for method in (Weighted, MinMax, ZScore, Sum):
        for bad in (-0.5, float("nan"), float("inf")):
            with pytest.raises(QueryError, match="makes no sense"):
                method((1.0, bad))
