"""One ranking out of several, and the ways to add up what they say.

    ReciprocalRank(constant=60)   ranks only: no scores and no weights are needed
    Weighted((0.8, 0.2))          scores divided by the best one of the query: what `hybrid` uses
    MinMax(), ZScore()            scores on the scale of the query's own results, then added
    Sum()                         scores as they came, for retrievers that speak one scale
    everygrain.rank.fit_fusion    weights fitted to a collection without judgements
    everygrain.rank.sinkhorn      a batch of queries at once, so that no document wins all of them

Each says what a document gets from a ranking that lacks it; weights, where they are given, are
one for each ranking, in the order of the retrievers.

Sources: Cormack, Clarke and Buettcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual
Rank Learning Methods, SIGIR 2009; Fox and Shaw, Combination of Multiple Searches, TREC-2, 1994
(CombSUM); Lee, Analyses of Multiple Evidence Combination, SIGIR 1997 (min-max); Bruch, Gai and
Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2023 (linear combinations).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, Queries, Retriever, check_k, named

Column: TypeAlias = Mapping[str, float]  # one query's results: document -> score, best first
Weights: TypeAlias = tuple[float, ...]


class Fusion(Protocol):
    """A way to fuse; a value that prints as it is written."""

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        """Combine one query's results, each document -> score in ranked order."""
        ...


@dataclass(frozen=True)
class ReciprocalRank:
    """score(d) = sum over rankings of 1 / (constant + rank of d); 0 where a ranking lacks d."""

    constant: float = 60.0

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        total: dict[str, float] = {}
        for column in columns:
            for rank, document in enumerate(column, 1):
                total[document] = total.get(document, 0.0) + 1 / (self.constant + rank)
        return total


@dataclass(frozen=True)
class Weighted:
    """score(d) = sum over rankings of weight * max(score of d, 0) / best score; a ranking that
    lacks d, or whose best score is not above 0, gives 0."""

    weights: Weights

    def __post_init__(self) -> None:
        check_weights(self.weights)

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        return _added([best_is_one(column) for column in columns], self.weights)


@dataclass(frozen=True, repr=False)
class _Summed:
    """What adds up scores, on whatever scale."""

    weights: Weights = ()

    def __post_init__(self) -> None:
        check_weights(self.weights)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}(weights={self.weights})" if self.weights else f"{name}()"


@dataclass(frozen=True, repr=False)
class MinMax(_Summed):
    """score(d) = sum over rankings of weight * (score of d - least) / (best - least).

    Least and best are those of the query's results in a ranking; a ranking that lacks d gives 0,
    as much as it gives its last. Results that all score alike get 1.
    weights   one for each ranking; all 1 if there are none
    """

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        return _added([least_is_zero(column) for column in columns], self.weights)


@dataclass(frozen=True, repr=False)
class ZScore(_Summed):
    """score(d) = sum over rankings of weight * (z of d - least z), z = (score - mean) / deviation.

    Mean and standard deviation are those of the query's results in a ranking. A z of 0 would be
    the mean of what was found, too much for a document that was not: so z counts from the last
    result, and a ranking that lacks d gives 0, as much as it gives its last. Results that all
    score alike get 1.
    weights   one for each ranking; all 1 if there are none
    """

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        return _added([least_is_zero_deviations(column) for column in columns], self.weights)


@dataclass(frozen=True, repr=False)
class Sum(_Summed):
    """score(d) = sum over rankings of weight * score of d (CombSUM); 0 where a ranking lacks d.

    For scores that mean one thing in all rankings: cosines of one encoder, probabilities.
    weights   one for each ranking; all 1 if there are none
    """

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        return _added(columns, self.weights)


def best_is_one(column: Column) -> dict[str, float]:
    """Divide the scores above 0 by the best one; the others become 0."""
    best = max(column.values(), default=0.0)
    return {d: max(score, 0.0) / best if best > 0 else 0.0 for d, score in column.items()}


