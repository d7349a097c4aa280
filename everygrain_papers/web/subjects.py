"""Topics, what rises, and what there is to filter by: made behind the pages, never waited for
in a large room."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import TypeVar

from starlette.responses import Response

from everygrain.errors import EverygrainError
from everygrain_papers.outlook import Outlook, kept, outlook_of
from everygrain_papers.paper import Paper
from everygrain_papers.trends import Trend
from everygrain_papers.web.rendering import address, paper_address
from everygrain_papers.web.visit import House, Visit

SECONDS = 900.0  # how old all this may be while papers come
SMALL = 2_000  # papers of a room for which a reader may wait
KINDS = {"term": "Terms", "topic": "Topics", "paper": "Papers"}
WIDTH = 240  # of the drawing of an interval, as in forms.html

_log = logging.getLogger("everygrain_papers.web")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShownTopic:
    id: int
    name: str
    terms: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a room holds: number of papers by venue and by source, the most first."""

    venues: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownTrend:
    """A trend, and the drawing of its interval on a scale of doublings.

    left, middle, right, one   places in the drawing of both ends, the ratio, and "as before"
    """

    name: str
    address: str
    told: str
    made_of: str
    ratio: str
    also: tuple[str, ...]
    papers: tuple[Paper, ...]
    left: float
    middle: float
    right: float
    one: float
    ticks: tuple[tuple[float, str], ...]


def outlook(house: House) -> Outlook | None:
    """Return what is known of the papers as a whole; None while it is first made."""

    def make() -> Outlook | None:
        if len(house.room.papers) <= SMALL:
            return outlook_of(house.room)
        # `everygrain papers update` makes it for a large room, in a process of its own
        return kept(house.room) or outlook_of(house.room)

    return _soon(house, "outlook", make, None)


def held(house: House) -> Held:
    def make() -> Held:
        venues: Counter[str] = Counter()
        sources: Counter[str] = Counter()
        for paper in house.room.papers.papers():
            venues[paper.venue] += 1
            sources[paper.source] += 1
        del venues[""], sources[""]
        return Held(dict(venues.most_common(40)), dict(sources.most_common(20)))

    return _soon(house, "held", make, Held())


def _soon(house: House, key: str, make: Callable[[], T], default: T) -> T:
    if len(house.room.papers) <= SMALL:
        return house.cache.get(key, make, seconds=10.0, late=True)
    return house.cache.soon(key, make, default, seconds=SECONDS)


def warm(house: House) -> None:
    """Make all this now, behind the pages, so that the first reader finds it made."""

    def begin() -> None:
        try:
            outlook(house)
            held(house)
        except EverygrainError as error:
            _log.warning("%s", error)  # the page that needs it tells its reader

    Thread(target=begin, daemon=True).start()


def topics(house: House) -> list[ShownTopic]:
    """Return the topics, the largest first."""
    known = outlook(house)
    if known is None:
        return []

    def make() -> list[ShownTopic]:
        sizes = Counter(known.topic_of.values())
        found = [
            ShownTopic(number, name, known.words.get(number, ()), sizes[number])
            for number, name in known.names.items()
        ]
        return sorted(found, key=lambda topic: (-topic.size, topic.id))

    return house.cache.get(("topics", known.made), make, seconds=SECONDS, late=True)


def topic_of(house: House, paper: str) -> tuple[int, str] | None:
    """Return number and name of a paper's topic."""
    known = outlook(house)
    number = known.topic_of.get(paper) if known is not None else None
    if known is None or number is None or number not in known.names:
        return None
    return number, known.names[number]


def rising(house: House, kind: str, most: int = 30) -> list[ShownTrend]:
    """Return what rises as a page shows it, all on one scale."""
    known = outlook(house)
    if known is None:
        return []
    lists = {"term": known.terms, "topic": known.topics, "paper": known.papers}
    found = lists[kind][:most]
    ids = dict.fromkeys(id for trend in found for id in trend.papers[:4])
    papers = house.room.papers.fetch(list(ids))
    top = max([2.0, *(min(trend.high, trend.ratio * 8) for trend in found)])
    bottom = min([0.5, *(max(trend.low, 0.25) for trend in found)])
    numbers = {name: number for number, name in known.names.items()}
    return [_shown(trend, papers, bottom, top, numbers) for trend in found]


def _shown(
    trend: Trend, papers: Mapping[str, Paper], bottom: float, top: float, numbers: Mapping[str, int]
) -> ShownTrend:
    def place(ratio: float) -> float:
        share = math.log(min(max(ratio, bottom), top) / bottom) / math.log(top / bottom)
        return round(12 + share * (WIDTH - 24), 1)

    steps = [2.0**power for power in range(-2, 13) if bottom <= 2.0**power <= top]
    steps = steps[:: max(1, math.ceil(len(steps) / 5))]
    of_papers = trend.kind == "paper"
    what = "the mean score of new papers" if of_papers else "what its past lets expect"
    return ShownTrend(
        trend.name,
        _leads(trend, numbers),
        f"{trend.ratio:.1f} times {what}, 95 %: {trend.low:.1f} to {trend.high:.1f}",
        trend.made_of,
        f"{trend.ratio:.1f}",
        trend.also,
        () if of_papers else tuple(papers[id] for id in trend.papers[:4] if id in papers),
        place(trend.low),
        place(trend.ratio),
        place(trend.high),
        place(1.0),
        tuple((place(step), f"×{step:g}") for step in steps),
    )


def _leads(trend: Trend, numbers: Mapping[str, int]) -> str:
    if trend.kind == "paper" and trend.papers:
        return paper_address(trend.papers[0])
    if trend.kind == "topic" and trend.name in numbers:
        return address("/search", topic=numbers[trend.name])
    return address("/search", q=trend.name)


def trending_page(visit: Visit) -> Response:
    """Show what rises, with intervals and what each figure is made of."""
    kind = visit.asked("kind")
    kind = kind if kind in KINDS else "term"
    known = outlook(visit.house)
    nothing = "Nothing here rises surely above its own past."
    if known is None:
        nothing = "The papers are being counted. Load this page again in a minute."
    return visit.page(
        "trending.html", place="trending", kind=kind, tabs=list(KINDS.items()), known=known,
        trends=rising(visit.house, kind), nothing=nothing,
    )  # fmt: skip
