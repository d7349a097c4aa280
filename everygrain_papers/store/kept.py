"""What a room keeps beside its papers: small values by name, and what could not be read."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from everygrain_papers.database import Database
from everygrain_papers.sources import Reject

MOST_REJECTS = 10_000  # the newest are kept


class Kept:
    """The tables `keep` and `rejects` of papers.db."""

    database: Database

    def reject(self, reject: Reject) -> None:
        """Keep what could not be read, and why."""
        with self.database.writing() as write:
            write.execute(
                "INSERT INTO rejects VALUES (?, ?, ?, ?)",
                (time.time(), reject.place, reject.reason, reject.raw),
            )
            write.execute(
                "DELETE FROM rejects WHERE rowid <= (SELECT max(rowid) FROM rejects) - ?",
                (MOST_REJECTS,),
            )

    def rejects(self) -> list[tuple[datetime, Reject]]:
        """Return what could not be read, the newest last."""
        rows = self.database.rows("SELECT at, place, reason, raw FROM rejects ORDER BY rowid")
        return [(datetime.fromtimestamp(at, UTC), Reject(*told)) for at, *told in rows]

    def generation(self) -> int:
        """Return a number that grows with every change of papers or works."""
        return int(self.get_value("generation") or 0)

    def _count_up(self, write: Any) -> None:
        self.set_value("generation", self.generation() + 1)

    def get_value(self, name: str) -> Any:
        """Return what was kept under a name; None where nothing was."""
        told = self.database.value("SELECT value FROM keep WHERE name = ?", (name,))
        return None if told is None else json.loads(told)

    def set_value(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self.database.writing() as write:
            write.execute(
                "INSERT OR REPLACE INTO keep VALUES (?, ?)",
                (name, json.dumps(value, ensure_ascii=False)),
            )
