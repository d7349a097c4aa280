"""What a room knows of its papers as a whole: topics, what rises, estimated impact, labels.

It is made from the record in one pass over what changed, kept in `outlook/`, and made anew when
enough papers came. Whatever it says is of the day it was made, and it says which day that was.
"""

from __future__ import annotations

import json
import os
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from everygrain.errors import EverygrainError, StorageError
from everygrain_papers.impact import estimates
from everygrain_papers.paper import Paper
from everygrain_papers.store.papers import OVERLAP
from everygrain_papers.tags import labels_of, tagged
from everygrain_papers.topics import TopicModel
from everygrain_papers.trends import (
    TermCounts,
    Trend,
    ground,
    rising_papers,
    rising_terms,
    rising_topics,
)
from everygrain_papers.trends.rising import Window
from everygrain_papers.trends.windows import FEWEST_PAST, calendar

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

GROWTH = 0.02  # share of new papers from which on it is made anew
LEAST_NEW = 20  # and the least number of them
FEWEST_FOR_TOPICS = 50
SAMPLE = 30_000  # papers that topics are found among; all are assigned
PART = 2000  # papers whose vectors are taken at a time

ENOUGH_RECENT = 100  # papers of recent windows

OnStep = Callable[[str], None]


class _Windows(TypedDict):
    window: Window
    recent: int | None


