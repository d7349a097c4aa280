"""Values of a sample of queries -> an interval for the mean over all such queries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError
from everygrain.measure.pairs import Values, checked_values

DRAWN_AT_ONCE = 2**22


@dataclass(frozen=True)
class Interval:
    """Bounds of a mean, in the unit of the measure; NaN where one query is all there is.

    confidence   share of such intervals that hold the true mean
    """

    low: float
    high: float
    confidence: float


def percentile_interval(
    values: npt.ArrayLike, *, confidence: float = 0.95, samples: int = 10_000, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap interval of the mean.

    values    (n,) one per query, in any order: the order does not change the interval
    samples   number of bootstrap samples

    Equal values give an interval of no width; one value says nothing of the spread: NaN.
    Source: Efron, Bootstrap Methods: Another Look at the Jackknife, 1979.
    Raises MeasureError for values that are empty or not finite, and for a confidence or a number
    of samples out of range.
    """
    tail = _tail(confidence, samples)
    ordered = np.sort(checked_values(values))
    means = _means(ordered, samples, seed)
    return _interval(ordered, means, np.array([tail, 1 - tail]), confidence)


def bca_interval(
    values: npt.ArrayLike, *, confidence: float = 0.95, samples: int = 10_000, seed: int = 0
) -> Interval:
    """Return the bias-corrected and accelerated (BCa) bootstrap interval of the mean.

    Arguments, special cases and errors are those of `percentile_interval`.
    Source: Efron, Better Bootstrap Confidence Intervals, 1987.
    """
    from scipy import special  # takes longer to import than all else here

    tail = _tail(confidence, samples)
    ordered = np.sort(checked_values(values))
    means = _means(ordered, samples, seed)
    if np.ptp(ordered) == 0:
        return _interval(ordered, means, np.array([tail, 1 - tail]), confidence)
    mean = ordered.mean()
    below = ((means < mean).sum() + (means <= mean).sum()) / (2 * samples)
    # If no mean lies on one side, the share is below what so many samples can tell.
    bias = special.ndtri(np.clip(below, 0.5 / samples, 1 - 0.5 / samples))
    deviations = ordered - mean
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    shifted = bias + special.ndtri(np.array([tail, 1 - tail]))
    scale = 1 - acceleration * shifted
    # Where the scale reaches zero, the corrected quantile has run to the end of the scale.
    ends = np.where(shifted > 0, np.inf, -np.inf)
    corrected = np.divide(shifted, scale, out=ends, where=scale > 0)
    return _interval(ordered, means, special.ndtr(bias + corrected), confidence)


def _means(ordered: Values, samples: int, seed: int) -> Values:
    """Return the (samples,) means of samples with replacement."""
    generator = np.random.default_rng(seed)
    n = len(ordered)
    means = np.empty(samples)
    step = max(1, DRAWN_AT_ONCE // n)
    for start in range(0, samples, step):
        count = min(step, samples - start)
        drawn = generator.integers(0, n, (count, n))
        means[start : start + count] = ordered[drawn].mean(axis=1)
    return means


def _interval(ordered: Values, means: Values, shares: Values, confidence: float) -> Interval:
    if len(ordered) == 1:
        return Interval(math.nan, math.nan, confidence)
    if np.ptp(ordered) == 0:
        return Interval(float(ordered[0]), float(ordered[0]), confidence)
    low, high = np.quantile(means, shares)
    return Interval(float(low), float(high), confidence)


def _tail(confidence: float, samples: int) -> float:
    if not 0 < confidence < 1:
        raise MeasureError(f"The confidence is {confidence}.", "Use a share such as 0.95.")
    if samples < 1:
        raise MeasureError(f"{samples} bootstrap samples.", "Draw at least 1; 10,000 is usual.")
    return (1 - confidence) / 2
