"""One SQLite file: opening it, also where nothing can be written; transactions; its errors told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everygrain.errors import EverygrainError, LockedError, StorageError, StoredIndexError

# what SQLite says where it cannot make its files beside the catalogue
_UNWRITABLE = (
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_PERM,
)  # fmt: skip


@dataclass(frozen=True)
class _State:
    """What tells that somebody changed a catalogue: the file's stamp, and its log's size."""

    stamp: tuple[int, int, int]
    log: int

    @classmethod
    def of(cls, path: Path) -> _State:
        file, log = path.stat(), path.with_name(f"{path.name}-wal")
        return cls(
            (file.st_ino, file.st_size, file.st_mtime_ns),
            log.stat().st_size if log.exists() else 0,
        )


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code of an error."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn what SQLite says into an error that names the folder and a remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _told(error, folder) from error


def _told(error: sqlite3.DatabaseError, folder: Path) -> EverygrainError:
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return StorageError(
            f"Cannot write to {folder}: the disk is full.",
            "Free some space and run the command again; everything committed before is kept.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageError(
            f"Cannot write to {folder}: writing is not permitted.",
            "Give write permission, or copy the index; nothing was changed.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"Cannot use {folder}: the disk is full or reports an error ({error}).",
            "Check the disk and its free space; everything committed before is kept.",
        )
    if code == sqlite3.SQLITE_BUSY:
        return LockedError(
            f"The catalogue of {folder} is busy.", "Try again; somebody else is using it."
        )
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoredIndexError(f"The index in {folder} was closed.", "Open it again.")
    return StoredIndexError(
        f"The catalogue of {folder} cannot be read ({error}).",
        "Restore catalogue.db from a copy, or build the index again from its sources.",
    )


class Database:
    """One connection.

    Where a folder cannot be written, or its disk is full, the file is read as it is; a connection
    that is to write (`to_write`) is refused there.

    Raises StoredIndexError for a file that is missing or damaged, StorageError for a disk
    that is full or cannot be written.
    """

    def __init__(self, path: Path, to_write: bool = False) -> None:
        self.path = path
        self._to_write = to_write
        self._frozen: _State | None = None
        if not path.exists():
            raise StoredIndexError(
                f"There is no index in {path.parent}.",
                "Name an existing index, or build one with `everygrain add INDEX SOURCE`.",
            )
        with translated(self.path.parent):
            self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        connection = self._connect("mode=rw")
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            connection.close()
            if self._to_write or _code(error) not in _UNWRITABLE:
                raise
            connection = self._open_frozen()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32000")
        return connection

    def _open_frozen(self) -> sqlite3.Connection:
        """Read the file as it is, where SQLite can make no files beside it.

        `reading` opens it again when somebody else changed it.
        """
        self._frozen = _State.of(self.path)
        if self._frozen.log:
            raise StorageError(
                f"The index in {self.path.parent} has commits that are not yet folded into "
                "catalogue.db, and the folder cannot be written.",
                "Free some space, give write permission, or copy the index; nothing is lost.",
            )
        return self._connect("immutable=1")

    def _connect(self, options: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{options}", uri=True, timeout=30,
            isolation_level=None, check_same_thread=False,
        )  # fmt: skip

    def _thaw(self) -> None:
        if self._frozen is not None and self._frozen != _State.of(self.path):
            self._connection.close()
            self._frozen = None
            self._connection = self._open()

    def close(self) -> None:
        self._connection.close()

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with translated(self.path.parent):
            return self._connection.execute(statement, parameters).fetchall()

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        with translated(self.path.parent):
            row = self._connection.execute(statement, parameters).fetchone()
        return None if row is None else row[0]

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        with translated(self.path.parent):
            return self._connection.execute(statement, parameters)

    def each_row(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Yield rows one by one, for those that are large."""
        with translated(self.path.parent):
            yield from self._connection.execute(statement, parameters)

    def run_many(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        with translated(self.path.parent):
            self._connection.executemany(statement, parameters)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one generation: everything read inside is of the same commit."""
        with translated(self.path.parent):
            if self._connection.in_transaction:
                yield
                return
            self._thaw()
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.rollback()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction that becomes visible whole, or not at all."""
        with translated(self.path.parent):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
