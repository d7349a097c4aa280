"""The terms of an abstract that other abstracts explain."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from everygrain import Document
from everygrain_papers.functions.glossary import Entry, Glossary
from everygrain_papers.paper import Paper
from everygrain_papers.web.highlight import LONGEST_SHOWN
from everygrain_papers.web.layers import Mark
from everygrain_papers.web.visit import House

MOST_READ = 3_000  # newest papers whose definitions are looked for
MOST_TERMS = 12  # of one abstract
SECONDS = 1800.0
_PART = 1000


@dataclass(frozen=True, slots=True)
class Explained:
    """A term of an abstract with its meaning, and where it is explained.

    anchor   name of its place on the page
    places   (start, end) in the abstract
    paper    id of the paper that explains it
    """

    term: str
    meaning: str
    anchor: str
    paper: str
    places: tuple[tuple[int, int], ...]


def glossary(house: House) -> Glossary:
    """Return the glossary of the newest papers, as it was last made; empty until then."""

    def make() -> Glossary:
        documents: list[Document] = []
        for offset in range(0, MOST_READ, _PART):
            part = house.room.papers.newest(_PART, offset)
            documents += [Document(p.id, p.abstract[:LONGEST_SHOWN], p.title) for p in part]
            if len(part) < _PART:
                break
        return Glossary.of(documents)

    return house.cache.soon("glossary", make, Glossary({}), seconds=SECONDS)


def explained(house: House, paper: Paper) -> list[Explained]:
    """Return the terms of a paper's abstract that another paper explains, as they come."""
    known = glossary(house)
    if not len(known) or not paper.abstract.strip():
        return []
    document = Document(paper.id, paper.abstract[:LONGEST_SHOWN], paper.title)
    places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for link in known.links(document):
        places.setdefault(link.key, []).append((link.span.start, link.span.end))
    found = []
    for key, where in places.items():
        told = _meaning(known.entries[key], paper.id)
        if told is not None:
            anchor = f"term-{hashlib.blake2b(' '.join(key).encode(), digest_size=6).hexdigest()}"
            found.append(Explained(known.entries[key].term, told[0], anchor, told[1], tuple(where)))
    return found[:MOST_TERMS]


def _meaning(entry: Entry, own: str) -> tuple[str, str] | None:
    """Return the surest meaning that another paper gives, and that paper's id."""
    for meaning in entry.meanings:
        source = meaning.definition.term.document_id
        if source != own:
            return meaning.text[:400], source
    return None


def term_marks(terms: Sequence[Explained]) -> list[Mark]:
    """Return a link to its meaning for each term, where it first stands."""
    return [
        Mark(
            *each.places[0],
            Markup('<a class="term" href="#{}" title="{}">').format(each.anchor, each.meaning),
            Markup("</a>"),
        )
        for each in terms
    ]
