import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from everygrain.errors import MeasureError
from everygrain.measure import significance
from everygrain.measure.correction import holm
from everygrain.measure.significance import PairedTest, paired_t_test, randomisation_test

BOTH = pytest.mark.parametrize("test", [randomisation_test, paired_t_test])
# Tenths: sums of different flips tie exactly, though their floats may not.
TENTHS = st.integers(-10, 10).map(lambda value: value / 10)


def enumerated(first, second):
    """Try all sign flips in loops, with exact tenths."""
    gaps = [round(10 * (a - b)) for a, b in zip(first, second, strict=True)]
    reached = [
        abs(sum(sign * gap for sign, gap in zip(signs, gaps, strict=True))) >= abs(sum(gaps))
        for signs in itertools.product((1, -1), repeat=len(gaps))
    ]
    return sum(reached) / len(reached)


def systems(n, gap, seed=2):
    generator = np.random.default_rng(seed)
    first = generator.random(n)
    return first, np.clip(first + generator.normal(gap, 0.2, n), 0, 1)


def test_three_queries_are_worked_out_by_hand():
    # Of the eight sums of 1, 2, 3 with signs only 6 and -6 reach 6.
    assert randomisation_test([1, 2, 3], [0, 0, 0]) == PairedTest(2.0, 2 / 8, 3, True)


@given(st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=10))
@settings(max_examples=100, deadline=None)
def test_exact_p_values_equal_an_enumeration_in_loops(pairs):
    first, second = zip(*pairs, strict=True)
    found = randomisation_test(first, second)
    assert found.exact
    assert found.p == pytest.approx(enumerated(first, second), abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 9, 13])
def test_exact_p_values_equal_those_of_scipy(n):
    first, second = systems(n, 0.1)
    theirs = stats.permutation_test(
        (first, second),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    found = randomisation_test(first, second)
    assert found.exact
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert found.difference == pytest.approx(theirs.statistic, abs=1e-12)


def test_random_swaps_agree_with_all_swaps_within_their_error(monkeypatch):
    for gap in (0.0, 0.03, 0.1):
        first, second = systems(18, gap)
        exact = randomisation_test(first, second)
        with monkeypatch.context() as patch:
            patch.setattr(significance, "EXACT_UP_TO", 0)
            drawn = randomisation_test(first, second, samples=50_000)
        assert (exact.exact, drawn.exact) == (True, False)
        assert (
            abs(drawn.p - exact.p) <= 5 * math.sqrt(exact.p * (1 - exact.p) / 50_000) + 1 / 50_000
        )


def test_random_swaps_of_many_queries_agree_with_scipy_within_their_error():
    first, second = systems(200, 0.02)
    theirs = stats.permutation_test(
        (first, second),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=np.random.default_rng(1),
    ).pvalue
    found = randomisation_test(first, second, samples=20_000)
    assert 0.001 < found.p < 0.999
    assert abs(found.p - theirs) <= 5 * math.sqrt(2 * theirs * (1 - theirs) / 20_000)


def test_a_p_value_from_random_swaps_is_never_zero():
    assert randomisation_test(np.ones(50), np.zeros(50), samples=999).p == 1 / 1000


def test_swaps_drawn_in_parts_number_as_many(monkeypatch):
    first, second = systems(40, 0.5)
    monkeypatch.setattr(significance, "FLIPPED_AT_ONCE", 1000)
    assert randomisation_test(first, first + 1, samples=333).p == 1 / 334
    assert randomisation_test(first, second, samples=333).p >= 1 / 334


@pytest.mark.parametrize("n", [2, 7, 300])
def test_the_paired_t_test_equals_scipys(n):
    first, second = systems(n, 0.02)
    theirs = stats.ttest_rel(first, second)
    found = paired_t_test(first, second)
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert found.queries == n


@BOTH
def test_no_difference_on_any_query_gives_one(test):
    assert test([0.1, 0.5], [0.1, 0.5]) == PairedTest(0.0, 1.0, 2, True)


@BOTH
def test_one_query_gives_one(test):
    assert test([0.1], [0.5]).p == 1.0


def test_one_difference_on_all_queries_is_certain_for_t_and_as_rare_as_can_be_for_swaps():
    assert paired_t_test([1, 1, 1], [0, 0, 0]).p == 0.0
    assert randomisation_test([1, 1, 1], [0, 0, 0]).p == 2 / 8


@BOTH
def test_values_that_cannot_be_compared_are_an_error(test):
    for first, second in (([], []), ([1], [1, 2]), ([math.nan], [0])):
        with pytest.raises(MeasureError):
            test(first, second)


def test_no_random_swaps_are_an_error():
    with pytest.raises(MeasureError, match="0 random swaps"):
        randomisation_test([1], [0], samples=0)


@BOTH
@given(pairs=st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=30), data=st.data())
@settings(max_examples=60, deadline=None)
def test_neither_the_order_of_queries_nor_of_systems_changes_p(test, pairs, data):
    settings = {"samples": 500} if test is randomisation_test else {}
    first, second = zip(*pairs, strict=True)
    mixed_first, mixed_second = zip(*data.draw(st.permutations(pairs)), strict=True)
    p = test(first, second, **settings).p
    assert 0 <= p <= 1
    assert test(mixed_first, mixed_second, **settings).p == pytest.approx(p, abs=1e-12)
    assert test(second, first, **settings).p == pytest.approx(p, abs=1e-12)


@given(st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=12), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_queries_on_which_systems_tie_do_not_change_the_randomisation_test(pairs, ties):
    first, second = zip(*pairs, strict=True)
    more = randomisation_test([*first, *[0.5] * ties], [*second, *[0.5] * ties])
    assert more.p == randomisation_test(first, second).p
    assert more.queries == len(pairs) + ties
    assert more.difference == pytest.approx(
        sum(a - b for a, b in pairs) / (len(pairs) + ties), abs=1e-12
    )


def test_many_queries_in_another_order_give_the_very_same_figures():
    first, second = systems(19, 0.1)
    one = randomisation_test(first, second)
    assert one == randomisation_test(first[::-1], second[::-1])
    assert one.p == randomisation_test(second, first).p


@BOTH
@pytest.mark.parametrize("queries", [15, 40])
def test_alike_systems_differ_significantly_as_often_as_five_percent(test, queries):
    settings = {"samples": 1000} if test is randomisation_test else {}
    generator = np.random.default_rng(17)
    found = 0
    for _ in range(1000):
        truth = generator.random(queries)
        first, second = (truth + generator.normal(0, 0.1, queries) for _ in range(2))
        found += test(first, second, **settings).p < 0.05
    low, high = stats.binom.ppf([0.001, 0.999], 1000, 0.05)
    assert low <= found <= high


def test_a_family_of_alike_systems_has_a_false_finding_as_often_as_five_percent_after_holm():
    generator = np.random.default_rng(23)
    families, with_finding = 300, 0
    for _ in range(families):
        baseline = generator.random(15)
        p_values = [
            randomisation_test(baseline, baseline + generator.normal(0, 0.1, 15)).p
            for _ in range(5)
        ]
        with_finding += bool((holm(p_values) < 0.05).any())
    low, high = stats.binom.ppf([0.001, 0.999], families, 0.05)
    assert low <= with_finding <= high
