"""Judgements of people, in a file that only grows, beside the pool.

Each line is one judgement, written and fsynced before it is told to be kept:

    {"judge", "query_id", "document_id", "grade": 0 to 3 or null, "skipped", "note", "undoes", "at"}

The last line of a judge on a document counts. Taking something back writes a line too, with
`undoes` true and the state before. So a process that is killed loses nothing, any number of judges
and processes share one file, and what was judged when can always be read again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock

from everygrain.errors import InputError
from everygrain.index.files import storage_errors, sync_folder
from everygrain.measure.judge import Judgement, Pair, of_line, to_line
from everygrain.measure.rows import misread
from everygrain.read.stream import unreadable


class Ledger:
    """The file of judgements; POOL.judgements.jsonl beside POOL.jsonl. It need not exist yet."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = FileLock(f"{self.path}.lock")

    @classmethod
    def beside(cls, pool: str | Path) -> Ledger:
        """Return the ledger of a pool."""
        pool = Path(pool)
        return cls(pool.with_name(pool.name.removesuffix(".jsonl") + ".judgements.jsonl"))

    def lines(self) -> list[Judgement]:
        """Return all that was ever written, in order.

        A last line that a crash has cut short was never told to be kept, and is passed over.
        Raises InputError with file and line for any other broken line.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(self.path, error) from error
        whole, last = _parted(content)
        found = []
        for number, line in enumerate(whole.split(b"\n"), 1):
            if line and not line.isspace():
                try:
                    found.append(of_line(line))
                except InputError as error:
                    raise misread(self.path, number, error.problem, error.remedy) from None
        return found + ([of_line(last)] if _is_judgement(last) else [])

    def by_judge(self) -> dict[str, dict[Pair, Judgement]]:
        """Return judge -> (query id, document id) -> what counts, judges as they first occur."""
        states: dict[str, dict[Pair, Judgement]] = {}
        for line in self.lines():
            states.setdefault(line.judge, {})[line.pair] = line
        return states

    def of(self, judge: str) -> dict[Pair, Judgement]:
        """Return what counts of one judge."""
        return self.by_judge().get(judge, {})

    def change(self, judge: str, pair: Pair, **changes: Any) -> Judgement:
        """Write a judgement: the one that counts, with some fields changed. Returns it.

        It is on the disk when this returns. Raises InputError for a value that makes no sense,
        StorageError where the disk refuses.
        """
        with self._alone():
            state = self.of(judge).get(pair, Judgement(judge, *pair))
            return self._append(replace(state, **changes, undoes=False))

    def undo(self, judge: str) -> Judgement | None:
        """Take the judge's last judgement back, then the one before it, and so on.

        Returns what counts now of that document; None if there is nothing left to take back.
        """
        with self._alone():
            before = _history(line for line in self.lines() if line.judge == judge)
            return self._append(replace(before[-1], undoes=True)) if before else None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with storage_errors(self.path):
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def _append(self, judgement: Judgement) -> Judgement:
        judgement = replace(judgement, at=datetime.now(UTC).isoformat(timespec="seconds"))
        line = to_line(judgement)
        with storage_errors(self.path):
            is_new = not self.path.exists()
            with self.path.open("ab+", buffering=0) as file:
                _mend(file)
                end = file.seek(0, os.SEEK_END)
                try:
                    if file.write(line) != len(line):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)
                    raise
            if is_new:
                sync_folder(self.path.parent)
        return judgement


def _mend(file: FileIO) -> None:
    """End a last line that has no line break, or cut it off where it is no judgement."""
    file.seek(0)
    whole, last = _parted(file.readall() or b"")
    if _is_judgement(last):
        file.write(b"\n")
    elif last:
        file.truncate(len(whole))


def _parted(content: bytes) -> tuple[bytes, bytes]:
    """Return the whole lines, and what follows the last line break."""
    end = content.rfind(b"\n") + 1
    return content[:end], content[end:]


def _is_judgement(line: bytes) -> bool:
    try:
        of_line(line)
    except InputError:
        return False
    return True


def _history(lines: Iterable[Judgement]) -> list[Judgement]:
    """Return, for each of a judge's lines that is not taken back, the state before it."""
    state: dict[Pair, Judgement] = {}
    before: list[Judgement] = []
    for line in lines:
        if not line.undoes:
            before.append(state.get(line.pair, Judgement(line.judge, *line.pair)))
        elif before:
            before.pop()
        state[line.pair] = line
    return before
