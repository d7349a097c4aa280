"""Papers alike in problem, in method or in result: retrieval by the sentences of one function.

Each facet is an index of its own, whose documents are the sentences of one function of each
paper's abstract. A paper, or somebody's own words, is searched for in it as a text; the pair of
sentences that are nearest to each other explains every result.

Background and problem are one facet: abstracts seldom say apart what is known and what is missing,
and labellers tell these two apart badly (F1 of problem .35 to .42, whatever they learned from:
benchmarks/results/papers_functions.md). A sentence that states the paper's aim is a problem to a
labeller; one that proposes something ("we present a parser that ...") says the method in it, and
belongs to that facet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

from everygrain import Document, Index
from everygrain.errors import InputError
from everygrain_papers.functions.base import Function
from everygrain_papers.functions.labelling import Sentence
from everygrain_papers.paper import Paper

Facet = Literal["problem", "method", "result"]
FACETS: tuple[Facet, ...] = get_args(Facet)
FUNCTIONS_OF: dict[Facet, tuple[Function, ...]] = {
    "problem": ("problem", "background"),
    "method": ("method",),
    "result": ("result",),
}
LONGEST = 2000  # characters of a text that is compared
_PROPOSES = re.compile(
    r"\b(we|paper|work|article|study|authors?|is|are)\b[^.]{0,40}?\b"
    r"(propos|present|introduc|develop|describ|devis|design|construct|build|offer|suggest)"
    r"(e|es|ed|s|ing|)\b",
    re.IGNORECASE,
)


def check(facet: str) -> Facet:
    """Return the facet. Raises InputError for a word that is none."""
    for each in FACETS:
        if facet == each:
            return each
    raise InputError(f"There is no facet '{facet}'.", f"Use one of {', '.join(FACETS)}.")


def pieces(abstract: str, sentences: Iterable[Sentence], facet: Facet) -> list[Sentence]:
    """Return the sentences of a facet, in order."""
    wanted = FUNCTIONS_OF[facet]
    chosen = []
    for each in sentences:
        function = each.function
        if function == "problem" and _PROPOSES.search(abstract, each.start, each.end):
            function = "method"
        if function in wanted:
            chosen.append(each)
    return chosen


def text_of(abstract: str, chosen: Sequence[Sentence]) -> str:
    """Return the document of a facet: its sentences, a space between them."""
    return " ".join(abstract[each.start : each.end] for each in chosen)


def in_abstract(start: int, end: int, chosen: Sequence[Sentence]) -> list[tuple[int, int]]:
    """Return where a span of a facet's document lies in the abstract it was taken from."""
    found, place = [], 0
    for each in chosen:
        length = each.end - each.start
        first, last = max(start, place), min(end, place + length)
        if first < last:
            found.append((each.start + first - place, each.start + last - place))
        place += length + 1
    return found


class Facets:
    """The three indexes, in folders of their names.

    encoder   as for an Index; it is asked for when an index is made
    """

    def __init__(self, folder: Path, encoder: str | None = None) -> None:
        self.indexes: dict[Facet, Index] = {
            facet: Index(folder / facet, *(() if _made(folder / facet) else (encoder,)))
            for facet in FACETS
        }

    def close(self) -> None:
        for index in self.indexes.values():
            index.close()

    def add(self, papers: Sequence[Paper], sentences: Sequence[Sequence[Sentence]]) -> None:
        """Hold these papers' sentences, and no longer what they said before."""
        for facet, index in self.indexes.items():
            documents, without = [], []
            for paper, found in zip(papers, sentences, strict=True):
                chosen = pieces(paper.abstract, found, facet)
                if not chosen:
                    without.append(paper.id)
                    continue
                kept = {"year": paper.year, "venue": paper.venue, "source": paper.source}
                text = text_of(paper.abstract, chosen)
                documents.append(Document(paper.id, text, "", kept))
            index.add(documents)
            if gone := list(index.fetch(without)):
                index.delete(gone)

    def delete(self, ids: Sequence[str]) -> None:
        for index in self.indexes.values():
            if gone := list(index.fetch(ids)):
                index.delete(gone)


def _made(folder: Path) -> bool:
    return (folder / "catalogue.db").exists()
