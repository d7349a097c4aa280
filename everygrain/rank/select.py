"""The best k of many scores, exactly, ties settled by document id."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

_BLOCK = 64


def at_least_kth(
    scores: npt.NDArray[np.float32], k: int, margin: float = 0.0
) -> npt.NDArray[np.int64]:
    """Return places of all scores that are not below the k-th best, less a margin.

    The k-th best block maximum of blocks of 64 is at most the k-th best score, so one pass over
    the scores with it leaves few to look at closely.
    """
    count = len(scores)
    if k >= count:
        return np.arange(count)
    whole = count // _BLOCK * _BLOCK
    if count // _BLOCK > 4 * k:
        peaks = scores[:whole].reshape(-1, _BLOCK).max(axis=1)
        bound = np.partition(peaks, len(peaks) - k)[len(peaks) - k]
        near = np.flatnonzero(scores >= bound - np.float32(margin))
        kept = scores[near]
        if len(near) <= k:
            return near
        threshold = np.partition(kept, len(kept) - k)[len(kept) - k]
        best: npt.NDArray[np.int64] = near[kept >= threshold - np.float32(margin)]
        return best
    threshold = np.partition(scores, count - k)[count - k]
    return np.flatnonzero(scores >= threshold - np.float32(margin))


def order(
    numbers: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    k: int,
    ids_of: Callable[[Sequence[int] | npt.NDArray[np.int64]], list[str]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], list[str]]:
    """Sort candidates by score descending, then id, and keep k.

    Returns (numbers, scores, ids) of the kept.
    """
    ids = ids_of(numbers)
    best = sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))[:k]
    return numbers[best], scores[best], [ids[i] for i in best]
