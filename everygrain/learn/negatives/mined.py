"""Negatives from a batch, and negatives mined by any retriever from a band of ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.negatives.control import Control, screened
from everygrain.learn.pairs.base import Pair
from everygrain.rank.base import Retriever

_AT_ONCE = 500


@dataclass(frozen=True)
class InBatch:
    """No negatives but the other pairs' positives."""

    def find(self, pairs: Sequence[Pair], documents: Sequence[Document]) -> Negatives:
        return Negatives(((),) * len(pairs))


@dataclass(frozen=True)
class Mined:
    """The documents that a retriever ranks high for a query and that nothing speaks for.

    retriever            finds for the pairs' queries
    from_rank, to_rank   the band, both ends included, from 1; the first ranks hold most of the
                         unknown answers
    most                 negatives of a pair at most, at least 1, the highest of the band first
    control              what is known against false negatives

    Raises InputError for a band or a number that holds nothing.
    """

    retriever: Retriever
    from_rank: int = 1
    to_rank: int = 50
    most: int = 5
    control: Control = field(default_factory=Control)

    def __post_init__(self) -> None:
        if not 1 <= self.from_rank <= self.to_rank or self.most < 1:
            raise InputError(
                f"{self.most} negatives of the ranks {self.from_rank} to {self.to_rank}.",
                "Use 1 <= from_rank <= to_rank, and 1 negative or more.",
            )

    def find(self, pairs: Sequence[Pair], documents: Sequence[Document]) -> Negatives:
        candidates, positives = [], []
        for pair, found in zip(pairs, retrieved(self.retriever, pairs, self.to_rank), strict=True):
            candidates.append(found[self.from_rank - 1 :])
            positives.append(score_of(pair.positive_id, found))
        return screened(pairs, candidates, positives, documents, self.control, self.most)


def retrieved(
    retriever: Retriever, pairs: Sequence[Pair], depth: int
) -> Iterator[list[tuple[str, float]]]:
    """Yield for each pair (document id, score), best first, at most `depth` of them.

    A query that many pairs share is asked once in a run of pairs.
    """
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        names = {query: str(i) for i, query in enumerate(dict.fromkeys(p.query for p in some))}
        found = retriever.retrieve({name: query for query, name in names.items()}, depth)
        by_query = found.by_query()
        for pair in some:
            yield by_query.get(names[pair.query], [])[:depth]


def score_of(identity: str, found: Sequence[tuple[str, float]]) -> float:
    """Return a document's score; NaN where it was not found."""
    return next((score for document, score in found if document == identity), float("nan"))
