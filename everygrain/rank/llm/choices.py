"""From choosing the best of a few to an order of all; nothing here knows who chooses.

A strategy is a generator over the places 0, 1, ... n - 1 of the retriever's order. It yields groups
to choose from and is sent, for each, the best one's place in the group, or None where it is not
known: then the group's member that stands first in the present order is taken.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

Group: TypeAlias = list[int]
Choosing: TypeAlias = Generator[list[Group], list[int | None], list[int]]


def sliding(count: int, size: int, top: int) -> Choosing:
    """Bubble sort with windows of `size` that move by size - 1, back to front, `top` times.

    The best of a window comes to its front, and so into the next window; the others keep their
    order. Pass k settles rank k.
    """
    order = list(range(count))
    for settled in range(min(top, count - 1)):
        end = count
        while end - settled > 1:
            start = max(settled, end - size)
            (chosen,) = yield [order[start:end]]
            if chosen:
                order.insert(start, order.pop(start + chosen))
            end = start + 1
    return order


def heap(count: int, size: int, top: int) -> Choosing:
    """Heapsort in which a node has size - 1 children and one choice settles who stays above.

    The best `top` come out; the others follow in the retriever's order.
    """
    nodes, children = list(range(count)), size - 1
    for at in range((count - 2) // children, -1, -1):
        yield from _sift(nodes, at, children)
    best: list[int] = []
    while nodes and len(best) < top:
        best.append(nodes[0])
        last = nodes.pop()
        if nodes:
            nodes[0] = last
            if len(best) < top:
                yield from _sift(nodes, 0, children)
    return best + sorted(nodes)


def _sift(
    nodes: list[int], at: int, children: int
) -> Generator[list[Group], list[int | None], None]:
    while (first := children * at + 1) < len(nodes):
        places = [at, *range(first, min(first + children, len(nodes)))]
        places.sort(key=lambda place: nodes[place])  # shown, and taken in doubt, as retrieved
        (chosen,) = yield [[nodes[place] for place in places]]
        better = places[chosen or 0]
        if better == at:
            return
        nodes[at], nodes[better] = nodes[better], nodes[at]
        at = better
