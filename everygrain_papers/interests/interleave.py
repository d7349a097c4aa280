"""Several ranked lists -> one, in which every interest has its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def interleave(
    scores: Sequence[Sequence[float]], k: int, take: Callable[[int, int], bool]
) -> list[tuple[int, int]]:
    """Return (list, place in it) in the order shown, at most k.

    scores   for each list, its scores, best first
    take     called with the next of a list before it is shown; False if it may not be shown

    Goes in rounds: in each, every list that has something left shows its next, the best score
    first, equal ones in the order of the lists. So m lists all have a place among the first m.
    """
    nexts = [0] * len(scores)
    merged: list[tuple[int, int]] = []
    waiting: set[int] = set()
    while len(merged) < k:
        waiting = {i for i in waiting if nexts[i] < len(scores[i])}
        waiting = waiting or {i for i, own in enumerate(scores) if nexts[i] < len(own)}
        if not waiting:
            break
        best = max(waiting, key=lambda i: (scores[i][nexts[i]], -i))
        if take(best, nexts[best]):
            merged.append((best, nexts[best]))
            waiting.remove(best)
        nexts[best] += 1
    return merged
