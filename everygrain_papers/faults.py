"""What goes wrong with a SQLite file, told with a remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from everygrain.errors import EverygrainError, LockedError, StorageError, StoredIndexError

RESTORE = "Restore it from a copy, or move it away: a new one is made then."


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file into an error with a remedy.

    A violated constraint (sqlite3.IntegrityError) and a wrong statement (ProgrammingError) stay as
    they are, for whoever wrote the statement.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise _told(error, path) from error
    except UnicodeDecodeError as error:  # a text of a damaged file, or SQLite's message about it
        raise damaged(path, str(error)) from error


@contextmanager
def of_the_disk(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a file into an error with a remedy."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot use {path}: {error.strerror or error}.",
            "Check the disk and the permissions; everything stored before is kept.",
        ) from error


def _told(error: sqlite3.DatabaseError, path: Path) -> EverygrainError:
    code = int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageError(
            f"Cannot write to {path}: the disk is full.",
            "Free some space and try again; everything stored before is kept.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageError(
            f"Cannot use {path}: the file is missing, or may not be read and written.",
            "Give its owner permission to read and write the file and its folder.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"Cannot use {path}: the disk is full or reports an error ({error}).",
            "Check the disk and its free space; everything stored before is kept.",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LockedError(f"The file {path} is busy.", "Try again; somebody else writes to it.")
    return damaged(path, str(error))


def damaged(path: Path, reason: str) -> StoredIndexError:
    """Return the error for a file that does not hold what we wrote."""
    return StoredIndexError(
        f"The file {path} cannot be read ({reason}); nothing was changed.", RESTORE
    )
