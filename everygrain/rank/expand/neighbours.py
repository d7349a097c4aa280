"""Title-to-text nearest neighbours: words of the texts whose titles are like the query.

A title is a short text that somebody wrote for a long one, as a query is: titles near to a query
are examples of how its words go over into those of texts. P(d) of `everygrain.rank.expand.terms` is
how near a document's title is to the query, and P(w | d) is of its text alone. The defaults were
chosen as those of RM3: they helped cranfield (nDCG@10 +.021, R@100 +.022) and changed the others by
no more than chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from everygrain.document import Ranking
from everygrain.rank.base import Composable, Queries, Retriever, check_k, named
from everygrain.rank.expand.feedback import check_words
from everygrain.rank.expand.terms import Feedback, expanded
from everygrain.rank.legs import Leg


@dataclass(frozen=True, eq=False)
class Neighbours(Composable):
    """Searches titles, and then with the words of their texts.

    leg         as that of RM3
    documents   whose titles are nearest
    terms       that are added at most
    original    share of the query's own words, 0 to 1; 1 is the leg itself
    first       what finds the titles; BM25 over titles alone where it is None. A collection
                without titles leaves the query as it is
    """

    leg: Leg
    documents: int = 5
    terms: int = 30
    original: float = 0.85
    first: Retriever | None = None

    def __post_init__(self) -> None:
        check_words(self.leg)
        self._feedback()

    def _feedback(self) -> Feedback:
        return Feedback(self.documents, self.terms, self.original, title=False)

    def __repr__(self) -> str:
        told = f"{self.leg!r}, {self.documents}, {self.terms}, {self.original}"
        told += f", first={self.first!r}" if self.first is not None else ""
        return f"Neighbours({told})"

    def titles(self) -> Retriever:
        """Return what finds the titles."""
        if self.first is not None:
            return self.first
        with self.leg.views.newest() as view:
            bm25 = self.leg.bm25 or view.bm25
        return replace(self.leg, system="lexical", bm25=replace(bm25, title=1.0, text=0.0))

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        return expanded(self.leg, self.titles(), named(queries), self._feedback(), k)
