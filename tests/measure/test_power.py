import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from everygrain.errors import MeasureError
from everygrain.measure.power import achieved_power, queries_needed

EFFECTS = st.floats(0.05, 3)


def test_a_medium_effect_needs_the_34_queries_of_the_textbooks():
    assert queries_needed(0.5, 1.0) == 34
    assert queries_needed(-0.05, 0.1) == 34
    assert queries_needed(0.2, 1.0, power=0.9, level=0.01) == 376


@pytest.mark.parametrize("queries", [2, 3, 10, 34, 200, 5000])
@pytest.mark.parametrize("effect", [0.02, 0.2, 0.5, 2.0])
@pytest.mark.parametrize("level", [0.001, 0.05, 0.3])
def test_power_equals_the_distribution_integrated_over_the_deviation(queries, effect, level):
    freedom = queries - 1
    threshold = stats.t.isf(level / 2, freedom) / math.sqrt(freedom)
    shift = effect * math.sqrt(queries)
    middle = math.sqrt(freedom)
    low, high = max(0.0, middle - 9), middle + 9
    # Points lie closer together near zero, where a high threshold makes the curve steep.
    roots = np.linspace(0, 1, 8001)
    deviations = low + roots**2 * (high - low)
    missed = stats.norm.cdf(threshold * deviations - shift)
    missed -= stats.norm.cdf(-threshold * deviations - shift)
    density = stats.chi.pdf(deviations, freedom)
    expected = 1 - integrate.simpson(missed * density * 2 * roots * (high - low), x=roots)
    assert achieved_power(queries, effect, 1.0, level=level) == pytest.approx(expected, abs=1e-9)


def test_simulated_experiments_succeed_as_often_as_the_power_says():
    queries = queries_needed(0.03, 0.1)
    runs = 4000
    draws = np.random.default_rng(4).normal(0.03, 0.1, (runs, queries))
    succeeded = int((stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05).sum())
    expected = achieved_power(queries, 0.03, 0.1)
    low, high = stats.binom.ppf([0.0005, 0.9995], runs, expected)
    assert low <= succeeded <= high
    assert 0.8 <= expected < 0.81


@given(EFFECTS, st.floats(0.2, 0.99), st.floats(0.001, 0.19))
@settings(deadline=None)
def test_the_number_is_the_smallest_that_suffices(effect, power, level):
    queries = queries_needed(effect, 1.0, power=power, level=level)
    assert achieved_power(queries, effect, 1.0, level=level) >= power
    if queries > 2:
        assert achieved_power(queries - 1, effect, 1.0, level=level) < power


@given(EFFECTS, st.floats(1.01, 3))
@settings(deadline=None)
def test_a_larger_difference_never_needs_more_queries(effect, factor):
    assert queries_needed(effect * factor, 1.0) <= queries_needed(effect, 1.0)


@pytest.mark.parametrize("unit", [1e-3, 100.0])
def test_the_unit_of_the_measure_does_not_matter(unit):
    assert queries_needed(0.3 * unit, 1.0 * unit) == queries_needed(0.3, 1.0)


def test_an_enormous_difference_is_seen_on_two_queries():
    assert queries_needed(1.0, 1e-9) == 2
    assert achieved_power(2, 1.0, 1e-300) == 1.0


def test_a_difference_of_nothing_has_the_power_of_chance():
    assert achieved_power(20, 1e-12, 1.0) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [
        {"difference": 0.0},
        {"difference": math.nan},
        {"deviation": 0.0},
        {"deviation": math.inf},
        {"level": 0.0},
        {"level": 1.0},
        {"power": 1.0},
        {"power": 0.05},
        {"difference": 1e-9},
    ],
)
def test_arguments_out_of_range_are_an_error(arguments):
    with pytest.raises(MeasureError):
        queries_needed(**({"difference": 0.1, "deviation": 0.2} | arguments))


def test_one_query_has_no_power_to_speak_of():
    with pytest.raises(MeasureError, match="1 queries"):
        achieved_power(1, 0.1, 0.1)
