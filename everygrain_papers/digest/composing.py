"""What goes into a reader's digest: what arrived since the last one, by interest, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from everygrain_papers.digest import outbox
from everygrain_papers.digest.issue import Digest, Pick, Section
from everygrain_papers.digest.reasons import told
from everygrain_papers.digest.schedule import aware
from everygrain_papers.digest.subscriptions import subscription
from everygrain_papers.digest.tables import reading
from everygrain_papers.interests import Interest, Pool, Recommendation, recommend_from
from everygrain_papers.paper import Paper
from everygrain_papers.people import People, User
from everygrain_papers.room import ReadingRoom

FIRST = timedelta(days=7)  # how far a reader's first digest looks back
# A paper bears the time at which its transaction began; it may have become visible after the last
# digest looked. What was looked at twice is sent once.
MARGIN = timedelta(minutes=10)
PATIENCE = timedelta(days=1)  # how long digests wait for a paper that no index takes
FORMER = 300  # papers that say what an ordinary one is
LEAST = 0.5  # standard deviations above an ordinary paper; one with a keyword is always near
_ALL = 10_000_000  # papers that wait for the index


def compose(room: ReadingRoom, people: People, user: User, now: datetime) -> Digest:
    """Return what a reader would be sent now. Nothing is sent or kept.

    Looked through are the papers that arrived since the reader's last digest; without one, in
    the last seven days. Left out are all versions of papers that the reader was sent, has seen,
    or has put into an interest, liked or not; and papers that are no nearer to an interest than
    ordinary ones are. A paper that arrived and is not indexed yet ends
    the time that is looked at, so that the next digest begins with it.

    Raises InputError for an unknown user and for a time without a zone.
    """
    reader = subscription(people, user.id)
    with reading(people) as connection:
        last = outbox.last_until(connection, user.id, aware(now))
        gone = outbox.spent(connection, user.id)
    since = last or now - FIRST
    until = max(since, _indexed_until(room, since, now))
    arrived = room.papers.arrived(since - MARGIN, until)
    interests = people.interests(user.id)
    gone |= people.seen(user.id) | {paper for each in interests for paper in _of(each)}
    fresh, works = _fresh(room, arrived, gone)
    library = room.papers.fetch(sorted({p for each in interests for p in _of(each)}))
    # Former papers are never shown; they say what an ordinary paper is on a day when few came. The
    # reader's own would raise that measure.
    former = _former(room, {*library, *(paper.id for paper in fresh)})
    candidates = [*fresh, *former]
    found = []
    if fresh and interests:
        pool = Pool(candidates, room.index.vectors([paper.id for paper in candidates]))
        vectors = dict(zip(library, room.index.vectors(list(library)), strict=True))
        gone |= {paper.id for paper in former}
        found = _nearest(pool, interests, library, vectors, gone, works, reader.papers)
    sections = []
    for interest in interests:
        picks = tuple(
            Pick(each.paper, float(each.score), told(each.reasons, interest, library))
            for each in sorted(found, key=lambda each: (-each.score, each.paper.id))
            if each.interest == interest.id
        )
        if picks:
            sections.append(Section(interest.id, interest.name, picks))
    zone = reader.schedule.zone
    return Digest(
        user.id, user.name, zone, since, until, tuple(sections), len(arrived), len(interests)
    )


def _indexed_until(room: ReadingRoom, since: datetime, now: datetime) -> datetime:
    """Return up to when all that arrived can be compared: now, or the first that waits."""
    waiting = [paper.id for paper in room.papers.waiting(_ALL)[0]]
    latest = max(since, now - PATIENCE)
    came = [moment for moment in room.papers.arrival(waiting).values() if moment >= latest]
    return min([now, *came])


def _former(room: ReadingRoom, without: set[str]) -> list[Paper]:
    newest = room.papers.newest(len(without) + FORMER)
    return [paper for paper in newest if paper.id not in without][:FORMER]


def _nearest(
    pool: Pool,
    interests: Sequence[Interest],
    library: Mapping[str, Paper],
    vectors: Mapping[str, npt.NDArray[np.float32]],
    gone: set[str],
    works: Mapping[str, str],
    k: int,
) -> list[Recommendation]:
    """Return at most k papers, each near to its interest.

    Every interest has its place in a list; one that has no near paper left would take a paper
    there that is near to another. It is left out then, and the others asked for more.
    """
    kept: list[Recommendation] = []
    left = list(interests)
    while left and len(kept) < k:
        seen = gone | {each.paper.id for each in kept}
        found = recommend_from(
            pool, left, library, vectors, seen=seen, works=works, k=k - len(kept)
        )
        kept += filter(_is_near, found)
        done = {each.interest for each in found if not _is_near(each)}
        if not done:
            break
        left = [interest for interest in left if interest.id not in done]
    return kept


def _is_near(found: Recommendation) -> bool:
    return found.score >= LEAST or bool(found.reasons.keywords)


def _fresh(
    room: ReadingRoom, arrived: list[str], gone: set[str]
) -> tuple[list[Paper], dict[str, str]]:
    """Return the newest version of each work that is not gone, and the work of every paper."""
    works = room.papers.works(sorted({*arrived, *gone}))
    known = {works[paper] for paper in gone}
    papers = room.papers.fetch(arrived)
    newest = {works[paper]: papers[paper] for paper in arrived if paper in papers}
    return [paper for work, paper in newest.items() if work not in known], works


def _of(interest: Interest) -> tuple[str, ...]:
    return (*interest.seeds, *interest.liked, *interest.disliked)