@dataclass(frozen=True)
class Outlook:
    """One outlook.

    made      when
    papers_then  papers of the room at that time
    terms, topics, papers   what rises, the surest first
    topic_of  paper id -> number of its topic; papers outside of all topics have none
    names     topic number -> name; in the order of size
    words     topic number -> what its papers hold and others do not
    impact    paper id -> (estimate, low, high) of the newest papers, where one could be learned
    tags      paper id -> the reader's own labels for it, the surest first
    labels    these labels, with the examples of that time
    notes     what it is made of, what was left out and why
    """

    made: datetime
    papers_then: int
    terms: tuple[Trend, ...] = ()
    topics: tuple[Trend, ...] = ()
    papers: tuple[Trend, ...] = ()
    topic_of: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    words: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    impact: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return JSON values; `Outlook.of` reads them."""
        return asdict(self) | {"made": self.made.isoformat()}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Outlook:
        """Read what `record` gave. Raises KeyError, TypeError or ValueError for what is none."""
        trends = {name: tuple(map(_trend, told[name])) for name in ("terms", "topics", "papers")}
        return cls(
            datetime.fromisoformat(told["made"]),
            int(told["papers_then"]),
            **trends,
            topic_of={str(k): int(v) for k, v in told["topic_of"].items()},
            names={int(k): str(v) for k, v in told["names"].items()},
            words={int(k): tuple(v) for k, v in told["words"].items()},
            impact={
                str(k): (float(a), float(b), float(c)) for k, (a, b, c) in told["impact"].items()
            },
            tags={str(k): tuple(v) for k, v in told["tags"].items()},
            labels={str(k): list(v) for k, v in told["labels"].items()},
            notes=tuple(told["notes"]),
        )


def kept(room: ReadingRoom) -> Outlook | None:
    """Return the outlook that was made last; None where none was, or it cannot be read."""
    try:
        told = json.loads((_folder(room) / "outlook.json").read_text(encoding="utf-8"))
        return Outlook.of(told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # it is made anew: nothing in it is not in the record


def is_due(room: ReadingRoom, last: Outlook | None, today: date) -> bool:
    """Tell whether enough came, or went, since an outlook was made; or the day is another and
    something came."""
    if last is None or last.labels != labels_of(room):
        return True
    changed = sum(1 for _ in zip(room.papers.changed(last.made), range(100_000), strict=False))
    enough = max(LEAST_NEW, GROWTH * last.papers_then)
    return changed >= enough or (changed > 0 and last.made.date() != today)


def outlook_of(
    room: ReadingRoom, today: date | None = None, on_step: OnStep | None = None
) -> Outlook:
    """Return the outlook of a room, made anew where it is due."""
    day = today or datetime.now(UTC).date()
    last = kept(room)
    if last is None or is_due(room, last, day):
        return make(room, day, on_step)
    return last


def make(room: ReadingRoom, today: date, on_step: OnStep | None = None) -> Outlook:
    """Make the outlook of a room and keep it. Raises StorageError if the disk refuses."""
    say = on_step or (lambda step: None)
    folder, made = _folder(room), datetime.now(UTC)
    later = room.papers.later_versions()
    say("Counting terms")
    counts = _counted(room, folder, later)
    light = [
        replace(paper, abstract="", references=(), more={})
        for paper in room.papers.papers()
        if paper.id not in later
    ]
    today = min(today, _newest(light, today))
    windows = _windows(counts, today)
    notes = [f"Trends: {ground(counts, today, **windows)}."] if light else ["The room is empty."]
    say("Finding topics")
    topics, topic_of = _topics(room, folder, light, notes)
    names = {} if topics is None else {topic.id: topic.name for topic in topics.topics}
    words = {} if topics is None else {topic.id: topic.terms for topic in topics.topics}
    say("Looking for what rises")
    terms = rising_terms(counts, today, **windows)
    risen = rising_topics(light, topic_of, names, today, **windows)
    say("Estimating impact")
    impact, worth = estimates(room, folder) if light else ({}, "")
    notes += [worth] if worth else []
    papers = rising_papers(light, terms, risen, impact or None, today, **windows)
    say("Giving labels")
    tags = tagged(room, light, notes)
    outlook = Outlook(
        made,
        len(room),
        tuple(terms),
        tuple(risen),
        tuple(papers),
        topic_of,
        names,
        words,
        {i: (each.value, each.low, each.high) for i, each in impact.items()},
        tags,
        labels_of(room),
        tuple(notes),
    )
    _write(folder / "outlook.json", outlook.record())
    return outlook


def _newest(papers: Sequence[Paper], today: date) -> date:
    """Return the day of the newest paper that is not of the future: a room that was not filled for
    a while says what rose then, rather than that nothing does."""
    days = []
    for paper in papers:
        if paper.date is None and paper.year is not None and paper.year <= today.year:
            days.append(min(date(paper.year, 12, 31), today))
        elif paper.date is not None and paper.date <= today.isoformat():
            year, month, *rest = map(int, paper.date.split("-"))
            last = monthrange(year, month)[1]  # a paper may state a 31st of February
            days.append(min(date(year, month, min(rest[0], last) if rest else last), today))
    return max(days, default=today)


def _windows(counts: TermCounts, today: date) -> _Windows:
    """Return the finest windows whose recent ones hold enough papers to tell a rise from chance;
    where none do, those that hold the most."""
    choices: list[_Windows] = [
        {"window": "auto", "recent": None},
        {"window": "year", "recent": None},
        {"window": "year", "recent": 2},
    ]
    held = []
    for choice in choices:
        told = calendar(counts.dates, today, choice["window"], None, choice["recent"])
        split = told.totals.size - told.recent
        enough_past = int((told.totals[:split] > 0).sum()) >= FEWEST_PAST
        held.append(int(told.totals[split:].sum()) if enough_past else -1)
        if held[-1] >= ENOUGH_RECENT:
            return choice
    return choices[held.index(max(held))]


def _counted(room: ReadingRoom, folder: Path, later: set[str]) -> TermCounts:
    """Return the words of all works; only what changed since the last time is read."""
    path, key = folder / "terms.npz", "outlook terms"
    now = datetime.now(UTC).isoformat()
    since = room.papers.get_value(key)
    counts, known = TermCounts(), None
    if since is not None and path.exists():
        try:
            counts, known = TermCounts.load(path), datetime.fromisoformat(since)
        except EverygrainError:
            counts, known = TermCounts(), None  # damaged: counted anew
    for item in room.papers.changed(known and known - OVERLAP):
        if isinstance(item, Paper) and item.id not in later:
            counts.add([item])
        else:
            counts.remove([item.id])
    counts.remove([identity for identity in later if identity in counts])
    folder.mkdir(parents=True, exist_ok=True)
    counts.save(path)
    room.papers.set_value(key, now)
    return counts


def _topics(
    room: ReadingRoom, folder: Path, papers: Sequence[Paper], notes: list[str]
) -> tuple[TopicModel | None, dict[str, int]]:
    if not papers:
        return None, {}
    if not len(room.index):
        notes.append("Topics are found once papers are indexed.")
        return None, {}
    if len(papers) < FEWEST_FOR_TOPICS:
        notes.append(f"Topics are found from {FEWEST_FOR_TOPICS} papers on.")
        return None, {}
    model = _model(room, folder, papers)
    topic_of: dict[str, int] = {}
    for start in range(0, len(papers), PART):
        part = [paper.id for paper in papers[start : start + PART]]
        found = model.assign(room.index.vectors(part)).tolist()
        topic_of.update({i: number for i, number in zip(part, found, strict=True) if number >= 0})
    notes.append(f"{len(papers) - len(topic_of):,} papers belong to no topic.")
    return model, topic_of


def _model(room: ReadingRoom, folder: Path, papers: Sequence[Paper]) -> TopicModel:
    """Return the topics of the last outlook while the room is not twice as large; so their names
    and numbers stay, and their rates can be compared."""
    key = "outlook topics"
    then = room.papers.get_value(key)
    if then is not None and len(papers) < 2 * then:
        try:
            return TopicModel.load(folder / "topics")
        except EverygrainError:
            pass  # damaged, or of another form: found anew
    step = max(1, len(papers) // SAMPLE)
    ids = [paper.id for paper in papers[::step]]
    chosen = list(room.papers.fetch(ids).values())
    model = TopicModel.fit(chosen, room.index.vectors([paper.id for paper in chosen]))
    model.save(folder / "topics")
    room.papers.set_value(key, len(papers))
    return model


def _folder(room: ReadingRoom) -> Path:
    return room.folder / "outlook"


def _trend(told: Mapping[str, Any]) -> Trend:
    return Trend(
        **dict(told)
        | {
            "papers": tuple(told["papers"]),
            "also": tuple(told["also"]),
            "series": tuple((str(w), int(c), int(n)) for w, c, n in told["series"]),
        }
    )


def _write(path: Path, told: Mapping[str, Any]) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise StorageError(
            f"'{path}' cannot be written: {error.strerror}.", "Make room and try again."
        ) from error
