"""How good estimates of impact are: nDCG@20, the measure of the paper, and rank correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from everygrain_papers.trends.rates import Floats

AT = 20


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the papers of one year were told apart from those of the years before.

    year         that was predicted
    trained_on   papers of the years before
    papers       of the year
    ndcg         nDCG@20 by TNCSI (0 to 1)
    chance       nDCG@20 of a random order, on average
    spearman     rank correlation of scores with TNCSI (-1 to 1)
    """

    year: int
    trained_on: int
    papers: int
    ndcg: float
    chance: float
    spearman: float

    def __str__(self) -> str:
        return (
            f"{self.year}: nDCG@20 {self.ndcg:.3f} (by chance {self.chance:.3f}), rank correlation "
            f"{self.spearman:.3f}, {self.papers:,} papers from {self.trained_on:,} before"
        )


def quality(year: int, trained_on: int, scores: Floats, targets: Floats) -> Quality:
    """Measure scores of one year against its targets, (n,) each."""
    return Quality(
        year,
        trained_on,
        scores.size,
        ndcg(scores, targets),
        chance(targets),
        spearman(scores, targets),
    )


def ndcg(scores: Floats, targets: Floats, at: int = AT) -> float:
    """Return sum_r target_r / log2(r + 1) over the first `at`, divided by the best such sum.

    Equal scores stand in the order given. 0 where all targets are 0.
    """
    chosen = np.argsort(-scores, kind="stable")[:at]
    discounts = 1.0 / np.log2(np.arange(chosen.size) + 2.0)
    best = float(np.sort(targets)[::-1][:at] @ discounts)
    return float(targets[chosen] @ discounts) / best if best > 0 else 0.0


def chance(targets: Floats, at: int = AT) -> float:
    """Return the mean nDCG over all orders: every place holds the mean target."""
    discounts = 1.0 / np.log2(np.arange(min(at, targets.size)) + 2.0)
    best = float(np.sort(targets)[::-1][:at] @ discounts)
    return float(targets.mean() * discounts.sum()) / best if best > 0 else 0.0


def spearman(scores: Floats, targets: Floats) -> float:
    """Return the correlation of ranks, equal values at their mean rank; 0 where one is flat."""
    from scipy.stats import rankdata

    ranks = [rankdata(each) for each in (scores, targets)]
    if min(float(np.ptp(each)) for each in ranks) == 0.0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
