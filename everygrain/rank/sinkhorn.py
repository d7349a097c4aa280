"""Fusion in which no document may win every query: Sinkhorn-Knopp on each scorer, then a sum.

Every scorer (a leg, or one grain: document, passage, sentence) gives a matrix S of n queries x m
documents. Rows and columns of exp(S / t) are scaled in turn until each query gives away a total
of 1 and each document receives n / m of it:

    P[q, d] = u[q] exp(S[q, d] / t) v[d]      sum over d of P[q, d] = 1
                                              sum over q of P[q, d] = n / m
    score(q, d) = sum over scorers of weight * (S[q, d] + t log v[d])

t log P is S with one number added for each query and one for each document; the query's own does
not change its order, so what is added up is S and the document's bias t log v[d], which is low for
a document that all queries like.

This is transductive: the bias comes from a batch of queries, and the same query in another batch
may find another order. For one query at a time give a bank: pseudo-queries of the collection (see
`everygrain.rank.weigh`), whose biases then hold for every query, alone or not. A bias is learned
from what the bank found; a document that no query of it found has the bias of one that all rank
last. Fewer than 20 queries without a bank are refused.

Source: Unified Coarse-to-Fine Alignment for Video-Text Retrieval. The scorers' weights are learned
there, and its similarities are learned aggregations of frames and words; here the weights are
given, and grains of text come from `everygrain.rank.grains`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, Queries, Retriever, check_k, named
from everygrain.rank.fuse import Weights, check_weights, least_is_zero

Floats = npt.NDArray[np.float64]

TEMPERATURE = 0.1
FEWEST = 20  # queries in a batch: of one alone, all documents would get the same
_LARGEST = 2**27  # cells of one scorer's matrix: 1 GiB


def sinkhorn(
    similarities: npt.ArrayLike,
    temperature: float = TEMPERATURE,
    *,
    tolerance: float = 1e-4,
    iterations: int = 500,
) -> tuple[Floats, Floats, Floats]:
    """Scale a matrix of similarities to equal rows and equal columns.

    similarities   (n, m) finite
    temperature    t > 0, in the unit of the similarities
    tolerance      the largest relative error of a column's sum at which to stop
    iterations     the most rounds; rows sum to 1 wherever it stops

    Returns (P (n, m), log u (n,), log v (m,)).
    Raises QueryError for a matrix that is empty or not finite, and a temperature that is not
    above 0.
    """
    matrix = np.asarray(similarities, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
        raise QueryError(
            f"Similarities of shape {matrix.shape} cannot be scaled.",
            "Give a matrix of numbers, one row for each query.",
        )
    if not temperature > 0:
        raise QueryError(f"temperature = {temperature} makes no sense.", "Use one above 0.")
    logits = matrix / temperature
    peaks = logits.max(axis=1)
    kernel = np.exp(logits - peaks[:, None])
    share = matrix.shape[0] / matrix.shape[1]
    scaled_columns = np.ones(matrix.shape[1])
    scaled_rows = 1 / (kernel @ scaled_columns)
    for _ in range(iterations):
        received = scaled_rows @ kernel
        if not received.all():
            raise QueryError(
                f"temperature = {temperature} is too low: some document is worth nothing to any "
                "query beside its best ones.",
                "Use a higher one.",
            )
        if np.abs(scaled_columns * received / share - 1).max() <= tolerance:
            break
        scaled_columns = share / received
        scaled_rows = 1 / (kernel @ scaled_columns)
    chances = scaled_rows[:, None] * kernel * scaled_columns
    return chances, np.log(scaled_rows) - peaks, np.log(scaled_columns)


@dataclass(frozen=True)
class Biases:
    """What one scorer adds to each document's similarity: t log v, 0 on average over documents.

    of        document id -> bias
    unseen    the bias of a document that no query found
    """

    of: Mapping[str, float]
    unseen: float

    @classmethod
    def learn(
        cls, columns: Sequence[Mapping[str, float]], temperature: float = TEMPERATURE
    ) -> Biases:
        """Learn the biases from what a scorer found for a batch of queries, scores in [0, 1].

        A document that a query did not find has the similarity 0 to it.
        Raises QueryError where the matrix would pass 1 GiB.
        """
        documents = {d: i for i, d in enumerate(dict.fromkeys(d for c in columns for d in c))}
        asked = [column for column in columns if column]
        if not asked:
            return cls({}, 0.0)
        if len(asked) * (len(documents) + 1) > _LARGEST:
            raise QueryError(
                f"{len(asked):,} queries x {len(documents):,} documents are too many at once.",
                "Ask fewer queries at a time, or give a bank of some hundred.",
            )
        matrix = np.zeros((len(asked), len(documents)))
        for row, column in enumerate(asked):
            matrix[row, [documents[d] for d in column]] = list(column.values())
        _, rows, scaled = sinkhorn(matrix, temperature)
        mean = float(scaled.mean())
        # a column of zeros more would receive the sum of u
        unseen = np.log(len(asked) / len(documents)) - float(logsumexp(rows))
        biases = temperature * (scaled - mean)
        return cls(
            dict(zip(documents, biases.tolist(), strict=True)), temperature * (unseen - mean)
        )


@dataclass(frozen=True)
class Bank:
    """Biases of each retriever, in the order of the retrievers, learned once from some queries.

    queries   how many
    """

    biases: tuple[Biases, ...] = field(repr=False)
    queries: int

    @classmethod
    def learn(
        cls,
        retrievers: Sequence[Retriever],
        queries: Queries,
        *,
        temperature: float = TEMPERATURE,
        depth: int = 100,
    ) -> Bank:
        """Ask retrievers the queries of a bank, at best pseudo-queries of the collection."""
        asked = named(queries)
        return cls(
            tuple(Biases.learn(_scaled(r, asked, depth), temperature) for r in retrievers),
            len(asked),
        )


@dataclass(frozen=True, eq=False)
class SinkhornFused(Composable):
    """The retriever that `sinkhorn_fuse` makes.

    weights       one for each retriever; all 1 if there are none
    temperature   t > 0; scores are scaled to [0, 1] for each query first, the least to 0
    bank          where the biases come from; from the queries asked together, if None
    """

    retrievers: tuple[Retriever, ...]
    weights: Weights = ()
    temperature: float = TEMPERATURE
    bank: Bank | None = None
    depth: int = 100

    def __post_init__(self) -> None:
        check_weights(self.weights)
        wanted = [len(self.weights)] if self.weights else []
        wanted += [len(self.bank.biases)] if self.bank else []
        for count in wanted:
            if count != len(self.retrievers):
                raise QueryError(
                    f"{count} weights or biases were given for {len(self.retrievers)} retrievers.",
                    "Give one for each.",
                )

    def __repr__(self) -> str:
        told = [repr(each) for each in self.retrievers]
        told += [f"weights={self.weights!r}"] if self.weights else []
        told += [] if self.temperature == TEMPERATURE else [f"temperature={self.temperature}"]
        told += [f"bank={self.bank!r}"] if self.bank else []
        told += [] if self.depth == 100 else [f"depth={self.depth}"]
        return f"sinkhorn_fuse({', '.join(told)})"

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        asked = named(queries)
        if self.bank is None and len(asked) < FEWEST:
            raise QueryError(
                f"{len(asked)} queries are too few to learn from what a document gets of them.",
                f"Ask {FEWEST} or more together, or give a bank of pseudo-queries.",
            )
        total: list[dict[str, float]] = [{} for _ in asked]
        scored = [_scaled(r, asked, max(k, self.depth)) for r in self.retrievers]
        weights = self.weights or (1.0,) * len(scored)
        for i, (weight, columns) in enumerate(zip(weights, scored, strict=True)):
            learned = self.bank.biases[i] if self.bank else Biases.learn(columns, self.temperature)
            for row, column in enumerate(columns):
                # a document that only another scorer found stands last here, with its bias
                for document in dict.fromkeys(d for other in scored for d in other[row]):
                    fair = column.get(document, 0.0) + learned.of.get(document, learned.unseen)
                    total[row][document] = total[row].get(document, 0.0) + weight * fair
        rows = [
            (query, document, score)
            for query, column in zip(asked, total, strict=True)
            for document, score in column.items()
        ]
        return Ranking.of(list(asked), rows).cut(k)


def sinkhorn_fuse(
    *retrievers: Retriever,
    weights: Weights = (),
    temperature: float = TEMPERATURE,
    bank: Bank | None = None,
) -> SinkhornFused:
    """Fuse retrievers, or the grains of one, under equal shares for all documents."""
    if not retrievers:
        raise QueryError("There is nothing to fuse.", "Give a retriever or more.")
    return SinkhornFused(tuple(retrievers), weights, temperature, bank)


def _scaled(retriever: Retriever, asked: Mapping[str, str], depth: int) -> list[dict[str, float]]:
    found = retriever.retrieve(asked, depth).by_query()
    return [least_is_zero(dict(found[query])) for query in asked]
