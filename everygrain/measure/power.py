"""A difference that should be seen -> how many queries have to be judged for it."""

from __future__ import annotations

import math

import numpy as np

from everygrain.errors import MeasureError

MOST_QUERIES = 10**9


def queries_needed(
    difference: float, deviation: float, *, power: float = 0.8, level: float = 0.05
) -> int:
    """Return the smallest number of queries on which a paired t test sees a difference.

    difference   true mean difference of the two systems, in the unit of the measure, not 0
    deviation    standard deviation of the per-query differences, same unit, above 0
    power        chance of p < level, in (level, 1)
    level        of the two-sided test, in (0, 1)

    The normal approximation gives a first number, the noncentral t distribution the exact one.
    Source: Sakai, Topic Set Size Design, 2016, section 4.1.
    Raises MeasureError for an argument out of range, and if more than 10^9 queries were needed.
    """
    from scipy import special

    _check(difference, deviation, level)
    if not level < power < 1:
        raise MeasureError(f"The power is {power}.", f"Use a share above {level} and below 1.")
    quantiles = float(special.ndtri(1 - level / 2) + special.ndtri(power))
    guess = (quantiles * deviation / difference) ** 2
    if not guess < MOST_QUERIES:
        raise MeasureError(
            f"A difference of {difference} would need {guess:.1e} queries.",
            "Ask for a larger difference.",
        )

    def enough(queries: int) -> bool:
        return achieved_power(queries, difference, deviation, level=level) >= power

    low, high = 1, max(2, math.ceil(guess))
    while not enough(high):
        low, high = high, high + max(1, high // 8)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def achieved_power(
    queries: int, difference: float, deviation: float, *, level: float = 0.05
) -> float:
    """Return the chance that a paired t test on so many queries sees a difference.

    Arguments are those of `queries_needed`; queries is at least 2.
    Raises MeasureError for an argument out of range.
    """
    from scipy import special

    _check(difference, deviation, level)
    if queries < 2:
        raise MeasureError(f"{queries} queries have no spread.", "Use at least 2.")
    freedom = queries - 1
    shift = abs(difference) / deviation * math.sqrt(queries)
    threshold = float(special.stdtrit(freedom, 1 - level / 2))
    # SciPy gives NaN for some probabilities that are below 1e-15, too small to matter.
    tails = np.nan_to_num(special.nctdtr(freedom, min(shift, 1e6), [threshold, -threshold]))
    return float(1 - tails[0] + tails[1])


def _check(difference: float, deviation: float, level: float) -> None:
    if not (math.isfinite(difference) and difference != 0):
        raise MeasureError(f"The difference is {difference}.", "Use a number that is not 0.")
    if not (math.isfinite(deviation) and deviation > 0):
        raise MeasureError(f"The standard deviation is {deviation}.", "Use a number above 0.")
    if not 0 < level < 1:
        raise MeasureError(f"The level is {level}.", "Use a share such as 0.05.")
