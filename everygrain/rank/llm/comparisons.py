"""From comparisons of two to an order of all; nothing here knows who compares.

A strategy is a generator over the places 0, 1, ... n - 1 of the retriever's order. It yields pairs
to compare and is sent, for each, 1 where the first is better, 0 where the second is, 1/2 where it
is a tie; it returns the places, best first. Pairs that are yielded together do not depend on each
other.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from itertools import combinations
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]
Comparing: TypeAlias = Generator[list[Pair], list[float], list[int]]

FIRST, TIE, SECOND = 1.0, 0.5, 0.0


def all_pairs(count: int) -> Comparing:
    """Compare every two: n (n - 1) / 2 comparisons.

    wins(i) = number of j that i beats + 1/2 * number of j that it ties with

    Equal wins keep the retriever's order.
    """
    pairs = list(combinations(range(count), 2))
    wins = [0.0] * count
    for (i, j), preference in zip(pairs, (yield pairs), strict=True):
        wins[i] += preference
        wins[j] += 1 - preference
    return sorted(range(count), key=lambda i: (-wins[i], i))


def sliding(count: int, passes: int) -> Comparing:
    """Bubble sort, back to front: n - k comparisons in the k-th pass, which settles rank k.

    Two neighbours change places where the lower one is better; a tie leaves them.
    """
    order = list(range(count))
    for settled in range(min(passes, count - 1)):
        for upper in range(count - 2, settled - 1, -1):
            (preference,) = yield [(order[upper], order[upper + 1])]
            if preference < TIE:
                order[upper], order[upper + 1] = order[upper + 1], order[upper]
    return order


def heap(count: int, top: int) -> Comparing:
    """Heapsort until the best `top` are out; the others follow in the retriever's order.

    A tie goes to the place that the retriever ranks first.
    """
    nodes = list(range(count))
    for at in range(count // 2 - 1, -1, -1):
        yield from _sift(nodes, at)
    best: list[int] = []
    while nodes and len(best) < top:
        best.append(nodes[0])
        last = nodes.pop()
        if nodes:
            nodes[0] = last
            if len(best) < top:
                yield from _sift(nodes, 0)
    return best + sorted(nodes)


def _sift(nodes: list[int], at: int) -> Generator[list[Pair], list[float], None]:
    """Let a node sink until no child is better."""
    while (child := 2 * at + 1) < len(nodes):
        if child + 1 < len(nodes) and not (yield from _is_better(nodes[child], nodes[child + 1])):
            child += 1
        if (yield from _is_better(nodes[at], nodes[child])):
            return
        nodes[at], nodes[child] = nodes[child], nodes[at]
        at = child


def _is_better(one: int, other: int) -> Generator[list[Pair], list[float], bool]:
    first = min(one, other)
    (preference,) = yield [(first, max(one, other))]
    return (first == one) == (preference >= TIE)


def most_comparisons(method: str, count: int, passes: int, top: int) -> int:
    """Return how many comparisons a strategy makes; for "heap" a number that it does not pass."""
    if method == "all":
        return count * (count - 1) // 2
    if method == "sliding":
        done = min(passes, max(count - 1, 0))
        return done * count - done * (done + 1) // 2
    depth = int(math.log2(count)) if count else 0
    # building the heap sinks every node; the sum over all levels is below n
    return 2 * count + 2 * min(top, count) * depth
