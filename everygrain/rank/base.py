"""What a retriever and a reranker are, and how they compose.

    bm25 >> reranker      rerank what bm25 found
    fuse(bm25, dense)     one ranking out of several (everygrain.rank.fuse)
    bm25 % 100            the first hundred of each query

A composition is a value: it prints as it is written, and compares and hashes by what it prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.document import Document, Ranking
from everygrain.errors import QueryError

Queries: TypeAlias = Mapping[str, str] | Sequence[str]
Fetch: TypeAlias = Callable[[Sequence[str]], Mapping[str, Document]]  # `Index.fetch` is one


@runtime_checkable
class Retriever(Protocol):
    """Finds documents for queries."""

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        """Return the best k documents of each query.

        queries   id -> text, or texts, whose ids are then "0", "1", ...
        """


@runtime_checkable
class Reranker(Protocol):
    """Orders what a retriever found anew."""

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        """Return the same rows, or some of them, with new scores and in their order."""


@runtime_checkable
class PairScorer(Protocol):
    """Reads a query and a text together and says how well they fit; dear, and precise."""

    def score(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n,) scores, higher for better; never NaN."""


def named(queries: Queries) -> dict[str, str]:
    """Return queries as id -> text."""
    if isinstance(queries, str):
        raise QueryError("One string is not a list of queries.", "Write retrieve([query]).")
    if isinstance(queries, Mapping):
        return dict(queries)
    return {str(i): text for i, text in enumerate(queries)}


def check_asked(asked: Mapping[str, str], ranking: Ranking) -> None:
    """Raise QueryError, naming it, for a query of a ranking that was not asked."""
    unknown = next((query for query in ranking.queries if query not in asked), None)
    if unknown is not None:
        raise QueryError(
            f"The ranking holds the query '{unknown}', which was not asked.",
            "Give the queries that were retrieved with.",
        )


def check_k(k: int) -> None:
    """Raise QueryError unless k is a number of results."""
    try:
        whole = index(k)
    except TypeError:
        raise QueryError(f"k = {k!r} is no whole number.", "Use k of 1 or more.") from None
    if whole < 1 or isinstance(k, bool):
        raise QueryError(f"k = {k} asks for no results.", "Use k of 1 or more.")


class Composable:
    """Gives a retriever the operators."""

    def __rshift__(self, reranker: Reranker) -> Reranked:
        return Reranked(self, reranker)  # type: ignore[arg-type]

    def __mod__(self, k: int) -> Cut:
        return Cut(self, k)  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


@dataclass(frozen=True, eq=False)
class Reranked(Composable):
    """`retriever >> reranker`: reranks as many as are asked for, at least `depth`."""

    retriever: Retriever
    reranker: Reranker
    depth: int = 100

    def __repr__(self) -> str:
        shown = f"{self.retriever!r} >> {self.reranker!r}"
        return shown if self.depth == 100 else f"{shown} (depth {self.depth})"

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        asked = named(queries)
        depth = k if isinstance(self.retriever, Cut) else max(k, self.depth)
        return self.reranker.rerank(asked, self.retriever.retrieve(asked, depth)).cut(k)


@dataclass(frozen=True, eq=False)
class Cut(Composable):
    """`retriever % k`: at most k documents of each query, whatever is asked for."""

    retriever: Retriever
    k: int

    def __post_init__(self) -> None:
        check_k(self.k)

    def __repr__(self) -> str:
        shown = repr(self.retriever)
        inner = isinstance(self.retriever, (Cut, Reranked))
        return f"({shown}) % {self.k}" if inner else f"{shown} % {self.k}"

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        return self.retriever.retrieve(queries, self.k)
