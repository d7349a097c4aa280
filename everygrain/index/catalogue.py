"""The record of truth: one SQLite file. Nobody else in the project writes SQL against it.

settings     key -> JSON value; `generation` counts commits
segments     what immutable files there are
documents    every live document: where it is indexed, its hash and its metadata
texts        titles and texts, apart, so that a filter reads no text
tombstones   places in segments whose document was deleted or moved
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.errors import EverygrainError, StorageError, StoredIndexError
from everygrain.index.filters import Condition

SCHEMA = 1

_TABLES = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE segments (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, documents INTEGER NOT NULL,
    dense TEXT, bytes INTEGER NOT NULL, digests TEXT NOT NULL);
CREATE TABLE documents (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, segment INTEGER NOT NULL,
    place INTEGER NOT NULL, hash BLOB NOT NULL, metadata TEXT NOT NULL);
CREATE TABLE texts (key INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE tombstones (
    segment INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (segment, place)) WITHOUT ROWID;
CREATE INDEX documents_by_place ON documents (segment, place);
"""


@dataclass(frozen=True)
class SegmentRow:
    """A segment as the catalogue knows it; `dense` names its vectors' file, if it has one."""

    number: int
    name: str
    documents: int
    dense: str | None
    bytes: int
    digests: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a document is indexed."""

    key: int
    segment: int
    place: int
    hash: bytes


class Catalogue:
    """One connection to `catalogue.db`.

    Raises StoredIndexError for a missing, damaged or newer catalogue, StorageError for a disk
    that is full or cannot be written.
    """

    def __init__(self, path: Path, create: bool = False) -> None:
        self.path = path
        if not create and not path.exists():
            raise StoredIndexError(
                f"There is no index in {path.parent}.",
                "Name an existing index, or build one with `everygrain add INDEX SOURCE`.",
            )
        with self._translated():
            self._connection = self._open(create)
            version = int(self._value("PRAGMA user_version"))
        if version > SCHEMA:
            raise StoredIndexError(
                f"The index in {path.parent} has schema {version}; this program knows {SCHEMA}.",
                "Install a newer everygrain.",
            )

    def _open(self, create: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}", uri=True,
            timeout=30, isolation_level=None, check_same_thread=False,
        )  # fmt: skip
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            # a read-only medium: nobody can be writing, so the file is as good as frozen
            connection.close()
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?immutable=1", uri=True,
                isolation_level=None, check_same_thread=False,
            )  # fmt: skip
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32000")
        if create and not connection.execute("PRAGMA user_version").fetchone()[0]:
            statements = "".join(_TABLES)
            connection.executescript(
                f"BEGIN IMMEDIATE;{statements}PRAGMA user_version={SCHEMA};COMMIT;"
            )
        return connection

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.DatabaseError) -> EverygrainError:
        message = str(error)
        folder = self.path.parent
        if "full" in message:
            return StorageError(
                f"Cannot write to {folder}: the disk is full.",
                "Free some space and run the command again; everything committed before is kept.",
            )
        if "readonly" in message or "read-only" in message or "unable to open" in message:
            return StorageError(
                f"Cannot write to {folder}: writing is not permitted.",
                "Give write permission, or copy the index; nothing was changed.",
            )
        if "disk I/O" in message:
            return StorageError(
                f"Cannot use {folder}: the disk reports an error ({message}).",
                "Check the disk and its free space; everything committed before is kept.",
            )
        return StoredIndexError(
            f"The catalogue of {folder} cannot be read ({message}).",
            "Restore catalogue.db from a copy, or build the index again from its sources.",
        )

    def _value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        row = self._connection.execute(statement, parameters).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one generation: everything read inside is of the same commit."""
        with self._translated():
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Run a transaction that becomes visible whole, with the next generation, or not at all."""
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.set("generation", int(self.get("generation", 0)) + 1)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    # settings

    def get(self, key: str, default: Any = None) -> Any:
        with self._translated():
            value = self._value("SELECT value FROM settings WHERE key = ?", (key,))
        return default if value is None else json.loads(value)

    def set(self, key: str, value: Any) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value))
        )

    # segments and tombstones

    def segments(self) -> list[SegmentRow]:
        rows = self._connection.execute(
            "SELECT number, name, documents, dense, bytes, digests FROM segments ORDER BY number"
        )
        return [SegmentRow(*row[:5], json.loads(row[5])) for row in rows]

    def add_segment(
        self, name: str, documents: int, dense: str | None, size: int, digests: Mapping[str, str]
    ) -> int:
        cursor = self._connection.execute(
            "INSERT INTO segments (name, documents, dense, bytes, digests) VALUES (?, ?, ?, ?, ?)",
            (name, documents, dense, size, json.dumps(dict(digests))),
        )
        return int(cursor.lastrowid or 0)

    def set_dense(
        self, number: int, dense: str | None, size: int, digests: Mapping[str, str]
    ) -> None:
        self._connection.execute(
            "UPDATE segments SET dense = ?, bytes = ?, digests = ? WHERE number = ?",
            (dense, size, json.dumps(dict(digests)), number),
        )

    def drop_segments(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._connection.execute("DELETE FROM segments WHERE number = ?", (number,))
            self._connection.execute("DELETE FROM tombstones WHERE segment = ?", (number,))

    def tombstones(self) -> dict[int, npt.NDArray[np.int64]]:
        """Return segment number -> places of documents that are no longer live."""
        rows = self._connection.execute("SELECT segment, place FROM tombstones").fetchall()
        table = np.array(rows, dtype=np.int64).reshape(-1, 2)
        return {int(n): table[table[:, 0] == n, 1] for n in np.unique(table[:, 0])}

    # documents

    def count(self) -> int:
        return int(self._value("SELECT count(*) FROM documents"))

    def places(self, ids: Sequence[str]) -> dict[str, Place]:
        """Return where each of the given documents is; those that are not here are left out."""
        found = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            rows = self._connection.execute(
                "SELECT id, key, segment, place, hash FROM documents WHERE id IN "
                f"({','.join('?' * len(part))})",
                part,
            )
            found.update({row[0]: Place(*row[1:]) for row in rows})
        return found

    def insert(self, documents: Sequence[Document], hashes: Sequence[bytes], segment: int) -> None:
        """Insert documents, new to the catalogue, as the places 0, 1, ... of a segment."""
        first = int(self._value("SELECT coalesce(max(key), 0) + 1 FROM documents"))
        self._connection.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)",
            (
                (first + i, d.id, segment, i, hashes[i], json.dumps(d.metadata, ensure_ascii=False))
                for i, d in enumerate(documents)
            ),
        )
        self._connection.executemany(
            "INSERT INTO texts VALUES (?, ?, ?)",
            ((first + i, d.title, d.text) for i, d in enumerate(documents)),
        )

    def remove(self, places: Iterable[Place]) -> None:
        """Remove documents; their places in segments become tombstones."""
        for place in places:
            self._connection.execute("DELETE FROM documents WHERE key = ?", (place.key,))
            self._connection.execute("DELETE FROM texts WHERE key = ?", (place.key,))
            self._connection.execute(
                "INSERT INTO tombstones VALUES (?, ?)", (place.segment, place.place)
            )

    def move(
        self, sources: Sequence[int], offsets: Sequence[npt.NDArray[np.int64]], target: int
    ) -> None:
        """Point documents of merged segments at their new places.

        offsets   per source segment, new place by old place
        """
        for source, mapping in zip(sources, offsets, strict=True):
            rows = self._connection.execute(
                "SELECT key, place FROM documents WHERE segment = ?", (source,)
            ).fetchall()
            self._connection.executemany(
                "UPDATE documents SET segment = ?, place = ? WHERE key = ?",
                ((target, int(mapping[place]), key) for key, place in rows),
            )

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return documents by id; those that are not here are left out."""
        found = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            rows = self._connection.execute(
                "SELECT d.id, t.text, t.title, d.metadata FROM documents d "
                f"JOIN texts t USING (key) WHERE d.id IN ({','.join('?' * len(part))})",
                part,
            )
            found.update({r[0]: Document(r[0], r[1], r[2], json.loads(r[3])) for r in rows})
        return found

    def documents_of(self, segment: int) -> Iterator[tuple[int, Document]]:
        """Yield (place, document) of a segment's live documents, by place."""
        rows = self._connection.execute(
            "SELECT d.place, d.id, t.text, t.title, d.metadata FROM documents d "
            "JOIN texts t USING (key) WHERE d.segment = ? ORDER BY d.place",
            (segment,),
        )
        for place, identity, text, title, metadata in rows:
            yield place, Document(identity, text, title, json.loads(metadata))

    def places_of(self, segment: int) -> list[tuple[int, str]]:
        """Return (place, id) of a segment's live documents, by place."""
        return self._connection.execute(
            "SELECT place, id FROM documents WHERE segment = ? ORDER BY place", (segment,)
        ).fetchall()

    def matching(self, condition: Condition) -> list[tuple[str, int, int]]:
        """Return (id, segment, place) of the documents that a condition holds for."""
        clause, parameters = condition.sql()
        with self._translated():
            return self._connection.execute(
                "SELECT d.id, d.segment, d.place FROM documents d LEFT JOIN texts t USING (key) "
                f"WHERE {clause} ORDER BY d.segment, d.place",
                parameters,
            ).fetchall()

    def any_matching(self, condition: Condition) -> bool:
        """Tell whether a condition holds for any document."""
        clause, parameters = condition.sql()
        found = self._value(
            f"SELECT 1 FROM documents d LEFT JOIN texts t USING (key) WHERE {clause} LIMIT 1",
            parameters,
        )
        return found is not None

    def fields(self) -> dict[str, int]:
        """Return metadata field -> number of documents that have it."""
        rows = self._connection.execute(
            "SELECT e.key, count(*) FROM documents d, json_each(d.metadata) e "
            "GROUP BY e.key ORDER BY 2 DESC, 1 LIMIT 200"
        )
        return {str(row[0]): int(row[1]) for row in rows}

    def problems(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file."""
        with self._translated():
            rows = [row[0] for row in self._connection.execute("PRAGMA integrity_check")]
            lost = self._value(
                "SELECT (SELECT count(*) FROM documents) - (SELECT count(*) FROM texts)"
            )
        found = [] if rows == ["ok"] else rows
        return found + ([f"{abs(lost)} documents and texts do not pair"] if lost else [])

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the main file where no reader is in the way."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
