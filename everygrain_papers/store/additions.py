"""What sources said of papers apart from the papers themselves, kept for every state of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from everygrain_papers.database import Database, marks
from everygrain_papers.sources import Addition
from everygrain_papers.sources.base import laid_over

_PART = 500


class Additions:
    """The additions of a PaperStore; its caller holds the transaction.

    They stay after their paper came: a new dump of papers does not say again what a dump of
    abstracts said.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def keep(self, additions: Sequence[Addition]) -> dict[str, Addition]:
        """Add to what was said before, field by field, the latest word; return all of it by id."""
        said = self.of(list({each.id for each in additions}))
        for each in additions:
            before = said[each.id].fields if each.id in said else {}
            said[each.id] = Addition(each.id, laid_over(before, each.fields))
        with self.database.writing() as write:
            write.executemany(
                "INSERT OR REPLACE INTO additions VALUES (?, ?)",
                [
                    (each.id, json.dumps(dict(each.fields), ensure_ascii=False))
                    for each in said.values()
                ],
            )
        return said

    def of(self, ids: Sequence[str]) -> dict[str, Addition]:
        """Return what was said of papers, by id; those of which nothing was are left out."""
        found: dict[str, Addition] = {}
        for start in range(0, len(ids), _PART):
            part = ids[start : start + _PART]
            rows = self.database.rows(
                f"SELECT id, fields FROM additions WHERE id IN ({marks(len(part))})", part
            )
            found |= {identity: Addition(identity, json.loads(told)) for identity, told in rows}
        return found
