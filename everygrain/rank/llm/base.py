"""A language model as a reranker: what pairwise, listwise and setwise have in common.

The model decides; what it does not decide - for a reply that cannot be read, a service that fails,
a budget that is spent - stays in the retriever's order, is counted, and loses no document.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np

from everygrain.document import Ranking
from everygrain.endpoint import Answerer, Budget, Completion
from everygrain.errors import ModelError, QueryError
from everygrain.rank.base import Fetch, Queries, check_asked, named
from everygrain.rank.llm.asking import Asker, Plan
from everygrain.rank.llm.prompts import shown, shown_query
from everygrain.rank.llm.spent import Prices, Spent


@dataclass(frozen=True)
class Ranked:
    """A ranking, and what it cost."""

    ranking: Ranking
    spent: Spent


@dataclass(frozen=True, repr=False)
class LanguageModelReranker:
    """Orders the first documents of each query by asking a language model.

    endpoint     an Endpoint; behind a CachedEndpoint nothing is paid for twice
    fetch        documents by id, as `Index.fetch` gives them
    depth        how many of each query's results are ranked; the others follow below
    characters   of each text that the model is shown, title included
    budget       what may be spent in this reranker's life
    prices       money for a million tokens; without them no money is told
    at_once      requests at the same time
    patience     requests in a row that fail, after which the rest stays undecided
    needed       raise ModelError where the model decided nothing at all: an experiment must not
                 measure the retriever under another name
    spent        all that was spent so far; `rank` returns what it spent itself

    The new scores are n, n - 1, ... 1: only the order is the model's. A result that is a span is
    judged by the span's text. Raises QueryError for a setting that is out of range.
    """

    endpoint: Answerer
    fetch: Fetch = field(repr=False, compare=False)
    depth: int = field(default=100, kw_only=True)
    characters: int = field(default=1_000, kw_only=True)
    budget: Budget = field(default=Budget(), kw_only=True)
    prices: Prices | None = field(default=None, kw_only=True)
    at_once: int = field(default=1, kw_only=True)
    patience: int = field(default=3, kw_only=True)
    needed: bool = field(default=False, kw_only=True)
    spent: Spent = field(default_factory=Spent, init=False, repr=False, compare=False)

    LEAST: ClassVar[dict[str, int]] = {"depth": 1, "characters": 1, "at_once": 1, "patience": 1}

    def __post_init__(self) -> None:
        for name, least in self.LEAST.items():
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise QueryError(
                    f"{name} = {value!r} makes no sense.", f"Give a whole number from {least}."
                )
        if self.budget.money is not None and self.prices is None:
            raise QueryError(
                "A budget in money was given, but no prices.",
                "Give prices=Prices(prompt, completion), in money for a million tokens.",
            )

    def __repr__(self) -> str:
        told = [repr(self.endpoint)]
        for each in fields(self)[2:]:
            value = getattr(self, each.name)
            if each.repr and value != each.default:
                told.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(told)})"

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        """Return the same rows in the model's order; what was spent is added to `spent`.

        A remark is logged where something was left undecided.
        """
        ranked = self.rank(queries, ranking)
        if ranked.spent.undecided:
            logging.getLogger("everygrain.rank.llm").warning(
                "The language model did not decide all; the retriever's order stands for the "
                "rest (%s).",
                ranked.spent,
            )
        return ranked.ranking

    def rank(self, queries: Queries, ranking: Ranking) -> Ranked:
        """Return the same rows in the model's order, with what that cost.

        Raises QueryError for a ranking of queries that are not given, and ModelError where the
        model is `needed` and decided nothing.
        """
        asked, spent = named(queries), Spent()
        check_asked(asked, ranking)
        places: dict[str, list[int]] = {query: [] for query in ranking.queries}
        for row, query in enumerate(ranking.query_ids):
            places[query].append(row)
        asker = self._asker(spent)
        plans = (self._query_plan(asked[q], ranking, rows, spent) for q, rows in places.items())
        try:
            orders = asker.carry_out(plans)
        finally:
            self.spent.add(spent)
        if self.needed and spent.decisions and spent.undecided == spent.decisions:
            raise ModelError(
                f"The language model decided nothing ({spent}).",
                "Try one question by hand; then mend the endpoint or use another model.",
            )
        return Ranked(_in_order(ranking, orders), spent)

    def _asker(self, spent: Spent) -> Asker:
        return Asker(
            self.endpoint,
            spent,
            budget=self.budget,
            before=self.spent,
            prices=self.prices,
            at_once=self.at_once,
            patience=self.patience,
        )

    def _query_plan(
        self, query: str, ranking: Ranking, rows: list[int], spent: Spent
    ) -> Plan[list[int]]:
        """Order the rows of one query; texts are fetched when its turn comes."""
        head, rest = rows[: self.depth], rows[self.depth :]
        documents = self.fetch([ranking.document_ids[row] for row in head])
        texts: dict[int, str] = {}
        for row in head:
            document = documents.get(ranking.document_ids[row])
            if document is None:  # deleted since it was found
                continue
            text = document.text
            if ranking.starts is not None and ranking.ends is not None:
                text = text[ranking.starts[row] : ranking.ends[row]]
            if document.title and not text.startswith(document.title):
                text = f"{document.title}. {text}"
            texts[row] = shown(text, self.characters)
        gone = [row for row in head if row not in texts]
        if gone:
            spent.unusable["document is gone"] += len(gone)
        held = list(texts)
        order = yield from self.plan(shown_query(query), list(texts.values()), spent)
        return [*(held[place] for place in order), *gone, *rest]

    def plan(self, query: str, texts: Sequence[str], spent: Spent) -> Plan[list[int]]:
        """Yield questions, and return the places of the texts, best first."""
        raise NotImplementedError


def usable(completion: Completion | None, spent: Spent) -> Completion | None:
    """Return a completion with text in it; an empty one is counted and is None."""
    if completion is not None and not completion.text.strip() and not completion.logprobs:
        spent.unusable["empty"] += 1
        return None
    return completion


def _in_order(ranking: Ranking, orders: Sequence[Sequence[int]]) -> Ranking:
    rows = np.array([row for order in orders for row in order], dtype=np.int64)
    scores = np.array([len(o) - i for o in orders for i in range(len(o))], dtype=np.float32)
    return Ranking(
        ranking.queries,
        ranking.query_ids[rows],
        ranking.document_ids[rows],
        scores,
        None if ranking.starts is None else ranking.starts[rows],
        None if ranking.ends is None else ranking.ends[rows],
        {name: column[rows] for name, column in ranking.legs.items()},
    )
