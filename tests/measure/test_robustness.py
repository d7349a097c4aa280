import math

import numpy as np
import pytest
from scipy import stats

from everygrain.document import Ranking
from everygrain.errors import MeasureError, QueryError
from everygrain.measure.likeness import kendall_tau, overlap_at, rank_biased_overlap
from everygrain.measure.robustness import drops, robustness
from everygrain.rank.base import named

QUERIES = {"1": "one", "2": "two", "3": "three"}
VARIANTS = {"1": ["uno", "one"], "2": ["due"], "3": ["tre", "troi"]}
RANKED = {
    "one": "abcd", "uno": "acbe", "two": "abc", "due": "", "three": "cab", "tre": "bac",
    "troi": "xyz",
}  # fmt: skip
JUDGEMENTS = {"1": {"a": 1, "b": 1}, "2": {"b": 1}, "3": {"c": 1, "x": 0}, "9": {"a": 1}}


class Listed:
    """A retriever that was told its rankings."""

    def __init__(self, ranked):
        self.ranked = ranked
        self.asked = []

    def retrieve(self, queries, k=10):
        asked = named(queries)
        self.asked += asked.values()
        rows = [
            (query, document, -rank)
            for query, text in asked.items()
            for rank, document in enumerate(self.ranked[text][:k])
        ]
        return Ranking.of(list(asked), rows)


def test_figures_equal_a_loop_over_queries_and_variants():
    found = robustness(Listed(RANKED), QUERIES, VARIANTS, k=3)
    assert found.queries == ("1", "2", "3")
    for i, (query, wordings) in enumerate(VARIANTS.items()):
        original = list(RANKED[QUERIES[query]])[:3]
        others = [list(RANKED[text])[:3] for text in wordings]
        assert found.rbo[i] == np.mean([rank_biased_overlap(original, o) for o in others])
        assert found.overlap[i] == np.mean([overlap_at(original, o, 3) for o in others])
        taus = [t for o in others if not math.isnan(t := kendall_tau(original, o))]
        assert found.tau[i] == pytest.approx(sum(taus) / len(taus)) if taus else "no tau"


def test_figures_of_a_small_case_are_worked_out_by_hand():
    found = robustness(Listed(RANKED), QUERIES, VARIANTS, k=3)
    # one: abc against acb and abc; two: abc against nothing; three: cab against bac and xyz.
    assert found.overlap.tolist() == [1, 0, 0.5]
    assert found.first.tolist() == [0, 1, 1]
    # b and c change sides: one pair of three, so 1 / 3; then 1. Of c, a, b all three do: -1.
    assert found.tau[0] == pytest.approx((1 / 3 + 1) / 2)
    assert math.isnan(found.tau[1])
    assert found.tau[2] == -1
    assert found.varied.all()
    means = found.mean()
    assert means["overlap"] == means["varied"] / 2 == 0.5
    assert means["any_first"] == means["all_first"] == pytest.approx(2 / 3)
    assert means["tau"] == pytest.approx((2 / 3 - 1) / 2)


def test_a_query_whose_first_document_one_of_two_variants_changes_is_not_changed_by_all():
    found = robustness(Listed(RANKED), QUERIES, {"3": ["three", "tre"]})
    assert found.first.tolist() == [0.5]
    assert (found.mean()["any_first"], found.mean()["all_first"]) == (1, 0)


def test_a_variant_that_is_the_query_changes_nothing_and_each_text_is_asked_for_once():
    listed = Listed(RANKED)
    found = robustness(listed, QUERIES, {"1": ["one", "one"]})
    assert found.mean() == {
        "varied": 0, "rbo": pytest.approx(1), "overlap": 1, "tau": 1, "any_first": 0,
        "all_first": 0,
    }  # fmt: skip
    assert listed.asked == ["one", "one"]  # as a query, and as a variant


def test_the_drop_is_that_of_the_measure_worked_out_by_hand():
    (drop,) = drops(Listed(RANKED), QUERIES, VARIANTS, JUDGEMENTS, ["RR"])
    # Ranks of the first relevant document: 1, 2, 1; then 1 and 1, none, 3 and none.
    assert drop.before.tolist() == [1, 1 / 2, 1]
    assert drop.after == pytest.approx([1, 0, (1 / 3 + 0) / 2])
    assert drop.original == pytest.approx(5 / 6)
    assert drop.varied == pytest.approx(7 / 18)
    assert drop.share == pytest.approx((5 / 6 - 7 / 18) / (5 / 6))
    gaps = drop.before - drop.after
    assert drop.test.difference == pytest.approx(gaps.mean())
    assert drop.interval.low <= gaps.mean() <= drop.interval.high
    theirs = stats.permutation_test(
        (drop.before, drop.after), lambda a, b: np.mean(a - b), permutation_type="samples",
        n_resamples=np.inf,
    )  # fmt: skip
    assert drop.test.p == pytest.approx(theirs.pvalue)


def test_a_query_that_is_not_judged_takes_no_part_in_the_drop():
    (drop,) = drops(Listed(RANKED), QUERIES, VARIANTS, {"1": {"b": 1}}, ["RR"])
    assert drop.before.tolist() == [1 / 2]
    assert drop.after.tolist() == [(1 / 3 + 1 / 2) / 2]


def test_variants_that_all_find_nothing_lose_everything():
    (drop,) = drops(Listed(RANKED), QUERIES, {"2": ["due"]}, JUDGEMENTS, ["RR"])
    assert (drop.original, drop.varied, drop.share) == (0.5, 0, 1)


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ({}, "no variant"),
        ({"9": ["x"]}, "no query '9'"),
        ({"1": []}, "no list"),
        ({"1": "x"}, "no"),
    ],
)
def test_variants_that_cannot_be_compared_are_an_error(variants, said):
    with pytest.raises(MeasureError, match=said):
        robustness(Listed(RANKED), QUERIES, variants)


def test_without_a_judged_query_there_is_no_drop():
    with pytest.raises(MeasureError, match="is judged"):
        drops(Listed(RANKED), QUERIES, VARIANTS, {"9": {"a": 1}}, ["RR"])
    with pytest.raises(QueryError):
        robustness(Listed(RANKED), QUERIES, VARIANTS, k=0)
