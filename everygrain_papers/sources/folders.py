"""A folder of files of papers: a snapshot in parts, a baseline with updates, several libraries."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.sources.base import Batch, Cursor, OnReject, Reject, Source, logged
from everygrain_papers.sources.files import status_of

_BESIDE = frozenset(("manifest", "readme", "license", "checksums"))  # what snapshots come with


@dataclass(frozen=True)
class FileFolder:
    """All files in a folder and the folders in it, one after the other in the order of their paths.

    source_of   how one file is read; raises InputError for what is no file of papers

    Each file is read once, and again when its size or time changes; an interruption costs no file
    that was read whole. A file that vanishes takes no papers with it: snapshots are divided anew
    from time to time.
    Raises InputError for what is no folder.
    """

    path: Path
    source_of: Callable[[Path], Source] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise InputError(f"'{self.path}' is no folder.", "Name a folder of files of papers.")

    @property
    def name(self) -> str:
        return f"files {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield what the files hold; a file that cannot be read is a reject, told once."""
        reject = reject or logged
        told: dict[str, Any] = dict(cursor or {})
        before = set(told.get("done", ()))
        done: list[str] = []  # short, since it is kept with every batch
        for relative, path in files_in(self.path):
            try:
                state = _state(relative, path)
                if state not in before:
                    inner = told.get("cursor") if told.get("file") == relative else None
                    for batch in self.source_of(path).batches(inner, reject):
                        known = {"done": [*before, *done], "file": relative}
                        yield Batch(batch.items, known | {"cursor": dict(batch.cursor)})
            except InputError as error:
                reject(Reject(str(path), str(error)))
            done.append(state)
        yield Batch((), {"done": done}, last=True)


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield files as (path within the folder, path), without hidden ones and what snapshots are
    told by."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().partition(".")[0] not in _BESIDE:
                path = Path(here, name)
                yield path.relative_to(folder).as_posix(), path


def _state(relative: str, path: Path) -> str:
    """Return 48 bits of a file's name, size and time."""
    told = f"{relative}\t{status_of(path)}"
    return hashlib.blake2b(told.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
