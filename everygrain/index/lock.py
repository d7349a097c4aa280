"""One writer at a time: a lock that the operating system frees when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from everygrain.errors import LockedError, StorageError


@contextmanager
def writing_alone(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the index's write lock.

    patience   seconds that another holder is waited for

    Raises LockedError if another process or thread holds it then.
    """
    path = folder / "write.lock"
    lock = FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        holder = _holder(folder)
        raise LockedError(
            f"Another process{holder} is writing to {folder}.",
            "Wait until it is done, or stop it; searching goes on meanwhile.",
        ) from None
    except OSError as error:
        raise StorageError(
            f"Cannot write to {folder} ({error.strerror}).",
            "Give write permission, or copy the index; nothing was changed.",
        ) from error
    try:
        _note(folder / "write.holder", str(os.getpid()))
        yield
    finally:
        lock.release()


def _note(path: Path, content: str) -> None:
    """Write a note that nothing depends on."""
    try:
        path.write_text(content, encoding="utf-8")
    except OSError:
        return


def _holder(folder: Path) -> str:
    try:
        return f" (process {int((folder / 'write.holder').read_text(encoding='utf-8'))})"
    except (OSError, ValueError):
        return ""
