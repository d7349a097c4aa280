"""Makes what a composition names, for the newest generation of an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from everygrain.document import Document
from everygrain.errors import QueryError
from everygrain.index.masks import Filter
from everygrain.rank.base import Reranker, Retriever
from everygrain.rank.compose.forms import AROUND, STAGES
from everygrain.rank.compose.learned import Fitted, Sinkhorn, made
from everygrain.rank.compose.parts import Value
from everygrain.rank.legs import Leg, Views
from everygrain.rank.lexical import BM25

if TYPE_CHECKING:
    from everygrain.endpoint import CachedEndpoint


@dataclass(frozen=True)
class Making:
    """The parts of an index.

    where   a filter that all legs obey, or None
    plain   an index of the same documents without vectors, which lexical legs shall use
    typed   whether quotation marks in a query mean phrases
    """

    views: Views
    where: Filter | None = None
    plain: Views | None = None
    typed: bool = False

    def leg(self, name: str, bm25: BM25 | None) -> Retriever:
        views = self.plain if self.plain is not None and name == "lexical" else self.views
        return Leg(views, name, self.where, bm25, self.typed)

    def stage(self, name: str, settings: Mapping[str, Value]) -> Reranker:
        stage: Reranker = STAGES[name].make(self, settings)
        return stage

    def around(self, name: str, retriever: Retriever, settings: Mapping[str, Value]) -> Retriever:
        around: Retriever = AROUND[name].make(self, retriever, settings)
        return around

    def learned(
        self, method: Sinkhorn | Fitted, retrievers: Sequence[Retriever], parts: Sequence[str]
    ) -> Retriever:
        with self.views.newest() as view:
            return made(view, retrievers, method, parts)

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return documents by id; an id that is not in the index is left out."""
        with self.views.newest() as view:
            return view.store.catalogue.fetch(list(ids))

    def endpoint(self, model: str) -> CachedEndpoint:
        """Return the language model of a name MODEL@URL; its answers are kept in the user's cache.

        Raises QueryError for a name without an address, ModelError for an address that is none.
        """
        from everygrain.encode.cache import cache_folder
        from everygrain.endpoint import CachedEndpoint, Endpoint

        name, at, url = model.partition("@")
        if not (name and at and url):
            raise QueryError(
                f"'{model}' is no language model.",
                "Name it and its address: model='NAME@http://127.0.0.1:8080/v1'.",
            )
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        return CachedEndpoint(Endpoint(url, name), folder / "completions.db")
