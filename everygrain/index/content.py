"""What a document is, as the catalogue can store it: a hash that tells it from any other."""

from __future__ import annotations

import hashlib
import json

from everygrain.document import Document
from everygrain.errors import InputError

DEEPEST = 100  # SQLite reads JSON that is nested 1,000 deep at most
LARGEST = 900_000_000  # SQLite's rows hold 10**9 bytes at most

_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)
_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=False)
_PLAIN = {str, int, bool, type(None)}


def content_hash(document: Document) -> bytes:
    """Return the hash by which an unchanged document is known.

    Raises InputError for metadata that JSON cannot hold, and for a document that is too large.
    """
    try:
        metadata = document.metadata
        if not _is_flat(metadata):
            # read back, so that it is the same for what the catalogue will hold
            metadata = json.loads(_JSON.encode(metadata))
        told = _SORTED.encode(metadata).encode() if metadata else b"{}"
    except (TypeError, ValueError, RecursionError) as error:
        raise _unstorable(document, str(error)) from error
    if told.count(b"[") + told.count(b"{") > DEEPEST and _depth(metadata) > DEEPEST:
        raise _unstorable(document, f"it is nested more than {DEEPEST} deep")
    title, text = document.title.encode(), document.text.encode()
    if len(title) + len(text) + len(told) > LARGEST:
        raise InputError(
            f"The document '{document.id}' has more than {LARGEST:,} bytes.",
            "Divide it into several documents.",
        )
    hashed = hashlib.blake2b(digest_size=16)
    for part in (title, text, told):
        hashed.update(len(part).to_bytes(8, "little"))
        hashed.update(part)
    return hashed.digest()


def _is_flat(metadata: object) -> bool:
    """Tell whether reading metadata back from JSON would give it again: most often, it would."""
    return type(metadata) is dict and all(
        type(key) is str
        and (type(value) in _PLAIN or (type(value) is list and set(map(type, value)) <= _PLAIN))
        for key, value in metadata.items()
    )


def _unstorable(document: Document, why: str) -> InputError:
    return InputError(
        f"The metadata of '{document.id}' cannot be stored as JSON ({why}).",
        "Use text, finite numbers, booleans, lists and objects.",
    )


def _depth(value: object) -> int:
    """Return how many lists and objects lie in one another."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [x for each in level for x in (each.values() if isinstance(each, dict) else each)]
    return depth
