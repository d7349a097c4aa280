"""From a source into the record, and from there into the indexes, in steps that may be cut off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from everygrain import Document
from everygrain.errors import LockedError
from everygrain_papers.functions.labelling import fingerprint, sentences_of
from everygrain_papers.paper import Paper
from everygrain_papers.results import Report
from everygrain_papers.sources import Progress, Reject, Source, resumed

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

PIECE = 10_000  # papers that are indexed at a time
LONGEST_INDEXED = 20_000  # characters of an abstract
PATIENCE = 60.0  # seconds that a paper waits for the indexes while its source is still read

Advance = Callable[[int], None]


def ingest(room: ReadingRoom, source: Source, on_progress: Advance | None = None) -> Report:
    """Read what is new in a source; see ReadingRoom.ingest."""
    report, waiting, since = Report(), 0, time.monotonic()

    def reject(told: Reject) -> None:
        report.rejected += 1
        room.papers.reject(told)

    with _alone(room):
        before = len(room.papers.decisions())
        progress = Progress(room.folder / "progress.json")
        for items in resumed(source, progress, reject):
            change = room.papers.put(items)
            for name in ("added", "updated", "unchanged", "withdrawn", "older", "aside"):
                setattr(report, name, getattr(report, name) + len(getattr(change, name)))
            waiting += len(change.added) + len(change.updated) + len(change.withdrawn)
            if on_progress:
                on_progress(len(items))
            if waiting >= PIECE or (waiting and time.monotonic() - since > PATIENCE):
                _index(room, None)
                waiting, since = 0, time.monotonic()
        _index(room, None)
        report.merged = len(room.papers.decisions()) - before
    return report


def index_waiting(room: ReadingRoom, on_progress: Advance | None = None) -> int:
    """Index what is stored and not indexed yet; see ReadingRoom.index_waiting."""
    with _alone(room):
        return _index(room, on_progress)


def _index(room: ReadingRoom, on_progress: Advance | None) -> int:
    """Bring the indexes up to the record. The record says so only after they are."""
    if room.labeller_is_new:
        room.papers.index_anew()
    done = 0
    while True:
        papers, withdrawn = room.papers.waiting(PIECE)
        if not papers and not withdrawn:
            break
        room.index.add([document_of(paper) for paper in papers])
        if gone := list(room.index.fetch(withdrawn)):
            room.index.delete(gone)
        room.facets.add(papers, sentences_of([p.abstract for p in papers], room.labeller))
        room.facets.delete(withdrawn)
        room.papers.indexed(papers, withdrawn)
        done += len(papers) + len(withdrawn)
        if on_progress:
            on_progress(len(papers) + len(withdrawn))
    room.papers.set_value("labeller", fingerprint(room.labeller))
    return done


def document_of(paper: Paper) -> Document:
    """Return what the index holds of a paper: of a text that is no abstract, its beginning.

    Evidence is looked for in every sentence of what is found, and a megabyte of them takes
    seconds; the record keeps the whole.
    """
    return replace(paper, abstract=paper.abstract[:LONGEST_INDEXED]).document()


def _alone(room: ReadingRoom) -> _Alone:
    return _Alone(FileLock(room.folder / "ingest.lock"))


class _Alone:
    """Holds the room's lock, or says who is in the way."""

    def __init__(self, lock: FileLock) -> None:
        self.lock = lock

    def __enter__(self) -> None:
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            raise LockedError(
                "Another process is filling this reading room.", "Wait until it is done."
            ) from None

    def __exit__(self, *told: object) -> None:
        self.lock.release()
