"""A store of completions by content, so that no question is paid for twice."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from everygrain.endpoint.client import Endpoint
from everygrain.endpoint.replies import Completion, Token
from everygrain.errors import StorageError


@dataclass(frozen=True)
class CachedEndpoint:
    """An endpoint that remembers its completions.

    endpoint   the service behind
    path       the SQLite file; several processes may use it at once

    A completion is kept under address, model, messages and options together: the same question
    gets the same answer, also at a temperature above 0. Give another `seed` for another answer.
    """

    endpoint: Endpoint
    path: Path

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the endpoint's own vectors; `everygrain.encode.cache` keeps those."""
        return self.endpoint.embed(texts)

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        """Return the completion kept for this very question, or ask the endpoint.

        Raises StorageError if the file cannot be used, and what the endpoint raises.
        """
        key = self._key(messages, options)
        kept = self._run("SELECT completion FROM completions WHERE key = ?", key)
        if kept is not None and (completion := _read(kept)) is not None:
            return completion
        completion = self.endpoint.complete(messages, **options)
        written = json.dumps(asdict(completion))
        self._run("INSERT OR REPLACE INTO completions VALUES (?, ?)", key, written)
        return completion

    def _key(self, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> bytes:
        asked = [self.endpoint.address, self.endpoint.model, [dict(m) for m in messages], options]
        return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=20).digest()

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=60, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS completions (key BLOB PRIMARY KEY, completion TEXT) "
            "WITHOUT ROWID"
        )
        return connection

    def _run(self, statement: str, *parameters: object) -> Any:
        """Return the first value of the first row, or None."""
        try:
            row = self._connection.execute(statement, parameters).fetchone()
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The cache of completions {self.path} cannot be used ({error}).",
                "Delete the file, or give a path that can be written.",
            ) from error
        return row[0] if row else None


def _read(kept: str) -> Completion | None:
    """Return a completion as it was kept; None where the row is damaged: it is asked anew."""
    try:
        told = json.loads(kept)
        tokens = tuple(
            Token(each["text"], each["logprob"], tuple((t, p) for t, p in each["alternatives"]))
            for each in told.pop("logprobs")
        )
        return Completion(**told, logprobs=tokens)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
