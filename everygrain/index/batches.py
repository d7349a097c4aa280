"""How many documents go into one commit: at most 20,000, or about half a minute of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import TypeVar

from everygrain.document import Document
from everygrain.encode.base import Encoder, FittedEncoder
from everygrain.encode.words.base import BagEncoder
from everygrain.errors import InputError, QueryError

T = TypeVar("T")

BATCH = 20_000
SECONDS_A_BATCH = 30.0


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most `size` items, sooner where the source takes its time."""
    batch, begun = list[T](), monotonic()
    for item in items:
        batch.append(item)
        if len(batch) >= size or monotonic() - begun > SECONDS_A_BATCH / 2:
            yield batch
            batch, begun = [], monotonic()
    if batch:
        yield batch


def pieces(
    batch: list[Document], encoder: Encoder | None, words: BagEncoder | None = None
) -> Iterator[list[Document]]:
    """Yield a batch in pieces that take about thirty seconds each to encode."""
    fast = words is None and (encoder is None or isinstance(encoder, FittedEncoder))
    size = len(batch) if fast else 64
    start = 0
    while start < len(batch):
        begun = monotonic()
        yield batch[start : start + size]
        start += size
        took = max(monotonic() - begun, 1e-3)
        size = max(32, min(len(batch), int(size * SECONDS_A_BATCH / took), 4 * size))


def documents_of(given: Iterable[Document]) -> Iterator[Document]:
    """Yield documents as they come. Raises InputError, naming the place, for anything else."""
    if isinstance(given, Document | str | bytes | Path) or not isinstance(given, Iterable):
        what = "one Document" if isinstance(given, Document) else repr(given)[:80]
        raise InputError(
            f"add was given {what}, not a list of documents.",
            "Write add([document]); read_documents(path) reads files.",
        )
    return _checked(given)


def ids_of(given: Iterable[str]) -> list[str]:
    """Return ids as a list. Raises QueryError for one id, and for what is no list of texts."""
    if isinstance(given, str):
        raise QueryError(f"'{given}' is one id, not a list of ids.", f"Write [{given!r}].")
    if not isinstance(given, Iterable):
        raise QueryError(f"{given!r} is no list of ids.", 'Give a list of texts: ["a", "b"].')
    ids = list(given)
    for each in ids:
        if not isinstance(each, str):
            raise QueryError(f"The id {each!r:.80} is no text.", "Give ids as they were added.")
    return ids


def _checked(given: Iterable[Document]) -> Iterator[Document]:
    for place, document in enumerate(given):
        if not isinstance(document, Document):
            raise InputError(
                f"Number {place} of the documents is {type(document).__name__}, not a Document.",
                "Make one: Document(id, text, title, metadata).",
            )
        yield document
