import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain import Ranking
from everygrain.errors import MeasureError
from everygrain.measure.instructions import excluded, p_mrr, rank_change

ranks = st.integers(1, 2000)


def ranked(**orders: str) -> Ranking:
    """Make a ranking from queries' documents, one letter each, in order."""
    rows = [(q, d, -float(i)) for q, order in orders.items() for i, d in enumerate(order)]
    return Ranking.of(list(orders), rows)


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [(1, 1, 0), (7, 7, 0), (1, 2, 0.5), (2, 1, -0.5), (1, 10, 0.9), (10, 1, -0.9), (3, 4, 0.25)],
)
def test_ranks_give_the_figures_worked_by_hand(before: int, after: int, value: float) -> None:
    assert rank_change(before, after) == pytest.approx(value, abs=1e-15)


@given(ranks, ranks)
def test_exchanging_the_rankings_changes_the_sign(before: int, after: int) -> None:
    assert rank_change(before, after) == pytest.approx(-rank_change(after, before), abs=1e-12)


@given(ranks, ranks)
def test_a_fall_is_positive_a_rise_negative_and_both_stay_within_one(before: int, after: int):
    value = rank_change(before, after)
    assert -1 < value < 1
    assert (value > 0) == (after > before)
    assert (value < 0) == (after < before)


@given(ranks, ranks, st.integers(1, 20))
def test_only_the_ratio_of_the_ranks_matters(before: int, after: int, factor: int) -> None:
    scaled = rank_change(before * factor, after * factor)
    assert scaled == pytest.approx(rank_change(before, after), abs=1e-12)


@given(ranks, ranks)
def test_a_fall_by_one_place_more_counts_more(before: int, after: int) -> None:
    assert rank_change(before, after + 1) > rank_change(before, after)


def test_the_mean_is_over_documents_and_then_over_queries() -> None:
    before = ranked(one="abcd", two="abcd")
    after = ranked(one="badc", two="dabc")
    # one: a 1 -> 2 gives 1/2, b 2 -> 1 gives -1/2, c 3 -> 4 gives 1/4; two: d 4 -> 1 gives -3/4
    scores = p_mrr(before, after, {"one": ["a", "b", "c"], "two": ["d"]})
    assert scores.of("p-MRR").tolist() == pytest.approx([1 / 12, -3 / 4])
    assert scores.mean() == {"p-MRR": pytest.approx((1 / 12 - 3 / 4) / 2)}


@st.composite
def two_runs(draw: st.DrawFn):
    documents = "abcdefgh"
    orders = {}
    changed = {}
    for query in draw(st.sets(st.sampled_from(["x", "y", "z"]), min_size=1)):
        orders[query] = [draw(st.permutations(documents)) for _ in range(2)]
        changed[query] = draw(st.lists(st.sampled_from(documents), min_size=1, unique=True))
    return orders, changed


@settings(deadline=None)  # importing the package takes seconds
@given(two_runs())
def test_figures_equal_those_of_the_mteb_package(made) -> None:
    metrics = pytest.importorskip("mteb._evaluators.retrieval_metrics", reason="mteb is missing")
    orders, changed = made
    runs = [
        ranked(**{query: "".join(both[i][:6]) for query, both in orders.items()}) for i in (0, 1)
    ]
    named = [
        {
            f"{query}-{suffix}": dict(rows)
            for query, rows in run.by_query().items()
        }
        for run, suffix in zip(runs, ("og", "changed"), strict=True)
    ]  # fmt: skip
    theirs = metrics.calculate_pmrr(*named, changed)
    assert p_mrr(*runs, changed).mean()["p-MRR"] == pytest.approx(theirs, abs=1e-12)


@given(two_runs())
def test_a_whole_run_against_itself_is_zero_and_turned_around_is_the_negative(made) -> None:
    orders, changed = made
    before, after = (ranked(**{q: "".join(o[i]) for q, o in orders.items()}) for i in (0, 1))
    assert p_mrr(before, before, changed).mean() == {"p-MRR": 0.0}
    there, back = p_mrr(before, after, changed), p_mrr(after, before, changed)
    assert there.values == pytest.approx(-back.values, abs=1e-12)


def test_a_document_that_is_not_found_stands_after_the_longer_ranking() -> None:
    assert p_mrr(ranked(q="ab"), ranked(q="b"), {"q": ["a"]}).values == pytest.approx(2 / 3)
    assert p_mrr(ranked(q="ab"), ranked(q=""), {"q": ["a"]}).values == pytest.approx(2 / 3)
    assert p_mrr(ranked(q="b"), ranked(q="c"), {"q": ["a"]}).values == pytest.approx(0)


def test_only_documents_that_are_judged_to_have_lost_their_relevance_count() -> None:
    before = {"q": {"a": 2, "b": 1, "c": 0, "d": 1, "e": 1}, "same": {"a": 1}, "alone": {"a": 1}}
    after = {"q": {"a": 0, "b": 1, "c": 1, "d": -1}, "same": {"a": 1}}
    assert excluded(before, after) == {"q": ("a", "d")}
    with pytest.raises(MeasureError, match="no query in common"):
        excluded(before, {"other": {"a": 1}})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "No document lost"),
        ({"p": ["a"]}, "The query 'p' was not asked under both"),
        ({"q": []}, "no list of documents"),
        ({"q": ["a", "a"]}, "each named once"),
        ({"q": "a"}, "no list of documents"),
    ],
)
def test_what_cannot_be_compared_is_told(changed, told: str) -> None:
    with pytest.raises(MeasureError, match=told):
        p_mrr(ranked(q="ab"), ranked(q="ba"), changed)
    with pytest.raises(MeasureError, match="rank is 0"):
        rank_change(0, 1)
