"""What adding documents does, told before it is done: which are new, changed, or here already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.index.catalogue import Catalogue
from everygrain.index.content import content_hash


@dataclass(frozen=True)
class Change:
    """What an addition did: ids by fate. `repeated` came twice in one batch; the last one won."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def compare(
    catalogue: Catalogue, documents: Sequence[Document]
) -> tuple[Change, dict[str, tuple[Document, bytes]]]:
    """Tell what adding documents would do, and return those that would be indexed, with hashes."""
    change = Change()
    latest: dict[str, Document] = {}
    for document in documents:
        if document.id in latest:
            change.repeated.append(document.id)
        latest[document.id] = document
    known = catalogue.places(list(latest))
    todo = {}
    for identity, document in latest.items():
        try:
            hashed = content_hash(document)
        except InputError as error:
            change.rejected.append((identity, str(error)))
            continue
        if identity not in known:
            change.added.append(identity)
        elif known[identity].hash == hashed:
            change.unchanged.append(identity)
            continue
        else:
            change.updated.append(identity)
        todo[identity] = (document, hashed)
    return change, todo
