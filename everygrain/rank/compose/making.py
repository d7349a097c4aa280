"""Makes what a composition names, for the newest generation of an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from everygrain.errors import QueryError
from everygrain.rank.base import Reranker, Retriever
from everygrain.rank.compose.parts import Value
from everygrain.rank.legs import Leg, Views
from everygrain.rank.lexical import BM25


@dataclass(frozen=True)
class Making:
    """The parts of an index.

    where   a filter on metadata that all legs obey, or None
    words   an index of the same documents without vectors, which lexical legs shall use
    typed   whether quotation marks in a query mean phrases
    """

    views: Views
    where: str | None = None
    words: Views | None = None
    typed: bool = False

    def leg(self, name: str, bm25: BM25 | None) -> Retriever:
        views = self.words if self.words is not None and name == "lexical" else self.views
        return Leg(views, name, self.where, bm25, self.typed)

    def stage(self, name: str, settings: Mapping[str, Value]) -> Reranker:
        raise QueryError(f"There is no stage '{name}'.", "Leave it out.")

    def around(self, name: str, retriever: Retriever, settings: Mapping[str, Value]) -> Retriever:
        raise QueryError(f"Nothing named '{name}' stands around a system.", "Leave it out.")
