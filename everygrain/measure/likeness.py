"""Two rankings of one query -> how alike they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError

PERSISTENCE = 0.9


def rank_biased_overlap(
    first: Sequence[str], second: Sequence[str], persistence: float = PERSISTENCE
) -> float:
    """Return the extrapolated rank-biased overlap of two rankings, in [0, 1].

    first, second   document ids, best first; their lengths may differ
    persistence     p: the chance that a reader goes on to the next rank, above 0 and below 1; with
                    0.9 the first ten ranks hold 86 % of the weight

    The agreement at depth d is the number of documents that both have among their first d, over d.
    Beyond the shorter ranking's end s its agreement there is taken to last, beyond the longer
    one's end l the agreement at l:

        (1 - p) / p * (sum_{d=1}^{l} X_d / d * p^d + sum_{d=s+1}^{l} X_s (d - s) / (s d) * p^d)
        + ((X_l - X_s) / l + X_s / s) * p^l

    Two empty rankings are alike: 1; an empty one and another are not: 0.
    Source: Webber, Moffat, Zobel, A Similarity Measure for Indefinite Rankings, 2010, equation 32.
    Raises MeasureError for a document that occurs twice, and for a persistence out of range.
    """
    if not 0 < persistence < 1:
        raise MeasureError(f"The persistence is {persistence}.", "Use a share such as 0.9.")
    _check(first, second)
    shorter, longer = sorted((first, second), key=len)
    if not shorter:
        return 0.0 if longer else 1.0
    s, depths = len(shorter), np.arange(1, len(longer) + 1)
    shared = _shared_up_to(shorter, longer)
    weights = persistence**depths
    beyond = shared[s - 1] * np.maximum(depths - s, 0) / s
    total = ((shared + beyond) / depths * weights).sum() * (1 - persistence) / persistence
    last = (shared[-1] - shared[s - 1]) / len(longer) + shared[s - 1] / s
    return float(total + last * weights[-1])


def overlap_at(first: Sequence[str], second: Sequence[str], k: int) -> float:
    """Return the share, in [0, 1], of the first k documents that two rankings have in common.

    Where both have fewer than k, the longer one's length takes the place of k, so that a ranking
    is wholly like itself; two empty rankings give 1.
    Raises MeasureError for a document that occurs twice, and for k below 1.
    """
    if k < 1:
        raise MeasureError(f"k = {k} compares no results.", "Use k of 1 or more.")
    _check(first, second)
    left, right = set(first[:k]), set(second[:k])
    return len(left & right) / max(len(left), len(right)) if left or right else 1.0


def kendall_tau(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Kendall's tau, in [-1, 1], over the documents that two rankings share.

    It says nothing of documents that only one has: read it beside an overlap. NaN where fewer than
    two are shared.
    Source: Kendall, A New Measure of Rank Correlation, 1938.
    Raises MeasureError for a document that occurs twice.
    """
    _check(first, second)
    place = {document: rank for rank, document in enumerate(second)}
    ranks = np.array([place[document] for document in first if document in place])
    n = len(ranks)
    if n < 2:
        return float("nan")
    signs = np.sign(ranks[None, :] - ranks[:, None])
    return float(np.triu(signs, 1).sum() / (n * (n - 1) / 2))


def _shared_up_to(shorter: Sequence[str], longer: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return (l,) float64: the number of documents among the first d of both, d from 1."""
    ranks = {document: rank for rank, document in enumerate(shorter)}
    counts = np.zeros(len(longer))
    for rank, document in enumerate(longer):
        if document in ranks:
            counts[max(rank, ranks[document])] += 1
    return np.cumsum(counts)


def _check(*rankings: Sequence[str]) -> None:
    for ranking in rankings:
        if isinstance(ranking, str):
            raise MeasureError("One string is not a ranking.", "Give a list of document ids.")
        if len(set(ranking)) != len(ranking):
            raise MeasureError("A document occurs twice in a ranking.", "Rank every one once.")
