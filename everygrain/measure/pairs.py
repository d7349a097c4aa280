"""Two systems on the same queries: their differences, who wins, and how large the effect is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError

Values = npt.NDArray[np.float64]


def checked_values(values: npt.ArrayLike) -> Values:
    """Return values as (n,) float64. Raises MeasureError unless n >= 1 and all are finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise MeasureError(
            f"Values of shape {array.shape}.", "Give one value per query, for at least one query."
        )
    if not np.isfinite(array).all():
        raise MeasureError("A value is NaN or infinite.", "Mend the system, or the measure.")
    return array


def differences(first: npt.ArrayLike, second: npt.ArrayLike) -> Values:
    """Return first minus second, query by query.

    first, second   (n,) values of the same queries in the same order
    Raises MeasureError if they differ in length, are empty, or hold NaN or infinity.
    """
    left, right = checked_values(first), checked_values(second)
    if len(left) != len(right):
        raise MeasureError(
            f"{len(left)} values against {len(right)}.", "Score both systems on the same queries."
        )
    return left - right


@dataclass(frozen=True)
class Outcomes:
    """Number of queries that the first system wins, ties and loses."""

    wins: int
    ties: int
    losses: int


def outcomes(first: npt.ArrayLike, second: npt.ArrayLike, margin: float = 1e-12) -> Outcomes:
    """Count wins, ties and losses of the first system.

    margin   a difference of at most this much is a tie (unit of the measure)
    Raises what `differences` raises.
    """
    gaps = differences(first, second)
    wins, losses = int((gaps > margin).sum()), int((gaps < -margin).sum())
    return Outcomes(wins, len(gaps) - wins - losses, losses)


def effect_size(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return Cohen's d_z: the mean difference in units of the differences' standard deviation.

    It is positive where the first system is better; 0 if there is no difference on any query, NaN
    for a single query, infinite if the difference is the same on every query.
    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, section 2.3.5.
    Raises what `differences` raises.
    """
    gaps = differences(first, second)
    if not gaps.any():
        return 0.0
    if len(gaps) == 1:
        return float("nan")
    if np.ptp(gaps) == 0:
        return float(np.copysign(np.inf, gaps[0]))
    return float(gaps.mean() / gaps.std(ddof=1))
