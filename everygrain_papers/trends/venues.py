"""What a change of venues does to rates: each venue is compared with its own past.

A venue that is read more than before, or for the first time, brings its own words, and none of
them has risen. So a term's expected count takes the venues of its papers into account, and recent
papers of venues without a past are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.trends.rates import Floats, Rates, rates
from everygrain_papers.trends.windows import NEW, Calendar, Integers

FEWEST_OF_A_VENUE = 50  # past papers that make a venue's own rates; smaller ones go together
MOST_VENUES = 60
NEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Mix:
    """The venues of papers: all of them together, or each by itself.

    venues   (papers,) int64 numbers from 0
    papers   (windows, venues) float64: papers of each venue in each window
    """

    venues: Integers
    papers: Floats

    def expected(self, within: csr_matrix, inside: Calendar) -> tuple[Floats, Floats]:
        """Return what n rows lead one to expect, (n, past windows) and, of the recent ones, (n,).

        within   (n, papers) of ones, the papers as in inside.places

        Of the n_s papers of venue s with a term, past and recent, each is recent with probability
        pi_s, the share of recent ones among all papers of the venue, if the term has not risen. So
        of all its papers the share pi = sum_s n_s pi_s / sum_s n_s is expected to be recent, and
        beside c past ones

            E = (c + 1) pi / (1 - pi)

        A sum of binomials has no heavier upper tail than one binomial with their mean share
        (Hoeffding, 1956), so the test of `rates` stays exact or errs on the safe side.

        Among past windows, counts are expected by the rates in each venue, each drawn towards the
        rate r = (c + 1) / N in all venues by one paper: (c_s + 1) / (N_s + 1 / r).
        """
        split = inside.totals.size - inside.recent
        past = inside.places < split
        counts, late = self._by_venue(within, past), self._by_venue(within, ~past)
        then, now = self.papers[:split].sum(axis=0), self.papers[split:].sum(axis=0)
        sums = counts.sum(axis=1)
        held = counts + late
        share = (held @ (now / (then + now))) / np.maximum(held.sum(axis=1), 1.0)
        share = np.where(held.sum(axis=1) > 0, share, now.sum() / self.papers.sum())
        # Neither 0 nor 1 where all of a term's venues are past ones, or recent ones.
        share = np.clip(share, NEAR, 1.0 - NEAR)
        expected = (sums + 1.0) * share / (1.0 - share)
        rate = (sums[:, None] + 1.0) / then.sum()
        return ((counts + 1.0) / (then + 1.0 / rate)) @ self.papers[:split].T, expected

    def _by_venue(self, within: csr_matrix, chosen: npt.NDArray[np.bool_]) -> Floats:
        """Return (n, venues) counts over the chosen papers."""
        marks = csr_matrix(
            (chosen.astype(np.float64), (np.arange(chosen.size), self.venues)),
            shape=(chosen.size, self.papers.shape[1]),
        )
        return np.asarray((within @ marks).toarray(), dtype=np.float64)


def apart(whole: Calendar, venues: Sequence[str]) -> tuple[Calendar, Integers]:
    """Return the calendar without recent papers of new venues, and a venue's number per paper.

    Venues with fewer than 50 past papers go together as one, unless they have 50 recent ones:
    these are new. Where new ones hold half of the recent papers or more, what is read has changed
    altogether: nothing is left out, and all papers are of one venue.
    """
    split = whole.totals.size - whole.recent
    then = (whole.places >= 0) & (whole.places < split)
    now = whole.places >= split
    names, number = np.unique(np.array(venues, dtype=object).astype(str), return_inverse=True)
    sizes = np.bincount(number[then], minlength=names.size)
    new = (sizes < FEWEST_OF_A_VENUE) & (
        np.bincount(number[now], minlength=names.size) >= FEWEST_OF_A_VENUE
    )
    if 2 * int(new[number[now]].sum()) >= int(now.sum()):
        return whole, np.zeros(whole.places.size, dtype=np.int64)
    own = np.argsort(-sizes, kind="stable")[:MOST_VENUES]
    own = own[sizes[own] >= FEWEST_OF_A_VENUE]
    renumbered = np.zeros(names.size, dtype=np.int64)
    renumbered[own] = np.arange(1, own.size + 1)
    places = np.where(now & new[number], NEW, whole.places)
    totals = np.bincount(places[places >= 0], minlength=whole.totals.size).astype(np.int64)
    return Calendar(whole.unit, whole.labels, places, totals, whole.recent), renumbered[number]


def mix(venues: Integers, inside: Calendar) -> Mix:
    """Return the venues of papers that are all in a window, numbered without gaps."""
    _, number = np.unique(venues, return_inverse=True)
    count = int(number.max(initial=0)) + 1
    papers = np.zeros((inside.totals.size, count))
    np.add.at(papers, (inside.places, number), 1.0)
    return Mix(number.astype(np.int64), papers)


def counts_of(within: csr_matrix, inside: Calendar) -> Floats:
    """Return (n, windows) papers of each row of a matrix of ones in each window."""
    size = inside.places.size
    which = csr_matrix(
        (np.ones(size), (np.arange(size), inside.places)), shape=(size, inside.totals.size)
    )
    return np.asarray((within @ which).toarray(), dtype=np.float64)


def rates_of(
    within: csr_matrix,
    inside: Calendar,
    mix: Mix,
    confidence: float,
    dispersion: Floats | None = None,
) -> Rates:
    """Return the rates of n rows of a matrix of ones, (n, papers), each venue by its own past."""
    counts = counts_of(within, inside)
    exposure, expected = mix.expected(within, inside)
    split = inside.totals.size - inside.recent
    return rates(
        counts[:, :split],
        exposure,
        counts[:, split:].sum(axis=1),
        expected,
        papers=float(inside.totals[split:].sum()),
        confidence=confidence,
        dispersion=dispersion,
    )
