"""Readers made from authors: what they wrote is what they like, what they write next is wanted."""

from __future__ import annotations

import gzip
import json
import tempfile
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from everygrain import Index
from everygrain_papers.interests import Interest
from everygrain_papers.interests.terms import Floats, read
from everygrain_papers.paper import Paper, of_record

PAPERS = Path(__file__).resolve().parents[3] / "shared" / "data" / "papers" / "papers.jsonl.gz"
CANDIDATES = 2_000  # new papers of the year
PAST = 4_000  # papers of the years before, by nobody in particular
FEWEST, MOST = 5, 80  # papers of an author before the year
COMMONEST = 100  # names with one surname; above, one name is likely to be several persons
MOST_IN_A_YEAR = 10  # papers under one name
DEVELOPMENT, REPORT = (2017, 2019), (2020, 2022, 2024)


@dataclass(frozen=True)
class Reader:
    """One reader in one year.

    interests   each an author's papers before the year, oldest first
    wanted      for each interest, ids of the papers that its author wrote in the year
    fresh       those of them without a co-author of the papers liked
    """

    interests: tuple[Interest, ...]
    wanted: tuple[frozenset[str], ...]
    fresh: frozenset[str]

    @property
    def relevant(self) -> frozenset[str]:
        return frozenset().union(*self.wanted)


@dataclass(frozen=True)
class Year:
    """A year's new papers, what was there before, and the readers.

    papers    id -> paper, of candidates, past and libraries
    vectors   id -> vector of candidates and libraries, by an encoder fitted on the past alone
    """

    year: int
    candidates: tuple[Paper, ...]
    past: tuple[Paper, ...]
    papers: dict[str, Paper]
    vectors: dict[str, Floats]
    single: tuple[Reader, ...]
    triple: tuple[Reader, ...]


class Archive:
    """All papers, by author and year. Raises FileNotFoundError where the data is not here."""

    def __init__(self, source: Path = PAPERS) -> None:
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            self.papers = [of_record(json.loads(line)) for line in lines]
        self.papers = [paper for paper in self.papers if paper.year]
        self.by_author: dict[str, list[Paper]] = defaultdict(list)
        for paper in sorted(self.papers, key=lambda each: (each.year or 0, each.id)):
            for author in dict.fromkeys(paper.authors):
                self.by_author[author].append(paper)
        self.surnames = Counter(name.split()[-1].casefold() for name in self.by_author if name)

    def plausible(self, name: str) -> bool:
        """Tell whether a name is plausibly one person: a given name written out, no very common
        surname, and not more papers in a year than one person writes."""
        parts = name.split()
        if len(parts) < 2 or len(parts[0].strip(".-")) < 2 or parts[0].endswith("."):
            return False
        a_year = Counter(paper.year for paper in self.by_author[name])
        return (
            self.surnames[parts[-1].casefold()] <= COMMONEST
            and max(a_year.values()) <= MOST_IN_A_YEAR
        )

    def authors(self, year: int, development: bool) -> list[str]:
        """Return authors with a past and a paper in the year; a third is for development only."""
        found = []
        for name in sorted(self.by_author):
            if (zlib.crc32(name.encode()) % 3 == 0) is not development:
                continue
            years = [paper.year or 0 for paper in self.by_author[name]]
            past = sum(each < year for each in years)
            if year in years and FEWEST <= past <= MOST and self.plausible(name):
                found.append(name)
        return found

    def reader(self, names: list[str], year: int) -> Reader:
        """Return the reader who follows what these authors wrote before a year."""
        interests, wanted, fresh = [], [], set()
        for place, name in enumerate(names):
            own = self.by_author[name]
            past = [paper for paper in own if (paper.year or 0) < year]
            new = [paper for paper in own if paper.year == year]
            known = {author for paper in past for author in paper.authors} - {name}
            fresh |= {paper.id for paper in new if known.isdisjoint(paper.authors)}
            liked = tuple(paper.id for paper in past)
            interests.append(Interest(f"interest-{place}", f"interest {place}", liked=liked))
            wanted.append(frozenset(paper.id for paper in new))
        return Reader(tuple(interests), tuple(wanted), frozenset(fresh))

    def replay(
        self,
        year: int,
        development: bool,
        single: int,
        triple: int,
        candidates_in_all: int = CANDIDATES,
        encoder: str = "static",
    ) -> Year:
        """Return a year with so many readers of one interest, and so many of three."""
        draw = np.random.default_rng(year)
        names = self.authors(year, development)
        names = [names[i] for i in draw.permutation(len(names))[: single + 3 * triple]]
        ones = [self.reader([name], year) for name in names[:single]]
        groups = (names[i : i + 3] for i in range(single, len(names) - 2, 3))
        threes = [self.reader(group, year) for group in groups]
        relevant = {each for reader in (*ones, *threes) for each in reader.relevant}
        new = [paper for paper in self.papers if paper.year == year]
        others = [paper for paper in new if paper.id not in relevant]
        picked = draw.permutation(len(others))[: max(candidates_in_all - len(relevant), 0)]
        candidates = [paper for paper in new if paper.id in relevant]
        candidates += [others[i] for i in sorted(picked)]
        candidates = [candidates[i] for i in draw.permutation(len(candidates))]
        before = [paper for paper in self.papers if (paper.year or 0) < year]
        past = [before[i] for i in sorted(draw.permutation(len(before))[:PAST])]
        liked = {each for r in (*ones, *threes) for i in r.interests for each in i.liked}
        papers = {paper.id: paper for paper in (*candidates, *past)}
        papers |= {paper.id: paper for paper in before if paper.id in liked}
        named = {paper.id: paper for paper in candidates}
        named |= {each: papers[each] for each in liked}
        vectors = encoded(named, past, encoder)
        return Year(
            year, tuple(candidates), tuple(past), papers, vectors, tuple(ones), tuple(threes)
        )


def encoded(papers: dict[str, Paper], fitted_on: list[Paper], encoder: str) -> dict[str, Floats]:
    """Return id -> vector of title and abstract; static ones are fitted on some papers first, a
    transformer is not, and its index needs but one."""
    with tempfile.TemporaryDirectory() as folder, Index(folder, encoder) as index:
        fitted_on = fitted_on if encoder == "static" else fitted_on[:1]
        index.add(paper.document() for paper in fitted_on)
        found = index.encode([read(paper) for paper in papers.values()], "document")
    return dict(zip(papers, found, strict=True))
