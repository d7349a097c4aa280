"""A whole collection ranked by a cross-encoder that reads only some of it for each query.

Source: Efficient Nearest Neighbor Search for Cross-Encoder Models using Matrix Factorization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.document import Document, Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, PairScorer, Queries, Retriever, check_k, named
from everygrain.rank.cross import read, scored
from everygrain.rank.cur import Cur


@dataclass(frozen=True, eq=False)
class CurRetriever(Composable):
    """The whole collection ranked by a scorer that is asked `calls` times a query.

    documents   the items, in the order of the index's columns
    first       a retriever whose best are anchors and whose scores are a further row, or None
    """

    scorer: PairScorer
    documents: Sequence[Document]
    cur: Cur
    calls: int = 200
    first: Retriever | None = None

    def __post_init__(self) -> None:
        check_k(self.calls)
        if len(self.documents) != self.cur.index.items:
            raise QueryError(
                f"{len(self.documents)} documents for an index of {self.cur.index.items} items.",
                "Build the index from these documents.",
            )

    def __repr__(self) -> str:
        told = f"{self.scorer!r}, {self.cur!r}, calls={self.calls}"
        return f"CurRetriever({told}{f', first={self.first!r}' if self.first else ''})"

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        asked = named(queries)
        ids = [document.id for document in self.documents]
        places = {name: place for place, name in enumerate(ids)}
        found = self.first.retrieve(asked, self.calls).by_query() if self.first else {}
        rows: list[tuple[str, str, float]] = []
        for query, text in asked.items():

            def score(
                items: Sequence[int], query: str = query, text: str = text
            ) -> npt.NDArray[np.float32]:
                some = [self.documents[item] for item in items]
                return scored(
                    self.scorer, query, text, [d.id for d in some], [read(d) for d in some]
                )

            near = [(places[name], value) for name, value in found.get(query, []) if name in places]
            cheap = np.zeros(len(ids))
            for place, value in near:
                cheap[place] = value
            best = self.cur.search(
                score,
                k,
                self.calls,
                first=[place for place, _ in near],
                cheap=cheap if near else None,
            )
            rows += [
                (query, ids[item], float(value))
                for item, value in zip(best.items.tolist(), best.scores.tolist(), strict=True)
            ]
        return Ranking.of(list(asked), rows)
