"""Systems that begin alike run what they share once; each is told the cost of the whole.

A part of a system is shared with another's where both print alike, are of one type and hold the
same things: `dense` of two indexes prints alike, but is not the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from everygrain.document import Ranking
from everygrain.rank.base import Cut, Queries, Reranked, Retriever, named
from everygrain.rank.fuse import Fused


@dataclass
class Spent:
    """What retrieving took.

    seconds   wall-clock time
    calls     of models, as far as parts of the system count them in an attribute `calls`
    """

    seconds: float = 0.0
    calls: int = 0


@dataclass
class Sharing:
    """What has been run on one collection, and what was saved by not running it again."""

    parts: list[Shared] = field(default_factory=list)
    saved: Spent = field(default_factory=Spent)

    def share(self, retriever: Retriever) -> Retriever:
        """Return a retriever with the same results whose parts are run once.

        A cut stays a cut, since a reranker reads its depth from it.
        """
        if isinstance(retriever, Cut):
            return replace(retriever, retriever=self.share(retriever.retriever))
        for part in self.parts:
            if same(part.original, retriever):
                return part
        inner = retriever
        if isinstance(retriever, Reranked):
            inner = replace(retriever, retriever=self.share(retriever.retriever))
        elif isinstance(retriever, Fused):
            parts = tuple(self.share(each) for each in retriever.retrievers)
            inner = replace(retriever, retrievers=parts)
        self.parts.append(Shared(retriever, inner, self))
        return self.parts[-1]

    def run(
        self, retriever: Retriever, queries: Mapping[str, str], k: int
    ) -> tuple[Ranking, Spent]:
        """Retrieve; what was spent counts shared parts as if they had been run for this alone."""
        counters = _counters(retriever)
        before = Spent(self.saved.seconds, self.saved.calls)
        calls, begun = sum(each.calls for each in counters), perf_counter()
        ranking = retriever.retrieve(queries, k)
        seconds = perf_counter() - begun + self.saved.seconds - before.seconds
        calls = sum(each.calls for each in counters) - calls + self.saved.calls - before.calls
        return ranking, Spent(seconds, calls)


@dataclass(eq=False)
class Shared:
    """A part of a system that remembers its rankings."""

    original: Retriever
    inner: Retriever
    sharing: Sharing
    found: dict[tuple[object, int], tuple[Ranking, Spent]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return repr(self.original)

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        asked = named(queries)
        key = (tuple(asked.items()), k)
        if key in self.found:
            ranking, spent = self.found[key]
            self.sharing.saved.seconds += spent.seconds
            self.sharing.saved.calls += spent.calls
            return ranking
        self.found[key] = self.sharing.run(self.inner, asked, k)
        return self.found[key][0]


def same(first: Any, second: Any) -> bool:
    """Tell whether two values surely do the same: one object, or alike in type, print and parts."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, str | int | float | bool | None):
        return bool(first == second)
    if isinstance(first, tuple):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(same(*pair) for pair in pairs)
    if not hasattr(first, "__dict__") or repr(first) != repr(second):
        return False
    left, right = vars(first), vars(second)
    return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)


def counts_calls(retriever: Retriever) -> bool:
    """Tell whether any part of a system counts its calls of models."""
    return bool(_counters(retriever))


def _counters(retriever: Any) -> list[Any]:
    """Return each part, once, that has a whole number `calls`."""
    found: dict[int, Any] = {}
    waiting = [retriever]
    while waiting:
        part = waiting.pop()
        if isinstance(getattr(part, "calls", None), int):
            found[id(part)] = part
        for name in ("retriever", "reranker", "original"):
            if hasattr(part, name):
                waiting.append(getattr(part, name))
        waiting += getattr(part, "retrievers", ())
    return list(found.values())
