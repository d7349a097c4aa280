"""Two figures for each of several systems: do both put the systems in the same order?

Spearman's rho and Kendall's tau-b, with bootstrap intervals over systems. A sample of systems is
given by how often each occurs in it, so that all samples are computed in a few matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError
from everygrain.measure.pairs import Values, differences

SAMPLES = 2000


@dataclass(frozen=True)
class Correlation:
    """A rank correlation in [-1, 1], with a percentile bootstrap interval; NaN where all the
    systems are equal by one of the figures."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Agreement:
    """How far two orders of the same systems agree.

    systems   number of systems, over which the intervals are drawn
    """

    systems: int
    spearman: Correlation
    kendall: Correlation


def agreement(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Agreement:
    """Return the rank correlations of two rows of figures.

    first, second   (n,) one figure a system, in the same order; equal ones share their ranks

    Samples in which all systems are equal have no correlation and are drawn in vain. Raises
    MeasureError for fewer than three systems, rows of two lengths, NaN or infinity, and for a
    confidence or a number of samples out of range.
    """
    if not 0 < confidence < 1 or samples < 1:
        raise MeasureError(
            f"The confidence is {confidence}, with {samples} samples.",
            "Use a share such as 0.95, and at least one sample.",
        )
    differences(first, second)  # refuses what cannot be compared
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n = len(x)
    if n < 3:
        raise MeasureError(f"{n} systems have no order to compare.", "Give at least three.")
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), samples)
    counts = np.concatenate([np.ones((1, n)), drawn])
    tail = (1 - confidence) / 2
    return Agreement(
        n,
        _correlation(spearmans(x, y, counts), tail),
        _correlation(kendalls(x, y, counts), tail),
    )


def spearmans(x: Values, y: Values, counts: Values) -> Values:
    """Return (samples,) values of rho; NaN where a row is constant in a sample.

    counts   (samples, n) how often each system occurs in each sample
    """
    ranks = [counts @ ((v[:, None] < v) + 0.5 * (v[:, None] == v)) for v in (x, y)]
    total = counts.sum(axis=1, keepdims=True)
    left, right = (r - (counts * r).sum(axis=1, keepdims=True) / total for r in ranks)
    squares = [(counts * each**2).sum(axis=1) for each in (left, right)]
    return _ratio((counts * left * right).sum(axis=1), squares[0] * squares[1])


def kendalls(x: Values, y: Values, counts: Values) -> Values:
    """Return (samples,) values of tau-b; NaN where a row is constant in a sample."""
    left, right = (np.sign(v[:, None] - v) for v in (x, y))

    def pairs(signs: Values) -> Values:
        found: Values = ((counts @ signs) * counts).sum(axis=1)
        return found

    return _ratio(pairs(left * right), pairs(left**2) * pairs(right**2))


def _ratio(above: Values, squared: Values) -> Values:
    missing = np.full(len(above), np.nan)
    found = np.divide(above, np.sqrt(squared), out=missing, where=squared > 1e-12)
    clipped: Values = np.clip(found, -1, 1)
    return clipped


def _correlation(values: Values, tail: float) -> Correlation:
    known = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    return Correlation(float(values[0]), float(low), float(high))
