import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from everygrain.errors import MeasureError
from everygrain.measure.agreement import agreement, kendalls, spearmans

figures = st.lists(st.integers(0, 6), min_size=4, max_size=9)


@given(st.data())
def test_a_weighted_sample_equals_scipy_on_the_sample_written_out(data: st.DataObject) -> None:
    x = np.array(data.draw(figures), dtype=float)
    y = np.array(data.draw(st.permutations(x.tolist())))
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x))))
    assume(counts.any())
    left, right = np.repeat(x, counts), np.repeat(y, counts)
    found = [each(x, y, counts[None].astype(float))[0] for each in (spearmans, kendalls)]
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        assert np.isnan(found).all()
    else:
        assert found[0] == pytest.approx(stats.spearmanr(left, right)[0], abs=1e-12)
        assert found[1] == pytest.approx(stats.kendalltau(left, right)[0], abs=1e-12)


@settings(max_examples=25)
@given(st.permutations(range(7)), st.integers(0, 5))
def test_exchanging_the_two_and_turning_one_around_does_what_it_should(order, seed) -> None:
    x, y = np.arange(7.0), np.array(order, dtype=float)
    there, back = agreement(x, y, samples=200, seed=seed), agreement(y, x, samples=200, seed=seed)
    assert there == back
    turned = agreement(x, -y, samples=200, seed=seed)
    assert turned.spearman.value == pytest.approx(-there.spearman.value, abs=1e-12)
    assert turned.kendall.low == pytest.approx(-there.kendall.high, abs=1e-12)


def test_the_same_order_is_one_whatever_the_sample() -> None:
    found = agreement([0.1, 0.2, 0.5, 0.9], [1, 2, 3, 4])
    for each in (found.spearman, found.kendall):
        assert (each.value, each.low, each.high) == pytest.approx((1, 1, 1))
    assert str(found.kendall) == "1.000 [1.000, 1.000]"


def test_the_interval_covers_the_true_correlation_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    truth = 6 / math.pi * math.asin(0.8 / 2)  # Spearman's rho of a normal pair with r = 0.8
    held = 0
    for trial in range(200):
        x = generator.normal(size=40)
        y = 0.8 * x + 0.6 * generator.normal(size=40)
        rho = agreement(x, y, samples=300, seed=trial).spearman
        held += rho.low <= truth <= rho.high
    # a percentile interval of 40 is somewhat too narrow: 90 to 97 of a hundred
    assert 176 <= held <= 197


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ([1, 2], [1, 2], "2 systems"),
        ([1, 2, 3], [1, 2], "3 values against 2"),
        ([1, 2, math.nan], [1, 2, 3], "NaN"),
    ],
)
def test_what_has_no_order_is_refused(first, second, told: str) -> None:
    with pytest.raises(MeasureError, match=told):
        agreement(first, second)
    with pytest.raises(MeasureError, match="confidence is 2"):
        agreement([1, 2, 3], [1, 2, 3], confidence=2)
