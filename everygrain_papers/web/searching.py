"""The search page and the page of papers alike to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from everygrain import Hit
from everygrain_papers.alike import ALL
from everygrain_papers.facets import FACETS, check
from everygrain_papers.paper import EARLIEST, LATEST, Paper
from everygrain_papers.results import PaperHit, Results
from everygrain_papers.web import cards, labelling, subjects
from everygrain_papers.web.rendering import Refusal, address
from everygrain_papers.web.visit import Visit

LONGEST_QUERY = 1000  # characters
LAST_PAGE = 40
SECONDS = 5.0  # a search is answered anew after so long: indexes follow the papers
MOST_OPTIONS = 16  # venues, topics and labels to choose from
MOST_ALIKE = 30
MOST_LISTED = 10_000  # papers that filters without a query look at, but for topics and labels
PART = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search asks for; equal ones have equal results."""

    query: str = ""
    facet: str = ""
    year_from: int | None = None
    year_to: int | None = None
    venues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    topics: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    page: int = 1

    @property
    def filtered(self) -> bool:
        return bool(
            self.year_from or self.year_to or self.venues or self.sources or self.topics
            or self.labels
        )  # fmt: skip

    def address(self, interest: str = "", path: str = "/search") -> str:
        """Return the address of these results."""
        return address(
            path, q=self.query, facet=self.facet, **{"from": self.year_from}, to=self.year_to,
            venue=self.venues, source=self.sources, topic=self.topics,
            label=self.labels, page=self.page if self.page > 1 else "", interest=interest,
        )  # fmt: skip


def asked_of(visit: Visit) -> Asked:
    """Read a search from the address. Raises Refusal, naming the field, for what is none."""
    query = " ".join(visit.asked("q").split())
    if len(query) > LONGEST_QUERY:
        raise Refusal(
            400, f"The query has {len(query):,} characters.", f"Use at most {LONGEST_QUERY:,}."
        )
    facet = visit.asked("facet")
    facet = "" if facet in ("", ALL) else check(facet)
    numbers = [value for value in visit.asked_all("topic") if value.isascii() and value.isdigit()]
    return Asked(
        query, facet, visit.asked_number("from", EARLIEST, LATEST),
        visit.asked_number("to", EARLIEST, LATEST), tuple(visit.asked_all("venue")),
        tuple(visit.asked_all("source")), tuple(int(n) for n in numbers if len(n) < 10),
        tuple(visit.asked_all("label")),
        visit.asked_number("page", 1, LAST_PAGE) or 1,
    )  # fmt: skip


def found(visit: Visit, asked: Asked) -> Results:
    """Search, or return what the same search found a moment ago."""
    size = visit.house.settings.page_size
    room = visit.room
    mine = labelling.own(visit.house) if asked.labels else labelling.Own()

    def make() -> Results:
        among = _among(visit, asked, mine)
        if not asked.query:
            return _listed(visit, asked, among)
        return room.search(
            asked.query, size, offset=(asked.page - 1) * size, facet=asked.facet or None,
            year_from=asked.year_from, year_to=asked.year_to, venues=asked.venues,
            sources=asked.sources, ids=None if among is None else mine.with_later(among),
        )  # fmt: skip

    # what a label fits may change while no paper comes
    examples = tuple(tuple(mine.labels.get(name, ())) for name in asked.labels)
    return visit.house.cache.get(
        ("search", asked, examples, mine.is_learned), make, seconds=SECONDS
    )


def _among(visit: Visit, asked: Asked, mine: labelling.Own) -> list[str] | None:
    """Return the papers that have one of the topics and one of the labels, one of each work; None
    where neither is asked for."""
    if not asked.topics:
        return mine.papers(asked.labels) if asked.labels else None
    known = subjects.outlook(visit.house)
    of, wanted = known.topic_of if known is not None else {}, frozenset(asked.topics)
    if asked.labels:
        return [id for id in mine.papers(asked.labels) if of.get(id) in wanted]
    return [id for id, topic in of.items() if topic in wanted]


def _listed(visit: Visit, asked: Asked, among: Sequence[str] | None) -> Results:
    """Return the newest papers that the filters let through: without a query there is no rank.

    Of topics and labels all papers are looked at, otherwise the newest MOST_LISTED.
    """
    size = visit.house.settings.page_size
    first = (asked.page - 1) * size
    if among is None:
        papers = _newest(visit, asked, first + size + 1)
    else:
        papers = _newest_of(visit, asked, among, first + size + 1)
    shown = papers[first : first + size]
    hits = tuple(PaperHit(paper, Hit(paper.document(), 0.0)) for paper in shown)
    return Results(hits, len(papers) > first + size)


def _newest(visit: Visit, asked: Asked, most: int) -> list[Paper]:
    papers: list[Paper] = []
    for offset in range(0, MOST_LISTED, PART):
        part = visit.room.papers.newest(PART, offset)
        papers += [paper for paper in part if _passes(paper, asked)]
        if len(papers) >= most or len(part) < PART:
            break
    return papers[:most]


