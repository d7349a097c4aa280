"""New papers for a reader's interests on the pages, and why each is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from markupsafe import Markup

from everygrain_papers.interests import Interest, Pool, Reasons, recommend_from
from everygrain_papers.paper import Paper
from everygrain_papers.web.rendering import paper_address, title_html
from everygrain_papers.web.visit import House, Visit

MOST = 2_000  # papers from which recommendations are taken, of the newest and of those that came
BACKGROUND = 500  # ordinary papers beside those that came lately: they make rare terms known
RECENT = timedelta(days=7)
SECONDS = 120.0  # how old a list may be while papers come
MOST_TERMS = 5


@dataclass(frozen=True, slots=True)
class Pick:
    """A recommended paper, its reasons as a reader sees them, and whether it came lately."""

    paper: Paper
    reasons: Markup
    is_new: bool


@dataclass(frozen=True)
class _Fresh:
    """What recommendations are taken from.

    recent   papers that came in the last days;   newest   the newest by their date
    works    paper id -> id of its work, of both
    """

    recent: Pool
    newest: Pool
    works: Mapping[str, str]


def by_interest(visit: Visit, interests: Sequence[Interest], each: int) -> dict[str, list[Pick]]:
    """Return for each interest's id its papers, best first, at most `each`; none stands twice."""
    told = [interest for interest in interests if not interest.is_empty]
    if not told:
        return {}
    seen = frozenset(visit.people.seen(visit.user.id))
    key = ("recommended", visit.user.id, each, tuple(told), seen)
    return visit.house.cache.get(
        key, lambda: _found(visit.house, told, seen, each), seconds=SECONDS, late=True
    )


def _fresh(house: House) -> _Fresh:
    def make() -> _Fresh:
        papers = house.room.papers
        newest = papers.newest(MOST)
        arrived = papers.arrived(datetime.now(UTC) - RECENT)[-MOST:]
        recent = list(papers.fetch(arrived).values())
        one, other = (
            Pool(each, house.room.index.vectors([paper.id for paper in each]), background)
            for each, background in ((recent, newest[:BACKGROUND]), (newest, []))
        )
        works = papers.works({paper.id for paper in (*recent, *newest)})
        return _Fresh(one, other, works)

    return house.cache.get("fresh", make, seconds=SECONDS, late=True)


def _found(
    house: House, interests: Sequence[Interest], seen: frozenset[str], each: int
) -> dict[str, list[Pick]]:
    fresh = _fresh(house)
    named = sorted({p for i in interests for p in (*i.positive, *i.disliked)})
    library = house.room.papers.fetch(named)
    vectors = np.asarray(house.room.index.vectors(list(library)))
    held = dict(zip(library, vectors, strict=True))
    works = {**fresh.works, **house.room.papers.works([*library, *seen])}
    found: dict[str, list[Pick]] = {interest.id: [] for interest in interests}
    taken = set(seen | _marked(interests))
    # What came lately goes first, then the newest. One list for each interest, so that none is
    # crowded out by another that has more to say.
    for pool, is_new in ((fresh.recent, True), (fresh.newest, False)):
        for interest in interests:
            missing = each - len(found[interest.id])
            if not missing or not pool.candidates:
                continue
            for pick in recommend_from(
                pool, [interest], library, held, seen=frozenset(taken), works=works, k=missing
            ):
                taken.add(pick.paper.id)
                why = reasons(pick.reasons, interest, library)
                found[interest.id].append(Pick(pick.paper, why, is_new))
    return found


def _marked(interests: Sequence[Interest]) -> set[str]:
    return {paper for each in interests for paper in (*each.positive, *each.disliked)}


def reasons(told: Reasons, interest: Interest, library: Mapping[str, Paper]) -> Markup:
    """Return why a paper is recommended, in a line."""
    parts: list[Markup] = []
    near = library.get(told.nearest or "")
    if near is not None:
        said = "you liked" if near.id in interest.liked else "it begins with"
        parts.append(
            Markup('{} <a href="{}">{}</a> (similarity {:.2f})').format(
                said, paper_address(near.id), title_html(near.title), told.similarity
            )
        )
    if told.keywords:
        parts.append(Markup("it holds “{}”").format("”, “".join(told.keywords[:MOST_TERMS])))
    if told.terms:
        terms = ", ".join(term for term, _ in told.terms[:MOST_TERMS])
        parts.append(Markup("words: {}").format(terms))
    return Markup(" · ").join(parts)
