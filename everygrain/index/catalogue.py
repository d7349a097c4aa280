"""The record of truth: one SQLite file. Nobody else in the project writes SQL against it.

settings     key -> JSON value; `generation` counts commits
segments     what immutable files there are
documents    every live document: where it is indexed, its hash and its metadata
texts        titles and texts, apart, so that a filter reads no text
tombstones   places in segments whose document was deleted or moved
files        which file has which id, and the folder that was named; made when first needed
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.errors import StoredIndexError
from everygrain.index.database import Database, translated
from everygrain.index.files import storage_errors, sync_folder
from everygrain.index.filters import Condition

SCHEMA = 2
_READABLE = (1, 2)  # in 1, no segment has word vectors
WORDS = "words-"  # what the name of a file of word vectors begins with

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
# An older program of this schema passes over a table that it does not know.
_FILES = """CREATE TABLE IF NOT EXISTS files (
    file TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, folder TEXT NOT NULL) WITHOUT ROWID"""


@dataclass(frozen=True)
class SegmentRow:
    """A segment as the catalogue knows it; `dense` names its vectors' file, if it has one."""

    number: int
    name: str
    documents: int
    dense: str | None
    bytes: int
    digests: Mapping[str, str]

    @property
    def words(self) -> str | None:
        """Return the name of the word vectors' file, if the segment has one."""
        return next((name for name in self.digests if name.startswith(WORDS)), None)


@dataclass(frozen=True)
class Place:
    """Where a document is indexed."""

    key: int
    segment: int
    place: int
    hash: bytes


