"""Which documents of a collection cite which: read from their metadata.

A reference is a document's id, or its title, alone or as the "id", "_id" or "title" of an object.
References to what the collection does not hold are passed over; a document never cites itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.errors import InputError

KEYS = ("references", "citations", "cites")
CITED_BY = ("cited_by", "citing")
_TITLE_WORDS = 3  # a shorter title may be any word


def references(
    documents: Sequence[Document], keys: Sequence[str] = KEYS
) -> list[tuple[int | None, ...]]:
    """Return for each document the places of those that it lists, in the order of the list.

    None stands for what the collection lacks, so that "[3]" in a text still finds the third.
    Raises InputError where no document has a list under one of the keys.
    """
    places = {document.id: place for place, document in enumerate(documents)}
    titles: dict[str, int] = {}
    for place, document in enumerate(documents):
        words = of_text(document.title)
        if len(words) >= _TITLE_WORDS:
            titles.setdefault(" ".join(words), place)
    if not any(listed(document, keys) for document in documents):
        raise InputError(
            f"No document has a list of references under {_told(keys)}.",
            'Give {"references": [ids of documents of this collection]} as metadata.',
        )
    return [
        tuple(_place(each, places, titles) for each in listed(document, keys))
        for document in documents
    ]


def listed(document: Document, keys: Sequence[str]) -> list[Any]:
    """Return what the document lists under the keys; a number of citations is no list."""
    found: list[Any] = []
    for key in keys:
        value = document.metadata.get(key)
        if isinstance(value, list | tuple):
            found += value
    return found


def citers(documents: Sequence[Document], keys: Sequence[str] = CITED_BY) -> dict[str, list[int]]:
    """Return citing work -> the places of the documents that name it as citing them, rising.

    The citing works need not be of the collection.
    """
    found: dict[str, dict[int, None]] = {}
    for place, document in enumerate(documents):
        for identity in map(_identity, listed(document, keys)):
            if identity is not None:
                found.setdefault(identity, {})[place] = None
    return {work: list(places) for work, places in found.items()}


def cited(place: int, row: Sequence[int | None]) -> Iterator[int]:
    """Yield what a document cites, each once: not itself, not what the collection lacks."""
    yield from (other for other in dict.fromkeys(row) if other is not None and other != place)


def _identity(reference: Any) -> str | None:
    if isinstance(reference, dict):
        reference = next((reference[k] for k in ("id", "_id", "title") if reference.get(k)), None)
    if type(reference) is int:
        return str(reference)
    return reference if isinstance(reference, str) else None


def _place(reference: Any, places: dict[str, int], titles: dict[str, int]) -> int | None:
    names = [_identity(reference)]
    if isinstance(reference, dict) and isinstance(reference.get("title"), str):
        names.append(reference["title"])
    for name in names:
        if name is None:
            continue
        if name in places:
            return places[name]
        title = " ".join(of_text(name))
        if title in titles:
            return titles[title]
    return None


def _told(keys: Sequence[str]) -> str:
    return ", ".join(f"'{key}'" for key in keys)
