"""Two systems on the same queries -> the chance of such a difference if they were alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError
from everygrain.measure.pairs import Values, differences

EXACT_UP_TO = 20
FLIPPED_AT_ONCE = 2**22
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PairedTest:
    """What a two-sided paired test says.

    difference   mean of first minus second, in the unit of the measure
    p            chance, in [0, 1], of a difference at least as large if the systems were alike
    queries      number of queries, those without a difference included
    exact        whether p is exact, not an estimate from random draws
    """

    difference: float
    p: float
    queries: int
    exact: bool


def randomisation_test(
    first: npt.ArrayLike, second: npt.ArrayLike, *, samples: int = 100_000, seed: int = 0
) -> PairedTest:
    """Return Fisher's paired randomisation test: on each query the labels are as good as swapped.

    first, second   (n,) values of the same queries; neither the order of the queries nor that of
                    the systems changes p
    samples         number of random swaps where there are too many to try all

    With at most 20 queries that differ all swaps are tried. Otherwise p is (b + 1) / (samples + 1),
    where b swaps gave a mean difference at least as large; its standard error is
    sqrt(p (1 - p) / samples). No difference on any query gives 1.
    Source: Smucker, Allan, Carterette, A Comparison of Statistical Significance Tests for
    Information Retrieval Evaluation, 2007; Phipson, Smyth, Permutation P-values Should Never Be
    Zero, 2010, for the (b + 1) / (samples + 1).
    Raises MeasureError for values that are empty, not finite or of two lengths, and for no samples.
    """
    if samples < 1:
        raise MeasureError(f"{samples} random swaps.", "Draw at least 1; 100,000 is usual.")
    gaps = differences(first, second)
    total = math.fsum(gaps)
    sizes = np.sort(np.abs(gaps[gaps != 0]))
    # Sums that differ by rounding only are equal.
    reached = abs(total) - _ROUNDING * float(sizes.sum())
    if len(sizes) <= EXACT_UP_TO:
        sums = _all_sums(sizes)
        p = float((np.abs(sums) >= reached).mean())
    else:
        found = _count_reached(sizes, reached, samples, seed)
        p = (found + 1) / (samples + 1)
    return PairedTest(total / len(gaps), p, len(gaps), len(sizes) <= EXACT_UP_TO)


def paired_t_test(first: npt.ArrayLike, second: npt.ArrayLike) -> PairedTest:
    """Return Student's paired t test, which takes mean differences to be normal.

    One query, or no difference on any query, gives 1; one and the same difference on all queries
    gives 0.
    Source: Student, The Probable Error of a Mean, 1908.
    Raises what `differences` raises.
    """
    from scipy import special

    gaps = differences(first, second)
    n, mean = len(gaps), math.fsum(gaps) / len(gaps)
    if n == 1 or not gaps.any():
        p = 1.0
    elif np.ptp(gaps) == 0:
        p = 0.0
    else:
        t = mean / (gaps.std(ddof=1) / math.sqrt(n))
        p = float(2 * special.stdtr(n - 1, -abs(t)))
    return PairedTest(mean, p, n, True)


def _all_sums(sizes: Values) -> Values:
    """Return the sums of all sign flips that keep the first sign; the others mirror them."""
    sums = sizes[:1].copy() if len(sizes) else np.zeros(1)
    for size in sizes[1:]:
        sums = np.concatenate((sums + size, sums - size))
    return sums


def _count_reached(sizes: Values, reached: float, samples: int, seed: int) -> int:
    generator = np.random.default_rng(seed)
    n, found = len(sizes), 0
    step = max(1, FLIPPED_AT_ONCE // n)
    for start in range(0, samples, step):
        count = min(step, samples - start)
        bits = np.frombuffer(generator.bytes((count * n + 7) // 8), dtype=np.uint8)
        kept = np.unpackbits(bits, count=count * n).reshape(count, n).astype(np.float64)
        sums = 2 * (kept @ sizes) - sizes.sum()
        found += int((np.abs(sums) >= reached).sum())
    return found
