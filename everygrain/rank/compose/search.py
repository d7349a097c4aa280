"""One typed query through a composition, with what each of its parts said of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from everygrain.document import Ranking
from everygrain.rank.base import Composable, Queries, Reranker, Retriever
from everygrain.rank.compose.learned import Fitted, Sinkhorn
from everygrain.rank.compose.making import Making
from everygrain.rank.compose.parts import Composition, Parts, Value
from everygrain.rank.cutoff.base import Cutoff, Verdict
from everygrain.rank.found import Found
from everygrain.rank.legs import View
from everygrain.rank.lexical import BM25

if TYPE_CHECKING:
    from everygrain.rank.llm.spent import Spent


@dataclass(frozen=True)
class Composed:
    """What a composition found for one query.

    verdict   of the last cut-off in it, if there is one
    spent     by the language models in it; None without any
    """

    found: Found
    verdict: Verdict | None = None
    spent: Spent | None = None


def find(composition: Composition, making: Making, view: View, query: str, k: int) -> Composed:
    """Search with a composition; its legs read the query as a person types it, with phrases.

    view   the generation that is being read; what is found comes from it

    The legs of what is found are the parts of the composition: rank and score that each gave a
    document, rank 0 where it did not return it.
    """
    trace = Tracing(replace(making, typed=True))
    ranking = composition.build(trace).retrieve({query: query}, k)  # so that errors show it
    rows = ranking.by_query()[query]
    ids = [document for document, _ in rows]
    at = view.store.catalogue.places(ids)
    numbers = [view.snapshot.number_at(at[each].segment, at[each].place) for each in ids]
    legs = {part: [said.get(document, (0, 0.0)) for document in ids]
            for part, said in trace.said.items()}  # fmt: skip
    scores = np.array([score for _, score in rows], dtype=np.float32)
    found = Found(np.array(numbers, dtype=np.int64), scores, ids, legs)
    return Composed(found, trace.verdicts[-1] if trace.verdicts else None, trace.spent())


@dataclass(frozen=True)
class Tracing:
    """Parts that note what they return for the one query, and what cut-offs say of it.

    said     part -> document -> its rank and score; a part that is there twice gets a number
    asking   the parts that ask a language model, each with what it `spent`
    """

    parts: Parts
    said: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    asking: list[Any] = field(default_factory=list)

    def spent(self) -> Spent | None:
        """Return what the parts that ask a language model have spent together."""
        if not self.asking:
            return None
        from everygrain.rank.llm.spent import Spent  # its package brings the client of services

        total = Spent()
        for each in self.asking:
            total.add(each.spent)
        return total

    def leg(self, name: str, bm25: BM25 | None) -> Retriever:
        return NotedRetriever(self.parts.leg(name, bm25), self._new(name))

    def stage(self, name: str, settings: Mapping[str, Value]) -> Reranker:
        made = self.parts.stage(name, settings)
        self._note_asking(made)
        return NotedReranker(made, self._new(name), self.verdicts)

    def around(self, name: str, retriever: Retriever, settings: Mapping[str, Value]) -> Retriever:
        inner = retriever
        if isinstance(retriever, NotedRetriever):  # it is asked in another way: not to be told
            inner = retriever.retriever
            for part in [part for part, said in self.said.items() if said is retriever.said]:
                del self.said[part]
        made = self.parts.around(name, inner, settings)
        self._note_asking(made)
        return NotedRetriever(made, self._new(name))

    def _note_asking(self, made: object) -> None:
        if hasattr(made, "spent"):
            self.asking.append(made)

    def learned(
        self, method: Sinkhorn | Fitted, retrievers: Sequence[Retriever], parts: Sequence[str]
    ) -> Retriever:
        return self.parts.learned(method, retrievers, parts)

    def _new(self, name: str) -> dict[str, tuple[int, float]]:
        number = 1
        while (key := name if number == 1 else f"{name} {number}") in self.said:
            number += 1
        return self.said.setdefault(key, {})


def _note(ranking: Ranking, said: dict[str, tuple[int, float]]) -> Ranking:
    said.clear()  # of what was asked to learn from
    for rows in ranking.by_query().values():
        said.update({d: (rank, score) for rank, (d, score) in enumerate(rows, 1)})
    return ranking


@dataclass(frozen=True, eq=False)
class NotedRetriever(Composable):
    """A retriever whose results are noted."""

    retriever: Retriever
    said: dict[str, tuple[int, float]]

    def __repr__(self) -> str:
        return repr(self.retriever)

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        return _note(self.retriever.retrieve(queries, k), self.said)


@dataclass(frozen=True, eq=False)
class NotedReranker:
    """A reranker whose results are noted."""

    reranker: Reranker
    said: dict[str, tuple[int, float]]
    verdicts: list[Verdict]

    def __repr__(self) -> str:
        return repr(self.reranker)

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        if isinstance(self.reranker, Cutoff):
            self.verdicts.extend(self.reranker.verdicts(queries, ranking).values())
        return _note(self.reranker.rerank(queries, ranking), self.said)