def least_is_zero(column: Column) -> dict[str, float]:
    """Map scores to [0, 1], the least to 0 and the best to 1; scores that are all alike to 1."""
    least, best = min(column.values(), default=0.0), max(column.values(), default=0.0)
    width = best - least
    return {d: (score - least) / width if width > 0 else 1.0 for d, score in column.items()}


def least_is_zero_deviations(column: Column) -> dict[str, float]:
    """Return by how many standard deviations scores lie above the least; 1 if all are alike."""
    scores = np.fromiter(column.values(), dtype=np.float64, count=len(column))
    if not len(scores):
        return {}
    spread = float(scores.std())
    least = float(scores.min())
    if spread <= 1e-12 * max(1.0, abs(least)):
        return dict.fromkeys(column, 1.0)
    return {d: (score - least) / spread for d, score in column.items()}


def _added(columns: Sequence[Column], weights: Weights) -> dict[str, float]:
    """Add columns with weights, all 1 if there are none. Raises QueryError if they are not as
    many."""
    if weights and len(columns) != len(weights):
        raise QueryError(
            f"{len(weights)} weights were given for {len(columns)} rankings.",
            "Give one weight for each.",
        )
    total: dict[str, float] = {}
    for weight, column in zip(weights or (1.0,) * len(columns), columns, strict=True):
        for document, score in column.items():
            total[document] = total.get(document, 0.0) + weight * score
    return total


def check_weights(weights: Weights) -> None:
    """Raise QueryError for a weight that is below 0 or not finite."""
    for weight in weights:
        if not (math.isfinite(weight) and weight >= 0):
            raise QueryError(f"The weight {weight} makes no sense.", "Use weights of 0 or more.")


def combine_scores(
    lexical: npt.NDArray[np.float32],
    dense: npt.NDArray[np.float32],
    weight: float,
    bests: tuple[float, float] | None = None,
) -> npt.NDArray[np.float32]:
    """Combine complete score columns of the same documents: `Weighted` over arrays.

    weight   the dense leg's, in [0, 1]; the lexical leg gets the rest. A leg that found nothing
             leaves the whole weight to the other
    bests    float32, the best score of each leg where it is no longer among these; theirs if None
    """
    found = np.maximum(dense, 0)
    best_lexical, best_dense = bests or (lexical.max(initial=0.0), found.max(initial=0.0))
    if best_lexical <= 0 and best_dense <= 0:
        return np.zeros(len(lexical), dtype=np.float32)
    if best_dense <= 0:
        return np.asarray(lexical / best_lexical, dtype=np.float32)
    if best_lexical <= 0:
        return np.asarray(found / best_dense, dtype=np.float32)
    combined = np.float32(1 - weight) * (lexical / best_lexical)
    combined += np.float32(weight) * (found / best_dense)
    return np.asarray(combined, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Fused(Composable):
    """The retriever that `fuse` makes; each part is asked for at least `depth` documents."""

    retrievers: tuple[Retriever, ...]
    method: Fusion
    depth: int = 100

    def __repr__(self) -> str:
        parts = ", ".join(repr(each) for each in self.retrievers)
        parts += "" if self.method == ReciprocalRank() else f", method={self.method!r}"
        parts += "" if self.depth == 100 else f", depth={self.depth}"
        return f"fuse({parts})"

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        asked = named(queries)
        found = [r.retrieve(asked, max(k, self.depth)).by_query() for r in self.retrievers]
        rows = [
            (query, document, score)
            for query in asked
            for document, score in self.method.combine([dict(f[query]) for f in found]).items()
        ]
        return Ranking.of(list(asked), rows).cut(k)


def fuse(*retrievers: Retriever, method: Fusion | None = None) -> Fused:
    """Fuse retrievers; plain reciprocal ranks if no method is given."""
    if len(retrievers) < 2:
        raise QueryError("There is nothing to fuse.", "Give two retrievers or more.")
    return Fused(tuple(retrievers), method or ReciprocalRank())
