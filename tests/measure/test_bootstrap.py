import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from everygrain.errors import MeasureError
from everygrain.measure import bootstrap
from everygrain.measure.bootstrap import Interval, bca_interval, percentile_interval

BOTH = pytest.mark.parametrize("interval", [percentile_interval, bca_interval])
FINITE = st.floats(-1, 1, allow_nan=False).map(lambda value: round(value, 6))


def samples():
    generator = np.random.default_rng(5)
    return {
        "normal": generator.normal(0.4, 0.1, 50),
        "skewed": generator.beta(0.3, 2.0, 37),
        "zeros and ones": (generator.random(80) < 0.2).astype(float),
        "two": np.array([0.2, 0.9]),
    }


@pytest.mark.parametrize("name", samples())
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    ("method", "interval"), [("percentile", percentile_interval), ("BCa", bca_interval)]
)
def test_intervals_equal_those_of_scipy_on_the_same_samples(name, confidence, method, interval):
    values = samples()[name]
    ours = interval(values, confidence=confidence, samples=2000, seed=7)
    theirs = stats.bootstrap(
        (np.sort(values),),
        np.mean,
        n_resamples=2000,
        confidence_level=confidence,
        method=method,
        rng=np.random.default_rng(7),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@BOTH
def test_samples_drawn_in_parts_are_those_drawn_at_once(interval, monkeypatch):
    values = samples()["skewed"]
    whole = interval(values, samples=1000)
    monkeypatch.setattr(bootstrap, "DRAWN_AT_ONCE", 100)
    assert interval(values, samples=1000) == whole


def test_bca_equals_the_formula_written_out_in_loops():
    values = sorted([0.0, 0.1, 0.1, 0.2, 0.3, 0.9, 1.0])
    n, draws = len(values), 500
    drawn = np.random.default_rng(3).integers(0, n, (draws, n))
    means = sorted(float(np.mean([values[i] for i in row])) for row in drawn)
    mean = float(np.mean(values))
    below = sum((m < mean) + (m <= mean) for m in means) / (2 * draws)
    bias = stats.norm.ppf(below)
    left_out = [(sum(values) - value) / (n - 1) for value in values]
    centre = sum(left_out) / n
    acceleration = sum((centre - x) ** 3 for x in left_out) / (
        6 * sum((centre - x) ** 2 for x in left_out) ** 1.5
    )
    expected = []
    for share in (0.025, 0.975):
        shifted = bias + stats.norm.ppf(share)
        place = stats.norm.cdf(bias + shifted / (1 - acceleration * shifted)) * (draws - 1)
        lower = math.floor(place)
        part = place - lower
        expected.append(means[lower] * (1 - part) + means[min(lower + 1, draws - 1)] * part)
    found = bca_interval(values, samples=draws, seed=3)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


@BOTH
def test_equal_values_give_an_interval_of_no_width(interval):
    assert interval([0.1] * 9) == Interval(0.1, 0.1, 0.95)


@BOTH
def test_one_value_says_nothing_of_the_spread(interval):
    found = interval([0.5])
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@BOTH
def test_one_seed_gives_one_interval_and_another_seed_another(interval):
    values = samples()["normal"]
    assert interval(values, seed=1) == interval(values, seed=1)
    assert interval(values, seed=1) != interval(values, seed=2)


@BOTH
@pytest.mark.parametrize(
    ("values", "arguments"),
    [
        ([], {}),
        ([math.nan], {}),
        ([[1.0]], {}),
        ([1.0], {"confidence": 1.0}),
        ([1.0], {"confidence": 0.0}),
        ([1.0], {"samples": 0}),
    ],
)
def test_values_and_settings_out_of_range_are_an_error(interval, values, arguments):
    with pytest.raises(MeasureError):
        interval(values, **arguments)


@BOTH
@given(values=st.lists(FINITE, min_size=2, max_size=30), data=st.data())
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_queries_does_not_change_the_interval(interval, values, data):
    other = data.draw(st.permutations(values))
    assert interval(values, samples=200) == interval(other, samples=200)


@BOTH
@given(values=st.lists(FINITE, min_size=2, max_size=30))
@settings(max_examples=100, deadline=None)
def test_bounds_lie_in_order_within_the_values(interval, values):
    found = interval(values, samples=200)
    assert min(values) - 1e-12 <= found.low <= found.high <= max(values) + 1e-12


@BOTH
@given(values=st.lists(FINITE, min_size=1, max_size=15))
@settings(max_examples=100, deadline=None)
def test_the_interval_of_a_symmetric_sample_holds_its_mean(interval, values):
    found = interval([*values, *(-value for value in values)], samples=2000)
    assert found.low - 1e-12 <= 0 <= found.high + 1e-12


@BOTH
def test_few_samples_of_a_skewed_value_still_give_numbers(interval):
    values = [0.0] * 40 + [1.0]
    for seed in range(20):
        found = interval(values, samples=3, seed=seed)
        assert 0 <= found.low <= found.high <= 1


@BOTH
def test_intervals_hold_the_true_mean_about_as_often_as_they_say(interval):
    generator = np.random.default_rng(11)
    runs, held = 400, 0
    for seed in range(runs):
        found = interval(generator.normal(0.3, 0.2, 60), samples=1000, seed=seed)
        held += found.low <= 0.3 <= found.high
    # 0.1 % and 99.9 % of a binomial with the somewhat low coverage that 60 queries give.
    low, high = stats.binom.ppf([0.001, 0.999], runs, 0.94)
    assert low <= held <= high
