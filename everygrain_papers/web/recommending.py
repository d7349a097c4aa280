"""New papers for a reader's interests on the pages, and why each is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from everygrain_papers.interests import Interest, Pool, Reasons, recommend_from
from everygrain_papers.paper import Paper
from everygrain_papers.web.rendering import paper_address, title_html
from everygrain_papers.web.visit import House, Visit

MOST = 2_000  # of the newest papers, from which recommendations are taken
SECONDS = 120.0  # how old a list may be while papers come
MOST_TERMS = 5


@dataclass(frozen=True, slots=True)
class Pick:
    """A recommended paper, with its reasons as a reader sees them."""

    paper: Paper
    reasons: Markup


@dataclass(frozen=True)
class _Newest:
    pool: Pool
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


def _newest(house: House) -> _Newest:
    def make() -> _Newest:
        papers = house.room.papers.newest(MOST)
        ids = [paper.id for paper in papers]
        pool = Pool(papers, house.room.index.vectors(ids))
        return _Newest(pool, house.room.papers.works(ids))

    return house.cache.get("newest", make, seconds=SECONDS, late=True)


def _found(
    house: House, interests: Sequence[Interest], seen: frozenset[str], each: int
) -> dict[str, list[Pick]]:
    newest = _newest(house)
    named = sorted({p for i in interests for p in (*i.positive, *i.disliked)})
    library = house.room.papers.fetch(named)
    vectors = np.asarray(house.room.index.vectors(list(library)))
    held = dict(zip(library, vectors, strict=True))
    works = {**newest.works, **house.room.papers.works([*library, *seen])}
    found: dict[str, list[Pick]] = {}
    taken: set[str] = set(seen)
    for interest in interests:
        # one list each, so that no interest is crowded out by another with more to say
        picks = recommend_from(
            newest.pool, [interest], library, held,
            seen=frozenset(taken | _marked(interests)), works=works, k=each,
        )  # fmt: skip
        taken.update(pick.paper.id for pick in picks)
        found[interest.id] = [
            Pick(pick.paper, reasons(pick.reasons, interest, library)) for pick in picks
        ]
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
