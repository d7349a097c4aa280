"""The conformal cut-off: the quantile by hand, and the coverage that is promised, exactly."""

import json
import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Ranking
from everygrain.errors import InputError, QueryError
from everygrain.rank.cutoff import Calibration, Conformal, Cutoff
from everygrain.rank.cutoff.conformal import coverage

TEN = tuple(i / 10 for i in range(1, 11))


@pytest.mark.parametrize(
    ("alpha", "place"), [(0.05, 0), (0.09, 0), (0.1, 1), (0.2, 2), (0.29, 3), (0.5, 5), (0.99, 10)]
)
def test_the_threshold_is_the_k_th_smallest_score(alpha, place):
    calibration = Calibration(TEN[::-1])
    assert calibration.place(alpha) == place
    assert calibration.threshold(alpha) == (TEN[place - 1] if place else -math.inf)


def test_alpha_is_the_decimal_that_it_is_written_as():
    # 0.29 * 100 is 28.999999999999996 in floating point
    assert Calibration(tuple(map(float, range(99)))).place(0.29) == 29


@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=6),
    st.sampled_from([0.1, 0.2, 0.25, 0.4, 0.5, 0.75]),
)
def test_over_all_orders_the_answer_is_kept_as_often_as_promised(values, alpha):
    # exchangeable: every order of the same scores is as likely; the last is the new query's
    kept = total = 0
    for order in permutations(map(float, values)):
        *known, new = order
        kept += new >= Calibration(tuple(known)).threshold(alpha)
        total += 1
    covered = Fraction(kept, total)
    assert covered >= 1 - Fraction(str(alpha))
    if len(set(values)) == len(values):  # without ties it is no more cautious than it must be
        n = len(values) - 1
        assert covered == 1 - Fraction(Calibration(tuple(map(float, range(n)))).place(alpha), n + 1)


def test_random_splits_of_exchangeable_scores_are_covered_on_average():
    scores = np.random.default_rng(0).normal(size=400)
    for alpha in (0.05, 0.1, 0.2):
        shares = coverage(scores, alpha, 500)
        expected = 1 - math.floor(Fraction(str(alpha)) * 201) / 201
        # half of the scores are drawn each time: the mean over splits is that exactly expected
        assert shares.mean() == pytest.approx(expected, abs=4 * shares.std() / math.sqrt(500))


def ranking_of(**queries):
    rows = [(q, d, s) for q, found in queries.items() for d, s in found.items()]
    return Ranking.of(list(queries), rows)


def test_a_query_without_a_good_answer_keeps_its_place_without_a_row():
    cut = Conformal(0.2, Calibration(TEN))
    ranking = ranking_of(good={"a": 0.9, "b": 0.2, "c": 0.1}, bad={"d": 0.19}, none={})
    found = cut.rerank({"good": "", "bad": "", "none": ""}, ranking)
    assert found.queries == ("good", "bad", "none")
    assert found.by_query() == {
        "good": [("a", pytest.approx(0.9)), ("b", pytest.approx(0.2))], "bad": [], "none": [],
    }  # fmt: skip
    told = cut.verdicts({}, ranking)
    assert str(told["good"]) == "2 of 3 candidates kept, with a score of 0.2 or more."
    assert str(told["bad"]) == (
        "No good answer: the best of 1 candidate has a score of 0.19, below 0.2."
    )
    assert str(told["none"]) == "No good answer: nothing was found."
    assert [verdict.is_empty for verdict in told.values()] == [False, True, True]


def test_too_few_calibration_queries_return_everything_and_say_so():
    cut = Conformal(0.05, Calibration(TEN))
    ranking = ranking_of(q={"a": 0.1, "b": -5.0})
    assert cut.rerank({"q": ""}, ranking) == ranking
    assert cut.guarantee == (
        "10 calibration queries are too few for alpha = 0.05 (it takes 19): everything that was "
        "found is returned."
    )
    assert (
        str(cut.verdicts({"q": ""}, ranking)["q"]) == f"All of 2 candidates kept. {cut.guarantee}"
    )
    assert Calibration(tuple(map(float, range(18)))).place(0.05) == 0
    assert Calibration(tuple(map(float, range(19)))).place(0.05) == 1


def test_a_list_that_ended_early_says_that_nothing_is_guaranteed():
    told = Conformal(0.2, Calibration(TEN)).verdicts({}, ranking_of(q={"a": 0.9, "b": 0.3}))
    assert "coverage is not guaranteed" in str(told["q"])


def test_calibration_takes_the_best_relevant_document_and_counts_a_miss():
    ranking = ranking_of(a={"x": 0.5, "y": 0.7, "z": 0.9}, b={"x": 0.5}, c={"x": 1.0}, d={"x": 1.0})
    judgements = {"a": {"x": 1, "y": 2, "z": 0}, "b": {"y": 1}, "c": {"x": 0}}
    calibration = Calibration.of(ranking, judgements)
    assert calibration.scores == pytest.approx((-math.inf, 0.7))
    assert "misses the answer" in Conformal(0.4, calibration).guarantee


def test_it_is_kept_as_json_and_printed():
    cut = Conformal(0.1, Calibration((0.5, -math.inf, 0.25), "late"))
    told = json.loads(json.dumps(cut.settings(), allow_nan=False))
    assert Conformal.from_settings(told) == cut
    assert repr(cut) == "Conformal(alpha=0.1, queries=3)"
    assert isinstance(cut, Cutoff)
    assert cut.leg == "late"


def test_bad_settings_are_refused():
    for alpha in (0, 1, -0.1, math.nan):
        with pytest.raises(QueryError, match="no share of queries"):
            Conformal(alpha, Calibration(TEN))
    with pytest.raises(InputError, match="NaN"):
        Calibration((0.1, math.nan))
    with pytest.raises(InputError, match="no settings of a conformal"):
        Conformal.from_settings({"alpha": 0.1})
