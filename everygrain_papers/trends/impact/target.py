"""Citations made comparable over fields and years.

TNCSI (topic normalised citation success indicator) is the probability that a paper of the same
field and the same period has at most as many citations, if they follow an exponential law:

    TNCSI = 1 - exp(-c / mean)

where the mean over the cohort is the maximum likelihood estimate of 1 / lambda. SP: the cohort is
of the same period, here of the same year.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from everygrain_papers.paper import Paper
from everygrain_papers.trends.rates import Floats

FEWEST_OF_A_COHORT = 30  # papers with citations


def normalised(
    papers: Sequence[Paper],
    group_of: Callable[[Paper], str] | None = None,
    fewest: int = FEWEST_OF_A_COHORT,
) -> Floats:
    """Return the TNCSI of each paper, (n,) float64 from 0 to 1, nan where it cannot be known.

    group_of   the field or venue of a paper, whose papers of the same year are its cohort; None
               takes all papers of the year

    A cohort below `fewest` gives way to the whole year. Nothing can be known of a paper without
    citations or year, of a year below `fewest`, or of one in which nothing was cited.
    """
    cohorts: dict[tuple[int, str | None], list[int]] = {}
    for place, paper in enumerate(papers):
        if paper.citations is not None and paper.year is not None:
            cohorts.setdefault((paper.year, None), []).append(place)
            if group_of is not None:
                cohorts.setdefault((paper.year, group_of(paper)), []).append(place)
    told = np.full(len(papers), np.nan)
    for key in sorted(cohorts, key=lambda each: each[1] is not None):  # whole years come first
        places = cohorts[key]
        counts = np.array([papers[each].citations for each in places], dtype=np.float64)
        if len(places) >= fewest and counts.sum() > 0:
            told[places] = -np.expm1(-counts / counts.mean())
    return told