class Catalogue(Database):
    """One connection to `catalogue.db`.

    A catalogue of the schema before is read as it is. One that is to be written is raised to this
    schema first: a program that knows only the former would remove the files of word vectors.

    Raises what Database does, and StoredIndexError for a catalogue of a newer schema.
    """

    def __init__(self, path: Path, to_write: bool = False) -> None:
        super().__init__(path, to_write)
        try:
            self._check_schema(to_write)
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, settings: Mapping[str, Any]) -> None:
        """Make a catalogue with settings, whole or not at all; for the holder of the lock."""
        made = path.with_name("catalogue.new")
        for leftover in (made, made.with_name("catalogue.new-journal")):
            leftover.unlink(missing_ok=True)
        with translated(path.parent):
            connection = sqlite3.connect(made, isolation_level=None)
            try:
                connection.executescript(f"BEGIN;{_TABLES}PRAGMA user_version={SCHEMA};")
                connection.executemany(
                    "INSERT INTO settings VALUES (?, ?)",
                    [(key, json.dumps(value)) for key, value in settings.items()],
                )
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode=WAL")
            finally:
                connection.close()
        with storage_errors(path):
            made.rename(path)
            sync_folder(path.parent)

    @property
    def schema(self) -> int:
        return int(self.value("PRAGMA user_version"))

    def _check_schema(self, to_write: bool) -> None:
        version = self.schema
        if version > SCHEMA:
            raise StoredIndexError(
                f"The index in {self.path.parent} has schema {version}; "
                f"this program knows {SCHEMA}.",
                "Install a newer everygrain.",
            )
        if version not in _READABLE:
            raise StoredIndexError(
                f"The file {self.path} is no catalogue of this program.",
                "Restore catalogue.db from a copy, or name a new folder for the index.",
            )
        if to_write and version < SCHEMA:
            with self.transaction():
                self.run(f"PRAGMA user_version={SCHEMA}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Run a transaction that becomes visible whole, with the next generation, or not at all."""
        with self.transaction():
            yield
            self.set("generation", int(self.get("generation", 0)) + 1)

    # settings

    def get(self, key: str, default: Any = None) -> Any:
        value = self.value("SELECT value FROM settings WHERE key = ?", (key,))
        return default if value is None else json.loads(value)

    def set(self, key: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    # segments and tombstones

    def segments(self) -> list[SegmentRow]:
        rows = self.rows(
            "SELECT number, name, documents, dense, bytes, digests FROM segments ORDER BY number"
        )
        return [
            SegmentRow(number, name, documents, dense, size, json.loads(digests))
            for number, name, documents, dense, size, digests in rows
        ]

    def add_segment(
        self, name: str, documents: int, dense: str | None, size: int, digests: Mapping[str, str]
    ) -> int:
        cursor = self.run(
            "INSERT INTO segments (name, documents, dense, bytes, digests) VALUES (?, ?, ?, ?, ?)",
            (name, documents, dense, size, json.dumps(dict(digests))),
        )
        return int(cursor.lastrowid or 0)

    def set_files(
        self, number: int, dense: str | None, size: int, digests: Mapping[str, str]
    ) -> None:
        self.run(
            "UPDATE segments SET dense = ?, bytes = ?, digests = ? WHERE number = ?",
            (dense, size, json.dumps(dict(digests)), number),
        )

    def drop_segments(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.run("DELETE FROM segments WHERE number = ?", (number,))
            self.run("DELETE FROM tombstones WHERE segment = ?", (number,))

    def tombstones(self) -> dict[int, npt.NDArray[np.int64]]:
        """Return segment number -> places of documents that are no longer live."""
        rows = self.rows("SELECT segment, place FROM tombstones")
        table = np.array(rows, dtype=np.int64).reshape(-1, 2)
        return {int(n): table[table[:, 0] == n, 1] for n in np.unique(table[:, 0])}

    # documents

    def count(self) -> int:
        return int(self.value("SELECT count(*) FROM documents"))

    def places(self, ids: Sequence[str]) -> dict[str, Place]:
        """Return where each of the given documents is; those that are not here are left out."""
        found = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            rows = self.rows(
                "SELECT id, key, segment, place, hash FROM documents WHERE id IN "
                f"({','.join('?' * len(part))})",
                part,
            )
            found.update({row[0]: Place(*row[1:]) for row in rows})
        return found

    def insert(self, documents: Sequence[Document], hashes: Sequence[bytes], segment: int) -> None:
        """Insert documents, new to the catalogue, as the places 0, 1, ... of a segment."""
        first = int(self.value("SELECT coalesce(max(key), 0) + 1 FROM documents"))
        self.run_many(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)",
            (
                (first + i, d.id, segment, i, hashes[i], json.dumps(d.metadata, ensure_ascii=False))
                for i, d in enumerate(documents)
            ),
        )
        self.run_many(
            "INSERT INTO texts VALUES (?, ?, ?)",
            ((first + i, d.title, d.text) for i, d in enumerate(documents)),
        )

    def remove(self, places: Iterable[Place]) -> None:
        """Remove documents; their places in segments become tombstones."""
        for place in places:
            self.run("DELETE FROM documents WHERE key = ?", (place.key,))
            self.run("DELETE FROM texts WHERE key = ?", (place.key,))
            self.run("INSERT INTO tombstones VALUES (?, ?)", (place.segment, place.place))

    def move(
        self, sources: Sequence[int], offsets: Sequence[npt.NDArray[np.int64]], target: int
    ) -> None:
        """Point documents of merged segments at their new places.

        offsets   per source segment, new place by old place
        """
        for source, mapping in zip(sources, offsets, strict=True):
            rows = self.rows("SELECT key, place FROM documents WHERE segment = ?", (source,))
            self.run_many(
                "UPDATE documents SET segment = ?, place = ? WHERE key = ?",
                ((target, int(mapping[place]), key) for key, place in rows),
            )

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return documents by id; those that are not here are left out."""
        found = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            rows = self.rows(
                "SELECT d.id, t.text, t.title, d.metadata FROM documents d "
                f"JOIN texts t USING (key) WHERE d.id IN ({','.join('?' * len(part))})",
                part,
            )
            found.update({r[0]: Document(r[0], r[1], r[2], json.loads(r[3])) for r in rows})
        return found

    def documents_of(self, segment: int) -> Iterator[tuple[int, Document]]:
        """Yield (place, document) of a segment's live documents, by place."""
        for place, identity, text, title, metadata in self.each_row(
            "SELECT d.place, d.id, t.text, t.title, d.metadata FROM documents d "
            "JOIN texts t USING (key) WHERE d.segment = ? ORDER BY d.place",
            (segment,),
        ):
            yield place, Document(identity, text, title, json.loads(metadata))

    def hashed_documents(self) -> Iterator[tuple[Document, bytes]]:
        """Yield every document with the hash that it was stored with."""
        for identity, text, title, metadata, hashed in self.each_row(
            "SELECT d.id, t.text, t.title, d.metadata, d.hash FROM documents d "
            "JOIN texts t USING (key) ORDER BY d.key"
        ):
            yield Document(identity, text, title, json.loads(metadata)), hashed

    def places_of(self, segment: int) -> list[tuple[int, str]]:
        """Return (place, id) of a segment's live documents, by place."""
        return self.rows(
            "SELECT place, id FROM documents WHERE segment = ? ORDER BY place", (segment,)
        )

    def matching(self, condition: Condition) -> list[tuple[str, int, int]]:
        """Return (id, segment, place) of the documents that a condition holds for."""
        clause, parameters = condition.sql()
        return self.rows(
            "SELECT d.id, d.segment, d.place FROM documents d LEFT JOIN texts t USING (key) "
            f"WHERE {clause} ORDER BY d.segment, d.place",
            parameters,
        )

    def any_matching(self, condition: Condition) -> bool:
        """Tell whether a condition holds for any document."""
        clause, parameters = condition.sql()
        found = self.value(
            f"SELECT 1 FROM documents d LEFT JOIN texts t USING (key) WHERE {clause} LIMIT 1",
            parameters,
        )
        return found is not None

    def fields(self) -> dict[str, int]:
        """Return metadata field -> number of documents that have it."""
        rows = self.rows(
            "SELECT e.key, count(*) FROM documents d, json_each(d.metadata) e "
            "GROUP BY e.key ORDER BY 2 DESC, 1 LIMIT 200"
        )
        return {str(row[0]): int(row[1]) for row in rows}

    # files

    def files(
        self, column: Literal["file", "id"], values: Sequence[str]
    ) -> list[tuple[str, str, str]]:
        """Return (file, id, folder) of the known files of which one of the two is given."""
        if self.value("SELECT 1 FROM sqlite_master WHERE name = 'files'") is None:
            return []
        found: list[tuple[str, str, str]] = []
        for start in range(0, len(values), 500):
            part = values[start : start + 500]
            found += self.rows(
                f"SELECT file, id, folder FROM files WHERE {column} IN "
                f"({','.join('?' * len(part))})",
                part,
            )
        return found

    def keep_files(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keep (file, id, folder); a file that had one of the ids before loses it."""
        self.run(_FILES)
        self.run_many("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def problems(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file."""
        rows = [row[0] for row in self.rows("PRAGMA integrity_check")]
        lost = self.value("SELECT (SELECT count(*) FROM documents) - (SELECT count(*) FROM texts)")
        found = [] if rows == ["ok"] else rows
        return found + ([f"{abs(lost)} documents and texts do not pair"] if lost else [])

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the main file and empty it, where no reader is in the way.

        A reader in the way is not waited for: what it holds back is folded in the next time.
        """
        (patience,) = self.run("PRAGMA busy_timeout").fetchone()
        self.run("PRAGMA busy_timeout=0")
        try:
            self.run("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.run(f"PRAGMA busy_timeout={patience}")
