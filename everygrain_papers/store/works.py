"""Which stored papers are versions of one work, kept up to date by looking only at what can match.

Papers that share a merge key, and the works they belong to, are given to `merging.merge`; nothing
else can change by their arrival.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.database import Database, marks
from everygrain_papers.merging import MOST_COMPARED, Decision, keys, merge
from everygrain_papers.paper import Paper

Fetch = Callable[[Sequence[str]], dict[str, Paper]]
_PART = 400


class Works:
    """The works of a PaperStore; its caller holds the transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def of(self, ids: Sequence[str]) -> dict[str, str]:
        return {identity: identity for identity in ids} | dict(
            self._in("SELECT paper, work FROM works WHERE paper IN ({})", ids)
        )

    def members(self, id: str) -> list[str]:
        """Return the ids of a paper's work in the order in which they came."""
        work = self.of([id])[id]
        rows = self.database.rows(
            "SELECT id FROM papers WHERE id = ? OR id IN (SELECT paper FROM works WHERE work = ?) "
            "ORDER BY number",
            (work, work),
        )
        return [each for (each,) in rows]

    def decisions(self, ids: Sequence[str] | None = None) -> list[Decision]:
        """Return all decisions, or those on some papers, in the order in which they were made."""
        if ids is None:
            rows = self.database.rows("SELECT number, record FROM decisions")
        else:
            found = set()
            for side in ("kept", "joined"):
                sql = f"SELECT number, record FROM decisions WHERE {side} IN ({{}})"
                found |= set(self._in(sql, ids))
            rows = list(found)
        return [Decision.of(json.loads(record)) for _, record in sorted(rows)]

    def settle(self, changed: Sequence[str], fetch: Fetch) -> None:
        """Find the works of papers that are new, or whose record is another now."""
        papers = fetch(changed)
        mine = {identity: {_key(*pair) for pair in keys(p)} for identity, p in papers.items()}
        numbers = dict(self._in("SELECT id, number FROM papers WHERE id IN ({})", changed))
        with self.database.writing() as write:
            write.executemany(
                "DELETE FROM merge_keys WHERE paper = ?", [(n,) for n in numbers.values()]
            )
            write.executemany(
                "INSERT OR IGNORE INTO merge_keys VALUES (?, ?)",
                [(key, numbers[identity]) for identity, found in mine.items() for key in found],
            )
        shared = sorted({key for found in mine.values() for key in found})
        sql = (
            "SELECT key, id FROM merge_keys JOIN papers ON papers.number = merge_keys.paper "
            "WHERE withdrawn = 0 AND key IN ({}) ORDER BY key, paper"
        )
        together: dict[int, list[str]] = {}
        for key, identity in self._in(sql, shared):
            together.setdefault(key, []).append(identity)
        touched: set[str] = set()
        for found in together.values():
            if len(found) > 1:
                touched.update(found[: MOST_COMPARED + 1], set(found) & mine.keys())
        grouped = self._grouped(changed)
        if touched or grouped:
            self._merge({*touched, *grouped}, fetch)

    def _grouped(self, ids: Sequence[str]) -> set[str]:
        """Return those of some papers that belong to a work of several, or did."""
        as_part = self._in("SELECT paper FROM works WHERE paper IN ({})", ids)
        as_first = self._in("SELECT work FROM works WHERE work IN ({})", ids)
        return {identity for (identity,) in (*as_part, *as_first)}

    def _merge(self, ids: Iterable[str], fetch: Fetch) -> None:
        """Merge some papers anew, with the works they belong to."""
        work_of = self.of(sorted(ids))
        works = sorted(set(work_of.values()))
        beside = self._in("SELECT paper FROM works WHERE work IN ({})", works)
        every = {*work_of, *works, *(paper for (paper,) in beside)}
        numbers = dict(self._in("SELECT id, number FROM papers WHERE id IN ({})", sorted(every)))
        order = sorted(numbers, key=lambda identity: int(numbers[identity]))
        before = self.decisions(order)
        merged, decisions = merge(fetch(order).values(), before)
        with self.database.writing() as write:
            for decision in decisions[len(before) :]:
                write.execute(
                    "INSERT OR IGNORE INTO decisions (id, kept, joined, record) "
                    "VALUES (?, ?, ?, ?)",
                    (
                        decision.id, decision.kept, decision.joined,
                        json.dumps(decision.record(), ensure_ascii=False),
                    ),
                )  # fmt: skip
            write.executemany("DELETE FROM works WHERE paper = ?", [(each,) for each in order])
            write.executemany(
                "INSERT INTO works VALUES (?, ?)",
                [(p.id, work.id) for work in merged for p in work.versions if p.id != work.id],
            )

    def decide(self, id: str, undone: bool, fetch: Fetch) -> None:
        rows = self.database.rows("SELECT record FROM decisions WHERE id = ?", (id,))
        if not rows:
            raise InputError(f"No merge has the id '{id}'.", "List the merges to see their ids.")
        told = json.loads(rows[0][0]) | {"undone": undone}
        with self.database.writing() as write:
            write.execute("UPDATE decisions SET record = ? WHERE id = ?", (json.dumps(told), id))
            self._merge({told["kept"], told["joined"]}, fetch)

    def _in(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a query whose {} takes a list of any length."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(values), _PART):
            part = values[start : start + _PART]
            found += self.database.rows(sql.format(marks(len(part))), part)
        return found


def _key(rule: str, value: str) -> int:
    """Return 63 bits of a key; two keys with the same bits cost a comparison and no more."""
    digest = hashlib.blake2b(f"{rule}\t{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
