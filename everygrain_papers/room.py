"""A reading room: the papers of one folder, searched whole and by what their sentences do.

    papers.db   the papers as their sources gave them: the record of truth
    index/      their titles and abstracts;   facets/   their sentences, by function
    people.db   what readers said: interests, likes, digests

The indexes follow the record: whatever was stored and not yet indexed when a process died is
indexed by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock

from everygrain import Hit, Index
from everygrain.errors import InputError, QueryError, StoredIndexError
from everygrain_papers import alike as likeness
from everygrain_papers.alike import ALL, SLACK
from everygrain_papers.facets import (
    FACETS,
    Facets,
    check,
    in_abstract,
    pieces,
)
from everygrain_papers.functions.base import Labeller
from everygrain_papers.functions.labelling import (
    Sentence,
    fingerprint,
    labeller_of,
    sentences_of,
)
from everygrain_papers.paper import Paper
from everygrain_papers.places import home
from everygrain_papers.results import Alike, PaperHit, Report, Results
from everygrain_papers.sources import Source
from everygrain_papers.store import PaperStore

MOST_KNOWN = 10_000  # abstracts whose sentences are kept in memory
MOST_RESULTS = 1000  # works of one query: nobody reads on


class ReadingRoom:
    """The papers of one folder.

    folder    `places.home()` if None
    encoder   as for an Index, of a room that is made now
    create    make a room where there is none

    Threads share one; processes may read while one ingests. Raises StoredIndexError where there
    is no room and none is to be made.
    """

    def __init__(
        self, folder: str | Path | None = None, *, encoder: str | None = None, create: bool = True
    ) -> None:
        self.folder = home() if folder is None else Path(folder)
        if not create and not (self.folder / "papers.db").exists():
            raise StoredIndexError(
                f"There is no reading room in {self.folder}.",
                "Make one with `everygrain papers ingest SOURCE`, or try `everygrain papers demo`.",
            )
        self.papers = PaperStore(self.folder / "papers.db")
        made = (self.folder / "index" / "catalogue.db").exists()
        self.index = Index(self.folder / "index", None if made else encoder)
        self.facets = Facets(self.folder / "facets", encoder)
        self._labeller: Labeller | None = None
        self._labelling = Lock()
        self._known: dict[str, list[Sentence]] = {}  # of abstracts

    def __enter__(self) -> ReadingRoom:
        return self

    def __exit__(self, *told: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ReadingRoom({str(self.folder)!r})"

    def __len__(self) -> int:
        return len(self.papers)

    def close(self) -> None:
        self.index.close()
        self.facets.close()
        self.papers.close()

    # filling

    def ingest(self, source: Source, *, on_progress: Callable[[int], None] | None = None) -> Report:
        """Read what is new in a source, and make it searchable.

        Goes on where the last reading of this source stopped; an interruption loses only what
        was in flight. on_progress is called with the number of items of each batch.
        Raises LockedError while another process ingests, InputError for a source that cannot be
        read.
        """
        from everygrain_papers.ingest import ingest

        return ingest(self, source, on_progress)

    @property
    def labeller(self) -> Labeller:
        """What says what sentences do: learned in this room (`functions/`), or by rules."""
        with self._labelling:
            if self._labeller is None:
                self._labeller = labeller_of(self.folder / "functions")
            return self._labeller

    def forget_labeller(self) -> None:
        """Load the labeller anew when it is next used: its files changed."""
        with self._labelling:
            self._labeller = None
        self._known = {}

    @property
    def labeller_is_new(self) -> bool:
        """Whether the facets were made by another labeller than the present one."""
        return self.papers.get_value("labeller") not in (None, fingerprint(self.labeller))

    # searching

    def search(
        self,
        query: str,
        k: int = 20,
        *,
        offset: int = 0,
        facet: str | None = None,
        year_from: int | None = None,
        year_to: int | None = None,
        venues: Sequence[str] = (),
        sources: Sequence[str] = (),
        ids: Iterable[str] | None = None,
    ) -> Results:
        """Return a page of works for a query, with evidence.

        facet   search only what the abstracts say of their problem, method or result
        ids     of the papers that may be shown: of a topic, for example
        """
        index = self.index if facet is None else self.facets.indexes[check(facet)]
        if not len(index):
            return Results()
        where = _where(year_from, year_to, venues, sources)
        wanted = offset + k + 1
        if wanted > MOST_RESULTS:
            raise QueryError(
                f"Only the first {MOST_RESULTS:,} results are shown.", "Make the query narrower."
            )
        allowed, depth = None if ids is None else frozenset(ids), wanted + SLACK
        while True:
            hits = index.search(query, depth, where=where, ids=allowed)
            works = self._works(hits)
            if len(works) >= wanted or len(hits) < depth:
                break
            depth *= 2  # more versions of the same works were found than usual
        page = works[offset : offset + k]
        return Results(tuple(self._shown(hits, facet) for hits in page), len(works) > offset + k)

    def _works(self, hits: Sequence[Hit]) -> list[list[tuple[Hit, Paper]]]:
        """Return the hits that are papers here still, those of one work together."""
        papers = self.papers.fetch([hit.id for hit in hits])
        works = self.papers.works(papers)
        found: dict[str, list[tuple[Hit, Paper]]] = {}
        for hit in hits:
            paper = papers.get(hit.id)
            if paper is not None:
                found.setdefault(works[hit.id], []).append((hit, paper))
        return list(found.values())

    def _shown(self, found: Sequence[tuple[Hit, Paper]], facet: str | None) -> PaperHit:
        (hit, paper), *others = found
        spans = [(each.span.start, each.span.end) for each in hit.spans]
        if facet is not None:
            chosen = pieces(paper.abstract, self.sentences(paper), check(facet))
            spans = [place for span in spans for place in in_abstract(*span, chosen)]
        evidence = tuple(dict.fromkeys(span for span in spans if span[1] <= len(paper.abstract)))
        return PaperHit(paper, hit, evidence, tuple(other.id for _, other in others))

    def sentences(self, paper: Paper) -> list[Sentence]:
        """Return the sentences of a paper's abstract and what each does, in order."""
        return self.sentences_of_each([paper])[0]

    def sentences_of_each(self, papers: Sequence[Paper]) -> list[list[Sentence]]:
        """Return what `sentences` does of many papers: pages show the same ones again and again,
        so those of the last ones are kept."""
        known = self._known
        if len(known) + len(papers) > MOST_KNOWN:
            known = self._known = {}
        new = list(dict.fromkeys(p.abstract for p in papers if p.abstract not in known))
        if new:
            known.update(zip(new, sentences_of(new, self.labeller), strict=True))
        return [known[paper.abstract] for paper in papers]

    def alike(self, paper_or_text: str, facet: str = ALL, k: int = 10) -> list[Alike]:
        """Return the works that are most alike in problem, method, result, or in all.

        paper_or_text   the id of a paper here, or somebody's own words
        A paper whose abstract says nothing of the facet has no list.
        """
        if facet != ALL:
            check(facet)
        mine = self.papers.fetch([paper_or_text]).get(paper_or_text)
        if mine is None:
            return likeness.to_words(self, paper_or_text, facet, k)
        return likeness.to_paper(self, mine, [facet], k)[0]

    def alike_in_each(self, paper: Paper, k: int = 10) -> dict[str, list[Alike]]:
        """Return what `alike` does of a paper here for every facet, in one search."""
        return dict(zip(FACETS, likeness.to_paper(self, paper, FACETS, k), strict=True))

    def index_waiting(self, on_progress: Callable[[int], None] | None = None) -> int:
        """Index what is stored and not indexed yet. Returns how many papers that was."""
        from everygrain_papers.ingest import index_waiting

        return index_waiting(self, on_progress)


def _where(
    first: int | None, last: int | None, venues: Sequence[str], sources: Sequence[str]
) -> str | None:
    """Return the conditions as a filter of the engine, every text quoted."""
    if first is not None and last is not None and first > last:
        raise InputError(f"The years {first} to {last} run backwards.", "Swap them.")
    parts = [] if first is None else [f"year >= {int(first)}"]
    parts += [] if last is None else [f"year <= {int(last)}"]
    for field, values in (("venue", venues), ("source", sources)):
        if values:
            parts.append(f"{field} in ({', '.join(json.dumps(str(v)) for v in values)})")
    return " and ".join(parts) or None
