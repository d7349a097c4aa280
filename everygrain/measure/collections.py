"""What systems are compared on: queries, judgements and documents, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from everygrain.document import Document
from everygrain.errors import MeasureError

NAMED = 20


@dataclass(frozen=True, eq=False)
class Collection:
    """A test collection. Only queries that have judgements are scored.

    name         as tables print it
    queries      query id -> text; may hold queries without judgements
    judgements   query id -> document id -> grade (a whole number; above 0 is relevant)
    documents    a call gives the documents once more, from the start
    """

    name: str
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]
    documents: Callable[[], Iterator[Document]]

    @property
    def scored_queries(self) -> dict[str, str]:
        """Return the queries that have judgements: id -> text, in the order of `queries`."""
        return {query: text for query, text in self.queries.items() if self.judgements.get(query)}

    def validate(self, ids: Iterable[str] | None = None) -> Validation:
        """Compare judgements with queries and documents.

        ids   the ids of the corpus, where they are known; else all documents are read
        """
        known = set(ids) if ids is not None else {document.id for document in self.documents()}
        missing: dict[str, None] = {}
        for grades in self.judgements.values():
            missing.update(dict.fromkeys(document for document in grades if document not in known))
        scored = [query for query, grades in self.judgements.items() if grades]
        return Validation(
            self.name,
            tuple(missing),
            tuple(query for query in scored if query not in self.queries),
            tuple(query for query in scored if max(self.judgements[query].values()) <= 0),
            len(scored),
        )


@dataclass(frozen=True)
class Validation:
    """What is wrong with a collection. Every such id keeps counting; none is dropped.

    missing_documents   judged, but not in the corpus: no system can find them
    unknown_queries     judged, but without a text: they count as zero for every system
    without_relevant    judged, but nothing is relevant: they count as zero for every system
    scored              number of queries with judgements
    """

    name: str
    missing_documents: tuple[str, ...]
    unknown_queries: tuple[str, ...]
    without_relevant: tuple[str, ...]
    scored: int

    def messages(self) -> list[str]:
        """Return one sentence for each kind of fault: the count and the first 20 ids."""
        kinds = (
            (self.missing_documents, "Judged, but not in the corpus"),
            (self.unknown_queries, "Judged, but not among the queries"),
            (self.without_relevant, "Judged, but without a relevant document"),
        )
        found = [f"{what}: {_named(ids)}." for ids, what in kinds if ids]
        return found if self.scored else [*found, "There is no judgement at all."]

    def require(self) -> None:
        """Raise MeasureError, naming them, if ids are unknown or nothing is judged.

        A query without a relevant document is no error: it is zero for every system.
        """
        if self.missing_documents or self.unknown_queries or not self.scored:
            raise MeasureError(
                f"The collection '{self.name}' does not fit together. {' '.join(self.messages())}",
                "Use the queries, judgements and corpus of one release.",
            )


def _named(ids: tuple[str, ...]) -> str:
    listed = ", ".join(ids[:NAMED])
    return f"{len(ids):,} ({listed}{', ...' if len(ids) > NAMED else ''})"
