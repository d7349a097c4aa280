"""Relevance feedback: words of the documents that a query finds first are added to the query.

The relevance model RM3 (Lavrenko and Croft, Relevance-Based Language Models, 2001; Abdul-Jaleel et
al., UMass at TREC 2004), with the documents weighed by the scores that found them. It needs no
language model and no judgements. The defaults did best on average over the odd queries of four
collections; on the even ones they found more within the first hundred (R@100 of cranfield +.034,
vaswani +.017), but of four only cranfield had better first ten (nDCG@10 +.020): they are for
candidates, see benchmarks/results/rank_expand.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from everygrain.document import Ranking
from everygrain.errors import QueryError
from everygrain.rank.base import Composable, Queries, Retriever, check_k, named
from everygrain.rank.expand.terms import Feedback, expanded
from everygrain.rank.legs import Leg


@dataclass(frozen=True, eq=False)
class RM3(Composable):
    """Searches twice: for words, and with them.

    leg         the lexical leg, or one that it is a part of: then only its words are added to,
                and the dense side is asked with the text as it came
    documents   of the first search whose words are taken
    terms       that are added at most
    original    share of the query's own words, 0 to 1; 1 is the leg itself
    mu          smoothing, as `everygrain.rank.expand.terms` has it
    first       the retriever of the first search; the leg itself where it is None
    """

    leg: Leg
    documents: int = 10
    terms: int = 30
    original: float = 0.7
    mu: float = 0.0
    first: Retriever | None = None

    def __post_init__(self) -> None:
        check_words(self.leg)
        self._feedback()

    def _feedback(self) -> Feedback:
        return Feedback(self.documents, self.terms, self.original, self.mu)

    def __repr__(self) -> str:
        told = f"{self.leg!r}, {self.documents}, {self.terms}, {self.original}"
        told += f", mu={self.mu}" if self.mu else ""
        told += f", first={self.first!r}" if self.first is not None else ""
        return f"RM3({told})"

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        return expanded(self.leg, self.first or self.leg, named(queries), self._feedback(), k)


def check_words(leg: Leg) -> None:
    """Raise QueryError for a leg that weighs no words."""
    if not isinstance(leg, Leg) or leg.system in ("dense", "xtr"):
        raise QueryError(
            f"{leg!r} weighs no words, so none can be added.",
            "Expand lexical, hybrid or rrf; or append text to the query.",
        )