def _newest_of(visit: Visit, asked: Asked, ids: Sequence[str], most: int) -> list[Paper]:
    """Return the newest of these papers that the other filters let through."""
    papers: list[Paper] = []
    for start in range(0, len(ids), PART):  # no more of them at a time than a page and a part
        part = visit.room.papers.fetch(ids[start : start + PART]).values()
        papers += [paper for paper in part if _passes(paper, asked)]
        papers = sorted(papers, key=lambda p: p.date or str(p.year or ""), reverse=True)[:most]
    return papers


def _passes(paper: Paper, asked: Asked) -> bool:
    year = paper.year
    return (
        (asked.year_from is None or (year is not None and year >= asked.year_from))
        and (asked.year_to is None or (year is not None and year <= asked.year_to))
        and (not asked.venues or paper.venue in asked.venues)
        and (not asked.sources or paper.source in asked.sources)
    )


def search(visit: Visit) -> Response:
    """Show the results of a search, or the empty form."""
    asked = asked_of(visit)
    interests, chosen = cards.chosen(visit)
    interest = chosen.id if chosen else ""
    results = found(visit, asked) if asked.query or asked.filtered else Results()
    first = (asked.page - 1) * visit.house.settings.page_size + 1
    if asked.query:
        made = cards.of_hits(results.hits, chosen, asked.query, first)
    else:
        made = cards.of_papers([hit.paper for hit in results.hits], chosen, first)
    wanted = visit.asked("interest")
    topics, mine = subjects.topics(visit.house), labelling.own(visit.house)
    return visit.page(
        "search.html",
        place="search",
        asked=asked,
        cards=made,
        first=first,
        before=replace(asked, page=asked.page - 1).address(wanted) if asked.page > 1 else "",
        after=replace(asked, page=asked.page + 1).address(wanted)
        if results.more and asked.page < LAST_PAGE
        else "",
        removals=_removals(asked, topics, wanted),
        choices=_choices(visit, asked, topics, mine),
        learning=bool(asked.labels) and not mine.is_learned,
        interests=interests,
        chosen=interest if len(interests) > 1 or wanted else "",
        hidden=[pair for pair in visit.request.query_params.multi_items() if pair[0] != "interest"],
    )


def _choices(
    visit: Visit, asked: Asked, topics: Sequence[subjects.ShownTopic], mine: labelling.Own
) -> list[tuple[str, str, list[tuple[str, str, int, bool]]]]:
    """Return (name of the field, legend, [(value, label, count, whether chosen)])."""
    held = subjects.held(visit.house)
    of_topics = [
        (str(t.id), t.name, t.size, t.id in asked.topics)
        for i, t in enumerate(topics)
        if i < MOST_OPTIONS or t.id in asked.topics
    ]
    return [
        ("venue", "Venue", _options(held.venues, asked.venues)),
        ("source", "Source", _options(held.sources, asked.sources)),
        ("label", "Your labels", _options({n: mine.size(n) for n in mine.labels}, asked.labels)),
        ("topic", "Topic", of_topics),
    ]


def _options(counts: Mapping[str, int], chosen: Sequence[str]) -> list[tuple[str, str, int, bool]]:
    names = [*list(counts)[:MOST_OPTIONS], *chosen]
    return [(n, n[:80], counts.get(n, 0), n in chosen) for n in dict.fromkeys(names)]


def _removals(
    asked: Asked, topics: Sequence[subjects.ShownTopic], interest: str
) -> list[tuple[str, str]]:
    """Return (what a filter says, the address of the results without it)."""
    asked = replace(asked, page=1)
    names = {topic.id: topic.name for topic in topics}
    made: list[tuple[str, Asked]] = []
    if asked.year_from:
        made.append((f"from {asked.year_from}", replace(asked, year_from=None)))
    if asked.year_to:
        made.append((f"to {asked.year_to}", replace(asked, year_to=None)))
    for field, values in (
        ("venues", asked.venues), ("sources", asked.sources), ("topics", asked.topics),
        ("labels", asked.labels),
    ):  # fmt: skip
        for value in values:
            label = names.get(value, f"topic {value}") if isinstance(value, int) else value
            rest = tuple(each for each in values if each != value)
            changed: dict[str, Any] = {field: rest}
            made.append((label[:80], replace(asked, **changed)))
    return [(label, without.address(interest)) for label, without in made]


def alike(visit: Visit) -> Response:
    """Show the papers that are most alike to one, in one facet."""
    paper = visit.room.papers.get(visit.asked("id"))
    facet = visit.asked("facet") or ALL
    if facet != ALL:
        check(facet)
    near = visit.house.cache.get(
        ("alike", paper.id, facet, MOST_ALIKE),
        lambda: visit.room.alike(paper.id, facet, MOST_ALIKE),
        seconds=60.0,
    )
    _, chosen = cards.chosen(visit)
    made = [
        replace(
            card,
            excerpt=Markup("“{}”").format(cards.sentence(each.theirs))
            if each.is_said
            else Markup("Near as a whole; its abstract says nothing of this."),
            why=(f"nearest in the other paper: “{each.mine}”", f"score {each.score:.3g}"),
        )
        for card, each in zip(
            cards.of_papers([each.paper for each in near], chosen), near, strict=True
        )
    ]
    return visit.page(
        "alike.html", place="", paper=paper, facet="everything" if facet == ALL else facet,
        cards=made, which=facet, facets=[*FACETS, ALL],
    )  # fmt: skip
