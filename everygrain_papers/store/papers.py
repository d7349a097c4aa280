"""Papers as they came, in one SQLite file: put in, changed, withdrawn, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.database import Database, marks
from everygrain_papers.merging import Decision
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources import Addition, Deleted, Item
from everygrain_papers.store.additions import Additions
from everygrain_papers.store.change import Change, Revision
from everygrain_papers.store.kept import Kept
from everygrain_papers.store.tables import TABLES, VERSION
from everygrain_papers.store.works import Works

# a stamp is from before its commit: who asks for changes since the last time asks this much more
OVERLAP = timedelta(minutes=10)

_PART = 500  # values of one statement


class PaperStore(Kept):
    """The papers of one room. Threads and processes may share the file.

    Raises StoredIndexError for a damaged file or one of a newer form, StorageError where it
    cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(path, TABLES, VERSION)
        self._works = Works(self.database)
        self._counted = (-1, 0)  # generation and number of papers: pages ask often
        self._additions = Additions(self.database)

    def close(self) -> None:
        self.database.close()

    def __len__(self) -> int:
        generation = self.generation()
        if self._counted[0] != generation:
            told = self.database.value("SELECT count(*) FROM papers WHERE withdrawn = 0")
            self._counted = generation, int(told)
        return self._counted[1]

    # changing

    def put(self, items: Iterable[Item], now: datetime | None = None) -> Change:
        """Store papers and withdrawals, in one transaction; storing the same again does nothing.

        A title or an abstract that changes leaves its former state in the paper's history, but
        not where the abstract was missing. Of an item whose source dates its states
        (`datestamp`), the later state stays, also where one of them is its withdrawal.
        An addition is kept, and every state of its paper has it, whichever came first.
        """
        at = (now or datetime.now(UTC)).timestamp()
        change = Change()
        latest: dict[str, Paper | Deleted] = {}
        additions: list[Addition] = []
        for each in items:
            if isinstance(each, Addition):
                additions.append(each)
            else:
                latest[each.id] = each
        with self.database.writing() as write:
            held = self._held([*latest, *(each.id for each in additions)])
            said = self._additions.keep(additions) | self._additions.of(list(latest))
            for item in latest.values():
                was = held.get(item.id)
                if isinstance(item, Deleted):
                    if was is not None and not was[2]:
                        self._withdraw(write, item, was, at, change)
                    continue
                if item.id in said:
                    item = said[item.id].to(item)
                told = json.dumps(item.record(), ensure_ascii=False)
                if was is None:
                    write.execute(
                        "INSERT INTO papers (id, record, shown, stored, changed) "
                        "VALUES (?, ?, ?, ?, ?)",
                        (item.id, told, _shown(item, at), at, at),
                    )
                    change.added.append(item.id)
                elif was[1] == told and not was[2]:
                    change.unchanged.append(item.id)
                elif _is_older(item, was[1]):
                    change.older.append(item.id)
                else:
                    self._replace(write, item, told, was, at)
                    change.updated.append(item.id)
            for identity, addition in said.items():
                if identity not in latest:
                    self._add(write, addition, held.get(identity), at, change)
            if change.added or change.updated or change.withdrawn:
                self._works.settle([*change.added, *change.updated, *change.withdrawn], self.fetch)
                self._count_up(write)
        return change

    def _withdraw(
        self,
        write: Any,
        item: Deleted,
        was: tuple[int, str, int, float],
        at: float,
        change: Change,
    ) -> None:
        number, told, _, _ = was
        record = json.loads(told)
        stamp = record.get("more", {}).get("datestamp")
        if item.date is not None and isinstance(stamp, str):
            if item.date < stamp[: len(item.date)]:
                change.older.append(item.id)
                return
            # a state of before the withdrawal that comes late does not bring the paper back
            record["more"]["datestamp"] = max(stamp, item.date)
            told = json.dumps(record, ensure_ascii=False)
        write.execute(
            "UPDATE papers SET record = ?, withdrawn = 1, indexed = 0, changed = ? "
            "WHERE number = ?",
            (told, at, number),
        )
        change.withdrawn.append(item.id)

    def _add(
        self,
        write: Any,
        addition: Addition,
        was: tuple[int, str, int, float] | None,
        at: float,
        change: Change,
    ) -> None:
        if was is None or was[2]:
            change.aside.append(addition.id)
            return
        paper = addition.to(of_record(json.loads(was[1])))
        told = json.dumps(paper.record(), ensure_ascii=False)
        if told == was[1]:
            change.unchanged.append(addition.id)
        else:
            self._replace(write, paper, told, was, at)
            change.updated.append(addition.id)

    def _held(self, ids: Sequence[str]) -> dict[str, tuple[int, str, int, float]]:
        found = {}
        for start in range(0, len(ids), _PART):
            part = ids[start : start + _PART]
            rows = self.database.rows(
                "SELECT id, number, record, withdrawn, changed FROM papers "
                f"WHERE id IN ({marks(len(part))})",
                part,
            )
            found.update({row[0]: row[1:] for row in rows})
        return found

    def _replace(
        self, write: Any, item: Paper, told: str, was: tuple[int, str, int, float], at: float
    ) -> None:
        number, record, _, since = was
        former = json.loads(record)
        completed = former["title"] == item.title and not former.get("abstract")
        changed = (former["title"], former.get("abstract", "")) != (item.title, item.abstract)
        if changed and not completed:
            write.execute("INSERT INTO revisions VALUES (?, ?, ?)", (number, since, record))
        write.execute(
            "UPDATE papers SET record = ?, shown = ?, changed = ?, withdrawn = 0, indexed = 0 "
            "WHERE number = ?",
            (told, _shown(item, at), at, number),
        )

    # what the indexes hold

    def waiting(self, limit: int) -> tuple[list[Paper], list[str]]:
        """Return papers that the indexes do not hold as they are, and withdrawn ids they may
        still hold; at most `limit` of both together."""
        rows = self.database.rows(
            "SELECT id, record, withdrawn FROM papers WHERE indexed = 0 ORDER BY number LIMIT ?",
            (limit,),
        )
        return (
            [of_record(json.loads(record)) for _, record, gone in rows if not gone],
            [identity for identity, _, gone in rows if gone],
        )

    def is_waiting(self) -> bool:
        """Tell whether the indexes do not hold everything as it is."""
        return bool(self.database.value("SELECT 1 FROM papers WHERE indexed = 0 LIMIT 1"))

    def indexed(self, papers: Sequence[Paper], withdrawn: Sequence[str]) -> None:
        """Note that the indexes hold these states; one that changed meanwhile still waits."""
        with self.database.writing() as write:
            write.executemany(
                "UPDATE papers SET indexed = 1 WHERE id = ? AND record = ? AND withdrawn = 0",
                [(p.id, json.dumps(p.record(), ensure_ascii=False)) for p in papers],
            )
            write.executemany(
                "UPDATE papers SET indexed = 1 WHERE id = ? AND withdrawn = 1",
                [(identity,) for identity in withdrawn],
            )

    def index_anew(self) -> None:
        """Let every paper wait for the indexes again."""
        with self.database.writing() as write:
            write.execute("UPDATE papers SET indexed = 0")

    # reading

    def get(self, id: str) -> Paper:
        """Return a paper. Raises InputError if it is not here, or withdrawn."""
        found = self.fetch([id])
        if id not in found:
            raise InputError(f"There is no paper '{id}'.", "Check the id, or search for its title.")
        return found[id]

    def fetch(self, ids: Sequence[str]) -> dict[str, Paper]:
        """Return papers by id, in the order of the ids; those that are not here are left out."""
        held = self._held(list(dict.fromkeys(ids)))
        return {
            identity: of_record(json.loads(held[identity][1]))
            for identity in ids
            if identity in held and not held[identity][2]
        }

    def newest(self, limit: int = 50, offset: int = 0) -> list[Paper]:
        """Return papers by their date, the latest first.

        A date in the future counts as the day the paper came, a missing day as the first.
        """
        rows = self.database.rows(
            "SELECT record FROM papers WHERE withdrawn = 0 ORDER BY shown DESC, number DESC "
            "LIMIT ? OFFSET ?",
            (limit, offset),
        )
        return [of_record(json.loads(record)) for (record,) in rows]

    def arrived(self, since: datetime, until: datetime | None = None) -> list[str]:
        """Return the ids of papers that first came at or after a time, before another."""
        last = (until or datetime.max.replace(tzinfo=UTC)).timestamp()
        rows = self.database.rows(
            "SELECT id FROM papers WHERE stored >= ? AND stored < ? AND withdrawn = 0 "
            "ORDER BY stored, number",
            (since.timestamp(), last),
        )
        return [identity for (identity,) in rows]

    def arrival(self, ids: Sequence[str]) -> dict[str, datetime]:
        """Return when papers first came."""
        found: dict[str, float] = {}
        for start in range(0, len(ids), _PART):
            part = ids[start : start + _PART]
            found.update(
                self.database.rows(
                    f"SELECT id, stored FROM papers WHERE id IN ({marks(len(part))})", part
                )
            )
        return {identity: datetime.fromtimestamp(at, UTC) for identity, at in found.items()}

    def papers(self) -> Iterator[Paper]:
        """Yield all papers in the order in which they came."""
        return (item for item in self.changed() if isinstance(item, Paper))

    def changed(self, since: datetime | None = None) -> Iterator[Paper | Deleted]:
        """Yield what was stored, changed or withdrawn at or after a time, in the order in which
        it first came; everything without one."""
        last, at = 0, since.timestamp() if since else -1.0
        while rows := self.database.rows(
            "SELECT number, id, record, withdrawn FROM papers WHERE number > ? AND changed >= ? "
            "ORDER BY number LIMIT 1000",
            (last, at),
        ):
            for _, identity, record, withdrawn in rows:
                yield Deleted(identity) if withdrawn else of_record(json.loads(record))
            last = rows[-1][0]

    def history(self, id: str) -> list[Revision]:
        """Return the states of a paper's title and abstract, oldest first, the present one last.

        Raises InputError if the paper is not here.
        """
        now = self.get(id)
        number, since = self.database.rows(
            "SELECT number, changed FROM papers WHERE id = ?", (id,)
        )[0]
        rows = self.database.rows(
            "SELECT record, stored FROM revisions WHERE paper = ? ORDER BY stored, rowid", (number,)
        )
        former = [
            Revision(of_record(json.loads(record)), datetime.fromtimestamp(at, UTC))
            for record, at in rows
        ]
        return [*former, Revision(now, datetime.fromtimestamp(since, UTC))]

    # versions of one work

    def works(self, ids: Iterable[str]) -> dict[str, str]:
        """Return for each id that of its work: of the version that came first."""
        return self._works.of(list(ids))

    def later_versions(self) -> set[str]:
        """Return the ids of papers whose work another version began."""
        return {each for (each,) in self.database.rows("SELECT paper FROM works")}

    def versions(self, id: str) -> list[Paper]:
        """Return the papers of one work, the one that came first in front."""
        return list(self.fetch(self._works.members(id)).values())

    def decisions(self, id: str | None = None) -> list[Decision]:
        """Return which papers were found to be one work and why; of one paper's work, or all."""
        return self._works.decisions(None if id is None else self._works.members(id))

    def undo(self, decision: str) -> None:
        """Keep the two papers of a decision apart. Raises InputError for an unknown one."""
        self._decide(decision, undone=True)

    def redo(self, decision: str) -> None:
        """Take a decision back into force. Raises InputError for an unknown one."""
        self._decide(decision, undone=False)

    def _decide(self, decision: str, *, undone: bool) -> None:
        with self.database.writing() as write:
            self._works.decide(decision, undone, self.fetch)
            self._count_up(write)


def _shown(paper: Paper, at: float) -> str:
    today = datetime.fromtimestamp(at, UTC).date().isoformat()
    stated = paper.date or (str(paper.year) if paper.year else "")
    return min(stated, today) if stated else ""


def _is_older(item: Paper, record: str) -> bool:
    """Tell whether what is held is a later state of the same record."""
    stamp = item.more.get("datestamp")
    if not isinstance(stamp, str):
        return False
    held = json.loads(record)
    other = held.get("more", {}).get("datestamp")
    return held.get("source", "") == item.source and isinstance(other, str) and stamp < other
