"""The page of one paper: what its sentences do, what is alike, its versions and its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from markupsafe import Markup, escape
from starlette.responses import PlainTextResponse, Response

from everygrain_papers.functions.base import FUNCTIONS
from everygrain_papers.merging import Decision
from everygrain_papers.paper import Paper
from everygrain_papers.results import Alike
from everygrain_papers.web import bibtex, cards, estimating, labelling, subjects
from everygrain_papers.web.glossaries import Explained, explained, term_marks
from everygrain_papers.web.highlight import LONGEST_SHOWN
from everygrain_papers.web.layers import marked
from everygrain_papers.web.rendering import Refusal, day, web_address
from everygrain_papers.web.visit import Visit

EACH = 5  # alike papers in each facet
MOST_REFERENCES = 300
MOST_REVISIONS = 20
LONGEST_COMPARED = 20_000  # characters of an abstract whose changes are shown
KEPT = 600.0  # seconds that a paper's neighbours are kept while no paper comes


@dataclass(frozen=True, slots=True)
class Run:
    """Sentences in a row that do the same."""

    function: str
    html: Markup


@dataclass(frozen=True, slots=True)
class ShownAlike:
    paper: Paper
    mine: Markup
    theirs: Markup


@dataclass(frozen=True, slots=True)
class ShownDecision:
    id: str
    told: str
    undone: bool


@dataclass(frozen=True, slots=True)
class ShownRevision:
    when: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Reference:
    text: str
    paper: Paper | None
    link: str


def paper_page(visit: Visit) -> Response:
    """Show one paper."""
    room = visit.room
    paper = room.papers.get(visit.paper_id())
    interests = visit.people.interests(visit.user.id)
    plain = visit.asked("view") == "plain"
    terms = explained(visit.house, paper)
    topic = subjects.topic_of(visit.house, paper.id)
    mine = labelling.own(visit.house)
    return visit.page(
        "paper.html",
        place="",
        paper=paper,
        links=_links(paper),
        runs=[] if plain else runs(visit, paper, terms),
        written=marked(paper.abstract, [], 0, LONGEST_SHOWN) if plain else "",
        functions=[each for each in FUNCTIONS if each != "other"],
        cut=LONGEST_SHOWN if len(paper.abstract) > LONGEST_SHOWN else 0,
        glossary=terms,
        marks=[(each, cards.mark_of(each, paper.id)) for each in interests],
        topic={"id": topic[0], "name": topic[1]} if topic else None,
        labels=mine.of_paper(paper.id),
        every_label=list(mine.labels),
        is_learned=mine.is_learned,
        estimate=estimating.of_paper(visit.house, paper.id),
        alike=alike_lists(visit, paper),
        versions=room.papers.versions(paper.id),
        keeps=visit.keeps,
        decisions=[_decision(each) for each in room.papers.decisions(paper.id)],
        revisions=_revisions(visit, paper),
        references=_references(visit, paper),
    )


def runs(visit: Visit, paper: Paper, terms: Sequence[Explained]) -> list[Run]:
    """Return the abstract in runs of sentences that do the same, as HTML."""
    text = paper.abstract[:LONGEST_SHOWN]
    if not text.strip():
        return []
    marks = term_marks(terms)
    found: list[tuple[str, int, int]] = []
    shown = replace(paper, abstract=text)
    sentences = visit.house.cache.get(
        ("sentences", paper.id, text), lambda: visit.room.sentences(shown), seconds=KEPT, late=True
    )
    for sentence in sentences:
        end = sentence.end
        if found and found[-1][0] == sentence.function:
            found[-1] = (sentence.function, found[-1][1], end)
        else:
            found.append((sentence.function, sentence.start, end))
    return [Run(function, marked(text, [marks], start, end)) for function, start, end in found]


def alike_lists(visit: Visit, paper: Paper) -> list[tuple[str, list[ShownAlike]]]:
    """Return for each facet the papers that are most alike."""

    def make() -> list[tuple[str, list[Alike]]]:
        return list(visit.room.alike_in_each(paper, EACH).items())

    found = visit.house.cache.get(("alike", paper.id), make, seconds=KEPT, late=True)
    return [
        (
            facet,
            [
                ShownAlike(
                    a.paper, cards.sentence(a.mine), cards.sentence(a.theirs if a.is_said else "")
                )
                for a in near
            ],
        )
        for facet, near in found
    ]


def _links(paper: Paper) -> list[tuple[str, str]]:
    """Return where else the paper is: its own address, its DOI, arXiv."""
    links = []
    if web_address(paper.url):
        links.append(("At its source", paper.url))
    if paper.doi:
        links.append(("DOI", web_address(f"https://doi.org/{paper.doi}")))
    if paper.arxiv_id:
        links.append(("arXiv", web_address(f"https://arxiv.org/abs/{paper.arxiv_id}")))
    return [(name, link) for name, link in links if link]


def _decision(decision: Decision) -> ShownDecision:
    return ShownDecision(decision.id, str(decision), decision.undone)


def _revisions(visit: Visit, paper: Paper) -> list[ShownRevision]:
    """Return what changed between the states of the abstract, the latest change last."""
    states = visit.room.papers.history(paper.id)[-MOST_REVISIONS:]
    shown = []
    for before, after in pairwise(states):
        old, new = before.paper, after.paper
        parts = []
        if old.title != new.title:
            parts.append(Markup("<p>{}</p>").format(changes(old.title, new.title)))
        if old.abstract != new.abstract:
            parts.append(Markup("<p>{}</p>").format(changes(old.abstract, new.abstract)))
        if parts:
            when = f"{day(before.stored)} → {day(after.stored)}"
            shown.append(ShownRevision(when, Markup("").join(parts)))
    return shown


def changes(old: str, new: str) -> Markup:
    """Return the new text with what was put in and what was taken out, as it was written."""
    from everygrain_papers.revisions import compare

    compared = compare(old[:LONGEST_COMPARED], new[:LONGEST_COMPARED])
    parts: list[Markup] = []
    for sentence in compared.sentences:
        for part in sentence.parts:
            gone = old[part.old_start : part.old_end]
            if part.kind == "same":
                parts.append(escape(gone))
                continue
            if gone:
                parts.append(Markup("<del>{}</del>").format(gone))
            if part.inserted:
                parts.append(Markup("<ins>{}</ins>").format(part.inserted))
    return Markup("").join(parts)


def _references(visit: Visit, paper: Paper) -> list[Reference]:
    told = paper.references[:MOST_REFERENCES]
    known = visit.room.papers.fetch(told)
    return [Reference(each, known.get(each), _reference_link(each)) for each in told]


def _reference_link(reference: str) -> str:
    if reference.startswith("10.") and "/" in reference:
        return web_address(f"https://doi.org/{reference}")
    return web_address(reference)


def abstract(visit: Visit) -> Response:
    """Give a whole abstract as plain text, however long it is."""
    return PlainTextResponse(visit.room.papers.get(visit.paper_id()).abstract)


def bibtex_entry(visit: Visit) -> Response:
    """Give the paper as BibTeX, as a file."""
    paper = visit.room.papers.get(visit.paper_id())
    name = f'attachment; filename="{bibtex.key(paper)[:80]}.bib"'
    return PlainTextResponse(
        bibtex.entry(paper), media_type="application/x-bibtex",
        headers={"Content-Disposition": name},
    )  # fmt: skip


def merge(visit: Visit) -> Response:
    """Keep two papers apart, or take a merge back into force, for all readers."""
    if not visit.keeps:
        raise Refusal(
            403,
            "Only a keeper of this room keeps papers apart or joins them: all readers see it.",
            "Ask whoever made your account.",
        )
    identity, act = visit.field("decision"), visit.field("act")
    if act == "redo":
        visit.room.papers.redo(identity)
        return visit.go(visit.field("back"), "together")
    visit.room.papers.undo(identity)
    return visit.go(visit.field("back"), "apart")
