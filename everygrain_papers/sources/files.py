"""Batches of a file that is read from its beginning: unchanged files cost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from everygrain.errors import InputError
from everygrain_papers.sources.base import Batch, Cursor, Item

BATCH = 500  # items


def status_of(path: Path) -> list[int]:
    """Return size and time of a file. Raises InputError if it cannot be reached."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be read: {error.strerror or error}.",
            "Check its path and permissions.",
        ) from error
    return [status.st_size, status.st_mtime_ns]


def file_batches(path: Path, items: Iterable[Item], cursor: Cursor | None) -> Iterator[Batch]:
    """Yield the items of a file from the cursor on; all of them if the file changed.

    The cursor counts the items that were given.
    """
    status = status_of(path)
    known = dict(cursor or {}) if cursor and cursor.get("file") == status else {}
    given = int(known.get("given", 0))
    if known.get("whole"):
        yield Batch((), known, last=True)
        return
    rest = islice(items, given, None)
    while batch := tuple(islice(rest, BATCH)):
        given += len(batch)
        yield Batch(batch, {"file": status, "given": given})
    yield Batch((), {"file": status, "given": given, "whole": True}, last=True)
