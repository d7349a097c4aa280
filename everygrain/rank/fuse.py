"""One ranking out of several.

`Weighted` is what `hybrid` uses: each leg's scores are divided by its best one for the query and
added with weights that sum to 1, a linear combination as in Bruch, Gai and Ingber, "An Analysis
of Fusion Functions for Hybrid Retrieval". `ReciprocalRank` needs no scores and no weights
(Cormack, Clarke and Buettcher, SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, Queries, Retriever, check_k, named


@dataclass(frozen=True)
class ReciprocalRank:
    """score(d) = sum over rankings of 1 / (constant + rank of d)."""

    constant: float = 60.0

    def combine(self, columns: Sequence[dict[str, float]]) -> dict[str, float]:
        """Combine one query's results, each document -> score in ranked order."""
        total: dict[str, float] = {}
        for column in columns:
            for rank, document in enumerate(column, 1):
                total[document] = total.get(document, 0.0) + 1 / (self.constant + rank)
        return total


@dataclass(frozen=True)
class Weighted:
    """score(d) = sum over rankings of weight * max(score of d, 0) / best score."""

    weights: tuple[float, ...]

    def combine(self, columns: Sequence[dict[str, float]]) -> dict[str, float]:
        """Combine one query's results; a document that a ranking lacks gets 0 from it."""
        if len(columns) != len(self.weights):
            raise QueryError(
                f"{len(self.weights)} weights were given for {len(columns)} rankings.",
                "Give one weight for each.",
            )
        total: dict[str, float] = {}
        for weight, column in zip(self.weights, columns, strict=True):
            best = max(column.values(), default=0.0)
            for document, score in column.items():
                part = weight * max(score, 0.0) / best if best > 0 else 0.0
                total[document] = total.get(document, 0.0) + part
        return total


def combine_scores(
    lexical: npt.NDArray[np.float32], dense: npt.NDArray[np.float32], weight: float
) -> npt.NDArray[np.float32]:
    """Combine complete score columns of the same documents: `Weighted` over arrays.

    weight   the dense leg's, in [0, 1]; the lexical leg gets the rest. A leg that found nothing
             leaves the whole weight to the other.
    """
    found = np.maximum(dense, 0)
    best_lexical, best_dense = lexical.max(initial=0.0), found.max(initial=0.0)
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
    method: ReciprocalRank | Weighted
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


def fuse(*retrievers: Retriever, method: ReciprocalRank | Weighted | None = None) -> Fused:
    """Fuse retrievers; plain reciprocal ranks if no method is given."""
    if len(retrievers) < 2:
        raise QueryError("There is nothing to fuse.", "Give two retrievers or more.")
    return Fused(tuple(retrievers), method or ReciprocalRank())
