"""A store of vectors by content, so that no text is encoded twice by a slow encoder."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
    path      the SQLite file; several processes may use it at once

    New vectors are stored after every 256 texts, so an interrupted job loses no more than that.
    """

    encoder: Encoder
    path: Path

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
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.path, timeout=60, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) "
                "WITHOUT ROWID"
            )
        except (OSError, sqlite3.DatabaseError) as error:
            raise StorageError(
                f"The vector cache {self.path} cannot be used ({error}).",
                "Delete the file, or set EVERYGRAIN_CACHE to a folder that can be written.",
            ) from error
        return connection

    def _key(self, text: str, kind: Kind) -> bytes:
        told = f"{self.fingerprint}\0{kind}\0{text}"
        return hashlib.blake2b(told.encode(), digest_size=20).digest()

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        missing: dict[str, list[int]] = {}
        for i, text in enumerate(texts):
            row = self._connection.execute(
                "SELECT vector FROM vectors WHERE key = ?", (self._key(text, kind),)
            ).fetchone()
            if row is None or len(row[0]) != 4 * self.dimensions:
                missing.setdefault(text, []).append(i)
            else:
                vectors[i] = np.frombuffer(row[0], dtype=np.float32)
        # texts of like length together, longest first: the time left is then never understated
        todo = sorted(missing, key=len, reverse=True)
        for start in range(0, len(todo), _BATCH):
            batch = todo[start : start + _BATCH]
            encoded = self.encoder.encode(batch, kind)
            rows = [(self._key(t, kind), v.tobytes()) for t, v in zip(batch, encoded, strict=True)]
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            self._connection.execute("COMMIT")
            for text, vector in zip(batch, encoded, strict=True):
                vectors[missing[text]] = vector
        return vectors
