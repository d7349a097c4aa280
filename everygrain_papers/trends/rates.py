"""How surely a rate has risen: a Gamma-Poisson model of the past, an interval, false discoveries.

A term is in c_t of the N_t papers of window t. Its own past says that N new papers hold

    C ~ Poisson(N theta),   theta ~ Gamma with mean mu and relative variance phi

where phi, the over-dispersion, is how much the term's rate wanders from window to window by
itself. Of mu the past knows that it is about (c + 1) / N_past, where c is the sum of the past
counts, with relative variance

    1 / a = 1 / (c + 1) + phi sum_t N_t^2 / N_past^2

Both together give C a negative binomial law with mean E = N mu and shape k,
1 / k = 1 / a + phi + phi / a, whose upper tail is a regularised incomplete beta function:

    p = P(C >= recent) = I_x(recent, k),   x = E / (E + k)

Without over-dispersion this is the exact conditional binomial test of recent against c + recent;
the one that is added to c keeps it exact. The interval of the ratio is this test turned round: all
r for which recent lies in no tail of the law with mean r E. So a lower end above 1 and a small p
say the same, and small counts have wide intervals: ranked by the lower end, they stand low.

Where venues change, E and the N_t are what the venues of a term's papers lead one to expect: see
`venues`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv

Floats: TypeAlias = npt.NDArray[np.float64]

PRIOR_WINDOWS = 4.0  # how many windows the spread of terms as frequent weighs against a term's own
WIDEST_SHAPE = 1e9  # a Gamma law of this shape is a point
COURSE_STEPS = 12


@dataclass(frozen=True, eq=False)
class Rates:
    """What is known of each of n rates; arrays of (n,) float64.

    recent      papers with it in the recent windows
    expected    papers that its past leads one to expect there, above 0
    ratio       recent / expected, with its interval low to high
    p_value     of so many or more, were the rate as in the past
    dispersion  phi: the relative variance of its rate from window to window
    """

    recent: Floats
    expected: Floats
    ratio: Floats
    low: Floats
    high: Floats
    p_value: Floats
    dispersion: Floats

    def of(self, chosen: npt.NDArray[np.int64]) -> Rates:
        """Return the chosen rates, in that order."""
        return Rates(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def overdispersion(counts: Floats, exposure: Floats, alike: Floats | None = None) -> Floats:
    """Return phi >= 0 of each term, (n,), from its counts in past windows.

    counts     (n, windows)
    exposure   (n, windows) or (windows,), above 0: papers, or counts to be expected
    alike      (n,) how common each term is, by which terms are pooled; None takes sums of counts

    A term that has grown steadily does not wander, so a course m_t = e_t exp(alpha + beta t) is
    fitted to each first, and phi is taken from the moments around it:

        phi = sum_t ((c_t - m_t)^2 w / (w - 2) - m_t) / sum_t m_t^2      (w windows)

    A few windows tell that badly, so it is drawn towards the same sums over all terms as common
    (to a factor of two), and a term that has been calmer than these so far is not believed so:

        phi = max(pooled, ((w - 2) own + 4 pooled) / (w + 2), 0)
    """
    windows = counts.shape[1]
    spare = max(windows - 2, 1)
    means = course(counts, np.broadcast_to(exposure, counts.shape))
    above = (np.square(counts - means) * windows / spare - means).sum(axis=1)
    below = np.square(means).sum(axis=1)
    how_common = counts.sum(axis=1) if alike is None else alike
    groups = np.floor(np.log2(np.maximum(how_common, 1.0))).astype(np.int64)
    pooled = np.bincount(groups, above) / np.maximum(np.bincount(groups, below), 1e-12)
    own = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    drawn = (spare * own + PRIOR_WINDOWS * pooled[groups]) / (spare + PRIOR_WINDOWS)
    phi: Floats = np.maximum(np.maximum(drawn, pooled[groups]), 0.0)
    return phi


def course(counts: Floats, exposure: Floats) -> Floats:
    """Return (n, windows) means e_t exp(alpha + beta t) fitted to counts by Poisson likelihood.

    beta has a normal prior with mean 0 and deviation 1 over the middle half of the windows, so
    that counts in the last window alone have a course too.
    """
    windows = counts.shape[1]
    times = np.linspace(-1.0, 1.0, windows)
    sums = counts.sum(axis=1)
    beta = np.zeros(counts.shape[0])
    for _ in range(COURSE_STEPS):
        weights = exposure * np.exp(beta[:, None] * times)
        share = weights / weights.sum(axis=1, keepdims=True)  # alpha follows from the sum
        middle = share @ times
        curve = sums * (share @ np.square(times) - np.square(middle)) + 1.0
        beta += np.clip((counts @ times - sums * middle - beta) / curve, -1.0, 1.0)
    weights = exposure * np.exp(beta[:, None] * times)
    fitted: Floats = sums[:, None] * weights / weights.sum(axis=1, keepdims=True)
    return fitted


def rates(
    past: Floats,
    past_exposure: Floats,
    recent: Floats,
    expected: Floats,
    *,
    papers: float = np.inf,
    confidence: float = 0.95,
    dispersion: Floats | None = None,
) -> Rates:
    """Return the rates of n terms against their past.

    past            (n, windows) counts
    past_exposure   (n, windows) or (windows,): papers, or counts to be expected
    recent          (n,) counts;   expected (n,) above 0
    papers          of the recent windows: more than all of them can hold no term
    dispersion      (n,) phi where it is known; None estimates it from the past
    """
    told = np.broadcast_to(past_exposure, past.shape)
    held = (told > 0).all(axis=0)  # a window without papers tells nothing
    past, told = past[:, held], told[:, held]
    # Terms are pooled by past and recent together: what is asked, the share of both, plays no part.
    sums = past.sum(axis=1)
    phi = overdispersion(past, told, sums + recent) if dispersion is None else dispersion
    crowding = np.square(told / told.sum(axis=1, keepdims=True)).sum(axis=1)
    unsure = 1.0 / (sums + 1.0) + phi * crowding
    shape = np.minimum(1.0 / np.maximum(unsure + phi + phi * unsure, 1e-12), WIDEST_SHAPE)
    tail = (1.0 - confidence) / 2.0
    some = np.maximum(recent, 1.0)
    p_value = np.where(recent > 0, betainc(some, shape, expected / (expected + shape)), 1.0)
    # P(C >= c) = tail at the lower end, and P(C >= c + 1) = 1 - tail at the upper one
    low = np.where(recent > 0, _mean(betaincinv(some, shape, tail), shape), 0.0)
    high = np.minimum(_mean(betaincinv(recent + 1.0, shape, 1.0 - tail), shape), papers)
    return Rates(recent, expected, recent / expected, low / expected, high / expected, p_value, phi)


def _mean(x: Floats, shape: Floats) -> Floats:
    return np.asarray(shape * x / np.maximum(1.0 - x, 1e-300), dtype=np.float64)


def false_discovery(p_values: Floats) -> Floats:
    """Return (n,) q-values: the share of false ones among all with no larger p.

        q_i = min over j with p_j >= p_i of n p_j / rank_j        (Benjamini and Hochberg)

    Taking all with q <= s calls, on average, at most the share s of them wrongly.
    """
    if p_values.size == 0:
        return np.zeros(0)
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * p_values.size / np.arange(1, p_values.size + 1)
    q_values = np.empty(p_values.size)
    q_values[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q_values
