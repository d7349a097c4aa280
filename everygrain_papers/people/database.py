"""people.db: its connections, shared by threads and processes."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from everygrain.errors import StoredIndexError
from everygrain_papers.faults import RESTORE, damaged, of_the_disk, translated
from everygrain_papers.people import schema

SECONDS_TO_WAIT = 30.0  # for another writer
_MOST_IDLE = 8  # connections that wait for their next use


class Database:
    """The file and a pool of connections to it, for many threads and processes at once.

    A connection serves one thread at a time and is used again; there are as many as threads that
    were ever at work together. A file that is not there is made, whole or not at all, readable by
    its owner alone. One that is there is never replaced, however damaged.

    Raises StoredIndexError for a file that is damaged, of a newer schema or not ours, StorageError
    for a disk that is full or cannot be written, LockedError where another writer takes too long.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._process = os.getpid()
        self._left_to_the_parent: list[sqlite3.Connection] = []
        self._closed = False
        with translated(path):
            with of_the_disk(path):
                if not path.exists():
                    schema.make(path)
                schema.keep_private(path)
            connection = self.connect()
            try:
                schema.check(connection, path)
            except BaseException:
                connection.close()
                raise
            self._free.append(connection)

    def secret(self) -> bytes:
        """Return the random bytes that were made with the file."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM settings WHERE key = 'secret'").fetchone()
        if row is None or len(row[0]) != schema.SECRET_BYTES:
            raise StoredIndexError(f"The file {self.path} has lost its secret.", RESTORE)
        return bytes(row[0])

    def problems(self) -> list[str]:
        """Return what SQLite finds wrong with the file, in its words; nothing in a sound one."""
        with translated(self.path), closing(self.connect()) as connection:
            try:
                found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
                if found != ["ok"]:
                    return found
                lost = {row[0] for row in connection.execute("PRAGMA foreign_key_check")}
            except sqlite3.DatabaseError as error:
                return [str(error)]
        return [f"rows of {table} belong to nobody" for table in sorted(lost)]

    def fold_log(self) -> None:
        """Write the log into the file and empty it; where somebody reads, the next time."""
        with translated(self.path), closing(self.connect()) as connection:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def connect(self) -> sqlite3.Connection:
        """Open a connection in autocommit, for a caller who closes it; one thread at a time."""
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw", uri=True, timeout=SECONDS_TO_WAIT,
            isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        try:
            for setting in (
                "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON", "trusted_schema=OFF",
            ):  # fmt: skip
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for reads that all see one state of the file.

        A ValueError inside it (no time, no JSON where one was written) is told as damage.
        """
        try:
            with self._transaction("BEGIN") as connection:
                yield connection
        except ValueError as error:
            raise damaged(self.path, str(error)) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for a transaction that becomes visible whole, or not at all.

        It waits for other writers; a second one inside it would wait for itself.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            connection = self._take()
            try:
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoredIndexError(f"The file {self.path} was closed.", "Open it again.")
            if self._process != os.getpid():
                # SQLite forbids a forked process to touch, or even to close, what it inherited
                self._left_to_the_parent += self._free
                self._free, self._process = [], os.getpid()
            if self._free:
                return self._free.pop()
        return self.connect()

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._free) < _MOST_IDLE:
                self._free.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is not in use; what is in use is closed when it comes back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        if self._process == os.getpid():
            for connection in free:
                connection.close()


def written(time: datetime) -> str:
    """Return a time as it is stored: in UTC and of one length, so that texts compare as times."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")
