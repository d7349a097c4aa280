"""The best k of many scores, exactly, ties settled by document id."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt


def at_least_kth(
    scores: npt.NDArray[np.float32], k: int, margin: float = 0.0
) -> npt.NDArray[np.int64]:
    """Return places of all scores that are not below the k-th best, less a margin.

    The k-th best of the maxima of several hundred groups is at most the k-th best score, so one
    pass over the scores with it leaves few to look at closely.
    """
    count = len(scores)
    if k >= count:
        return np.arange(count)
    groups = max(512, 8 * k)  # of 80,000 scores, fewer are slower to fill and more to sort
    if count > 4 * groups:
        whole = count // groups * groups
        # groups run down the columns: the maximum of rows is a vector operation
        peaks = scores[:whole].reshape(-1, groups).max(axis=0)
        bound = np.partition(peaks, groups - k)[groups - k]
        near = np.flatnonzero(scores >= bound - np.float32(margin))
        scores = scores[near]
    else:
        near = np.arange(count)
    if len(near) <= k:
        return near
    threshold = np.partition(scores, len(near) - k)[len(near) - k]
    best: npt.NDArray[np.int64] = near[scores >= threshold - np.float32(margin)]
    return best


def order(
    numbers: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    k: int,
    ids_of: Callable[[npt.NDArray[np.int64]], list[str]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Sort candidates by score descending, then id, and keep k.

    Ids are looked up only where scores tie. Returns (numbers, scores) of the kept.
    """
    best = np.argsort(-scores, kind="stable")
    if len(best) > k:
        best = best[: np.searchsorted(-scores[best], -scores[best[k - 1]], side="right")]
    numbers, scores = numbers[best], scores[best]
    new = np.flatnonzero(scores[1:] != scores[:-1]) + 1
    if len(new) + 1 >= len(scores):
        return numbers[:k], scores[:k]
    for start, end in pairwise([0, *new.tolist(), len(scores)]):
        if end > start + 1:
            ids = ids_of(numbers[start:end])
            by_id = sorted(range(len(ids)), key=ids.__getitem__)
            numbers[start:end] = numbers[start:end][by_id]
    return numbers[:k], scores[:k]
