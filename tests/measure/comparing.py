"""Systems and collections whose figures can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from everygrain import Document, Ranking
from everygrain.measure import Collection
from everygrain.rank.base import Composable, Queries, named

QUERIES = {f"q{i}": f"text {i}" for i in range(4)}


@dataclass(frozen=True, eq=False)
class Fixed(Composable):
    """Ranks d0, d1, ... in an order given by query, and counts how often it is asked."""

    name: str
    orders: Mapping[str, Sequence[str]]
    asked: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        return self.name

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        self.asked.append(k)
        rows = [
            (query, document, -float(rank))
            for query in named(queries)
            for rank, document in enumerate(self.orders.get(query, ())[:k])
        ]
        return Ranking.of(list(named(queries)), rows)


@dataclass
class Reversing:
    """Turns every ranking around, one call of a model a query."""

    calls: int = 0

    def __repr__(self) -> str:
        return "reversing"

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        self.calls += len(named(queries))
        return Ranking.of(ranking.queries, [(q, d, -score) for q, d, score in ranking.rows()])


def first_at(*places: int) -> dict[str, list[str]]:
    """Return an order per query in which the relevant d0 is at a place from 1; 0 is nowhere."""
    orders = {}
    for query, place in zip(QUERIES, places, strict=True):
        others = ["d1", "d2", "d3"]
        orders[query] = [*others[: place - 1], "d0", *others[place - 1 :]] if place else others
    return orders


def collection(name: str = "small") -> Collection:
    """Four queries, for each of which d0 is relevant."""
    documents = [Document(f"d{i}", f"text {i}") for i in range(4)]
    return Collection(name, QUERIES, {q: {"d0": 1} for q in QUERIES}, lambda: iter(documents))
