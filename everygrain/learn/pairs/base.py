"""What a source of training pairs is: documents in, pairs that say where they came from out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from everygrain.document import Document


@dataclass(frozen=True, slots=True)
class Pair:
    """A text that asks, and a text that answers it.

    query         what is asked
    positive      what should be found, without the words that the query was taken from
    source        the source's name, as it prints
    query_id      id of the document that the query was taken from
    positive_id   id of the document that the positive was taken from
    """

    query: str
    positive: str
    source: str
    query_id: str
    positive_id: str


@runtime_checkable
class PairSource(Protocol):
    """Makes pairs from a collection. A source is a frozen value that prints as it is written.

    name   the source and its settings, such as "cloze" or "cloze(seed=1)"

    The pairs follow from the documents and the settings alone, in the order of the documents. A
    document that can give no pair gives none; the callers count what came.
    """

    @property
    def name(self) -> str: ...

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        """Yield the pairs of documents.

        Raises InputError where the source needs something that no document has, naming it.
        """
