"""A store of vectors by content, so that no text is encoded twice by a slow encoder."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from everygrain.encode.base import Encoder, Kind, Vectors
from everygrain.errors import StorageError

_BATCH = 256


def cache_folder() -> Path:
    """Return EVERYGRAIN_CACHE, or the user's cache directory for this program."""
    told = os.environ.get("EVERYGRAIN_CACHE")
    if told:
        return Path(told)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "everygrain"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "everygrain"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "everygrain"


@dataclass(frozen=True, eq=False)
class Cached:
    """An encoder that remembers: vectors are kept by fingerprint, kind and text.

    encoder   the slow encoder behind
    path      the SQLite file; several processes and threads may use it at once

    New vectors are stored after every 256 texts, so an interrupted job loses no more than that.
    """

    encoder: Encoder
    path: Path
    _guard: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    @property
    def dimensions(self) -> int:
        return self.encoder.dimensions

    def save(self, folder: Path) -> None:
        self.encoder.save(folder)

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=60, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
        )
        return connection

    @contextmanager
    def _stored(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread at a time, with problems of the file told."""
        with self._guard:
            try:
                yield self._connection
            except (OSError, sqlite3.DatabaseError) as error:
                raise StorageError(
                    f"The vector cache {self.path} cannot be used ({error}).",
                    "Delete the file, or set EVERYGRAIN_CACHE to a folder that can be written.",
                ) from error

    def _key(self, text: str, kind: Kind) -> bytes:
        told = f"{self.fingerprint}\0{kind}\0{text}"
        return hashlib.blake2b(told.encode(), digest_size=20).digest()

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        missing: dict[str, list[int]] = {}
        for i, text in enumerate(texts):
            row = self._read(self._key(text, kind))
            if row is None or len(row) != 4 * self.dimensions:
                missing.setdefault(text, []).append(i)
            else:
                vectors[i] = np.frombuffer(row, dtype=np.float32)
        # texts of like length together, longest first: the time left is then never understated
        todo = sorted(missing, key=len, reverse=True)
        for start in range(0, len(todo), _BATCH):
            batch = todo[start : start + _BATCH]
            encoded = self.encoder.encode(batch, kind)
            self._write(
                [(self._key(t, kind), v.tobytes()) for t, v in zip(batch, encoded, strict=True)]
            )
            for text, vector in zip(batch, encoded, strict=True):
                vectors[missing[text]] = vector
        return vectors

    def _read(self, key: bytes) -> bytes | None:
        with self._stored() as connection:
            row = connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def _write(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        with self._stored() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
