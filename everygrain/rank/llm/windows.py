"""From orders of a window to an order of all; nothing here knows who orders.

A strategy is a generator over the places 0, 1, ... n - 1 of the retriever's order. It yields
windows of places and is sent, for each, the window in its new order, or None where it is not known:
then the window stays as it is.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

Window: TypeAlias = list[int]
Ordering: TypeAlias = Generator[list[Window], list[list[int] | None], list[int]]


def bounds(count: int, size: int, step: int, settled: int = 0) -> list[tuple[int, int]]:
    """Return the (start, end) of the windows of one pass over places settled ... n - 1.

    They go back to front, each `step` before the last, ceil((n - settled - size) / step) + 1 of
    them; the last one is at the front, and whole where there are enough places.
    """
    if count - settled < 2:
        return []
    found, start = [], count - size
    while start > settled:
        found.append((start, start + size))
        start -= step
    return [*found, (settled, min(settled + size, count))]


def sliding(count: int, size: int, step: int, passes: int = 1) -> Ordering:
    """Order windows, back to front: the best size - step of each go on into the next.

    One pass brings the best size - step to the front, if the windows are ordered rightly. A window
    of all places is one question: full ranking.
    """
    order = list(range(count))
    for _ in range(passes):
        yield from _pass(order, bounds(count, size, step))
    return order


def complete(count: int, size: int, step: int) -> Ordering:
    """Pass after pass, each over what the ones before have not settled, to an order of all.

    A pass settles the size - step best; S: Sliding Windows Are Not the End makes complete labels
    for training in such a way.
    """
    order, settled = list(range(count)), 0
    while count - settled > 1:
        yield from _pass(order, bounds(count, size, step, settled))
        if count - settled <= size:
            break
        settled += size - step
    return order


def _pass(
    order: list[int], windows: list[tuple[int, int]]
) -> Generator[list[Window], list[list[int] | None], None]:
    for start, end in windows:
        (ordered,) = yield [order[start:end]]
        if ordered is not None:
            order[start:end] = ordered
