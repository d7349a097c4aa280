"""Rates against their past: the law, its interval, over-dispersion, false discoveries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nbinom

from everygrain_papers.trends.rates import course, false_discovery, overdispersion, rates

TOTALS = np.array([100.0, 200.0, 150.0, 50.0])


def told_of(past, recent, *, papers=100.0, dispersion=None):
    past = np.array(past, dtype=np.float64)
    recent = np.array(recent, dtype=np.float64)
    expected = papers * (past.sum(axis=1) + 1) / TOTALS.sum()
    phi = None if dispersion is None else np.full(recent.size, dispersion)
    return rates(past, TOTALS, recent, expected, dispersion=phi)


@pytest.mark.parametrize(
    ("past", "recent"), [((3, 5, 4, 1), 9), ((0, 0, 0, 0), 4), ((1, 0, 0, 0), 1)]
)
def test_without_overdispersion_p_is_the_exact_conditional_binomial_test(past, recent):
    told = told_of([past], [recent], dispersion=0.0)
    share = 100.0 / (100.0 + TOTALS.sum())
    assert told.p_value[0] == pytest.approx(binom.sf(recent - 1, sum(past) + recent, share))


def test_the_interval_is_the_test_turned_round():
    phi, past, recent = 0.3, np.array([[4.0, 9.0, 7.0, 2.0]]), 20.0
    told = told_of(past, [recent], dispersion=phi)
    crowding = np.square(TOTALS / TOTALS.sum()).sum()
    unsure = 1 / 23 + phi * crowding
    k = 1 / (unsure + phi + phi * unsure)

    def law(ratio):
        mean = ratio * told.expected[0]
        return nbinom(k, k / (k + mean))

    assert law(told.low[0]).sf(recent - 1) == pytest.approx(0.025)
    assert law(told.high[0]).cdf(recent) == pytest.approx(0.025)
    assert law(1.0).sf(recent - 1) == pytest.approx(told.p_value[0])
    assert told.ratio[0] == pytest.approx(20 / (100 * 23 / 500))


@given(
    st.lists(st.integers(0, 40), min_size=4, max_size=4),
    st.integers(0, 60),
    st.floats(0, 2),
)
@settings(max_examples=60, deadline=None)
def test_a_lower_end_above_one_and_a_small_p_say_the_same(past, recent, phi):
    told = told_of([past], [recent], dispersion=phi)
    assert (told.low[0] > 1.0) == (told.p_value[0] < 0.025) or np.isclose(told.p_value[0], 0.025)
    assert 0 <= told.low[0] <= told.ratio[0] <= told.high[0]


def test_of_equal_ratios_the_larger_counts_stand_higher():
    told = told_of([[1, 2, 1, 0], [24, 49, 37, 14]], [5, 125], dispersion=0.0)
    assert told.ratio[0] == pytest.approx(told.ratio[1], rel=0.02)
    assert told.low[0] < 0.5 * told.low[1] + 1


def test_a_rate_that_wanders_needs_more_to_be_called_rising():
    calm, wild = (told_of([[10, 20, 15, 5]], [25], dispersion=phi) for phi in (0.0, 0.5))
    assert calm.p_value[0] < 0.001 < 0.05 < wild.p_value[0]
    assert wild.low[0] < calm.low[0]


def test_a_window_without_papers_tells_nothing():
    expected = np.array([3.0])
    with_it = rates(
        np.array([[2.0, 0.0, 3.0, 1.0]]),
        np.array([90.0, 0.0, 90.0, 90.0]),
        np.array([8.0]),
        expected,
    )
    without = rates(
        np.array([[2.0, 3.0, 1.0]]), np.array([90.0, 90.0, 90.0]), np.array([8.0]), expected
    )
    assert with_it.low[0] == without.low[0]


@pytest.mark.parametrize("phi", [0.0, 0.2, 0.8])
def test_overdispersion_is_found_again_on_average(phi):
    chance = np.random.default_rng(3)
    totals = np.full(10, 400.0)
    theta = chance.gamma(1 / phi, phi, (4_000, 10)) if phi else np.ones((4_000, 10))
    counts = chance.poisson(0.05 * totals * theta).astype(float)
    found = overdispersion(counts, totals)
    assert np.median(found) == pytest.approx(phi, abs=0.05 + 0.12 * phi)
    assert found.min() > 0.5 * phi - 0.01  # nothing is believed much calmer than its like


def test_steady_growth_is_no_wandering():
    growth = np.round(3 * np.exp(0.35 * np.arange(8)))[None, :]
    jumps = growth[:, [3, 0, 6, 1, 7, 2, 5, 4]]
    totals = np.full(8, 1_000.0)
    assert overdispersion(growth, totals)[0] < 0.02 < 0.2 < overdispersion(jumps, totals)[0]


def test_a_course_keeps_the_sum_and_solves_its_equation():
    counts, totals = np.array([[0.0, 2.0, 1.0, 6.0], [5.0, 5.0, 1.0, 0.0]]), TOTALS
    fitted = course(counts, np.broadcast_to(totals, counts.shape))
    times = np.linspace(-1, 1, 4)
    assert fitted.sum(axis=1) == pytest.approx(counts.sum(axis=1))
    beta = np.log(fitted[:, -1] / totals[-1]) - np.log(fitted[:, 0] / totals[0])
    assert (counts - fitted) @ times == pytest.approx(beta / 2, abs=1e-6)


def test_the_share_of_false_ones_is_worked_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.5])
    assert false_discovery(p) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert false_discovery(np.zeros(0)).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_share_of_false_ones_equals_its_definition_in_loops(p_values):
    p = np.array(p_values)
    wanted = [
        min(p.size * other / sum(each <= other for each in p) for other in p if other >= one)
        for one in p
    ]
    assert false_discovery(p) == pytest.approx(np.minimum(wanted, 1.0))


def test_intervals_hold_a_new_count_as_often_as_they_say():
    chance = np.random.default_rng(5)
    totals, phi = np.full(9, 500.0), 0.15
    counts = chance.poisson(0.03 * totals * chance.gamma(1 / phi, phi, (6_000, 9))).astype(float)
    past, recent = counts[:, :8], counts[:, 8]
    expected = 500 * (past.sum(axis=1) + 1) / 4_000
    told = rates(past, totals[:8], recent, expected)
    assert (told.p_value < 0.025).mean() < 0.027
    assert (told.p_value < 0.001).mean() < 0.002
    assert ((told.low <= 1) & (told.high >= 1)).mean() > 0.94
