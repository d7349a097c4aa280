"""SQLite files of the reading room: opened safely from threads and processes, errors told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from everygrain.errors import StoredIndexError
from everygrain_papers.faults import of_the_disk, translated

PATIENCE = 30_000  # milliseconds that a writer waits for another
_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class Database:
    """One SQLite file with a schema of one version; each thread has a connection of its own.

    path      the file; made where there is none, readable by its owner alone
    tables    SQL that makes an empty file's tables
    version   of the schema

    Raises StoredIndexError for a file that is damaged or of a newer version, StorageError where
    it cannot be written.
    """

    def __init__(self, path: Path, tables: str, version: int) -> None:
        self.path = path
        self._own = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._closed = False
        with of_the_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)
        with translated(self.path):
            self._check(tables, version)

    def _check(self, tables: str, version: int) -> None:
        connection = self._connection()
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            with self.writing() as write:  # somebody else may be making it too
                if write.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in filter(str.strip, tables.split(";")):
                        write.execute(statement)
                    write.execute(f"PRAGMA user_version = {version:d}")
        elif found > version:
            raise StoredIndexError(
                f"'{self.path}' was written by a newer everygrain (form {found}).",
                "Update everygrain; the file was not touched.",
            )

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise StoredIndexError(f"'{self.path}' was closed.", "Open it again.")
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._opened()
            self._own.connection = connection
            with self._guard:
                self._all.append(connection)
        return connection

    def _opened(self) -> sqlite3.Connection:
        """Open the file; where nothing can be written beside it, read it as it is."""
        try:
            connection = self._connect("mode=rwc")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if _code(error) not in _FORBIDDEN:
                raise
            connection = self._connect("mode=ro&immutable=1")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-4000")
        return connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}", uri=True, timeout=PATIENCE / 1000,
            isolation_level=None, check_same_thread=False,
        )  # fmt: skip

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with translated(self.path):
            return self._connection().execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row; None where there is none."""
        with translated(self.path):
            row = self._connection().execute(sql, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or on any error none. Within another it is part of that."""
        with translated(self.path):
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _undo(connection)
                raise

    def close(self) -> None:
        """Close the connections of all threads."""
        self._closed = True
        with self._guard:
            for connection in self._all:
                connection.close()
            self._all.clear()


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # a full disk has ended it already
        connection.execute("ROLLBACK")


def marks(count: int) -> str:
    """Return as many question marks for values of a statement."""
    return ",".join("?" * count)
