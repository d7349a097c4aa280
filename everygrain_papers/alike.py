"""Papers alike in problem, method or result to one of the room or to somebody's own words, and the
sentences that show it.

    score = (1 - SHARE) whole / best whole + SHARE facet / best facet

whole is the score of a search for title and abstract, facet that of a search for the paper's own
sentences of the facet, both among whole abstracts; for own words see `scores_of_words`. The
sentences of a facet alone are too few words to find papers by: a reader who graded 801 pairs found
such lists clearly worse in problem and result (benchmarks/results/papers_facets_judged.md, which
chose SHARE).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from everygrain import Index
from everygrain_papers.facets import LONGEST, check, pieces
from everygrain_papers.functions.sentences import split
from everygrain_papers.paper import Paper
from everygrain_papers.results import Alike

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

ALL = "all"  # alike in everything: whole abstracts
SHARE = 0.2
DEPTH = 200  # papers of each search that are mixed
SLACK = 5  # more than asked, as versions of one work are folded
SYSTEM = "hybrid"


def to_paper(room: ReadingRoom, paper: Paper, facets: Sequence[str], k: int) -> list[list[Alike]]:
    """Return for each facet, or ALL, the works most alike to a paper of the room.

    The list is empty where its abstract says nothing of the facet.
    """
    mine = {facet: said([paper], facet, room)[0] for facet in facets}
    queries = {facet: " ".join(words)[:LONGEST] for facet, words in mine.items() if words}
    if not queries or not len(room.index):
        return [[] for _ in facets]
    whole = " ".join([paper.title, paper.abstract])[:LONGEST]
    own = {version.id for version in room.papers.versions(paper.id)}
    asked = {facet: query for facet, query in queries.items() if facet != ALL} | {ALL: whole}
    found = _scores(room.index, asked, DEPTH + len(own), own)
    lists: list[list[Alike]] = []
    for facet in facets:
        if facet not in queries:
            lists.append([])
            continue
        mixed = found[ALL] if facet == ALL else _mixed(found[ALL], found[facet])
        lists.append(_shown(room, room.index, mixed, mine[facet], facet, k))
    return lists


def to_words(room: ReadingRoom, text: str, facet: str, k: int) -> list[Alike]:
    """Return the works most alike to somebody's own words, in a facet or in all.

    All of the words are taken for the facet's, as their writer says; the sentence of a work that
    shows it is one of the facet, or its title where its abstract says nothing of it.
    """
    cut = text[:LONGEST]
    mine = [cut[start:end] for start, end in split(cut)]
    if not mine or not len(room.index):
        return []
    found = scores_of_words(room, cut, facet, max(DEPTH, 2 * k))
    return _shown(room, room.index, found, mine, facet, k)


def scores_of_words(room: ReadingRoom, text: str, facet: str, depth: int) -> dict[str, float]:
    """Return paper id -> score of the formula for a text; the facet's part is a search among the
    sentences of the facet, since the words for the facet are the whole text."""
    whole = _scores(room.index, {ALL: text}, depth, set())[ALL]
    if facet == ALL:
        return whole
    index = room.facets.indexes[check(facet)]
    part = _scores(index, {facet: text}, depth, set())[facet] if len(index) else {}
    return _mixed(whole, part)


def _mixed(whole: dict[str, float], part: dict[str, float]) -> dict[str, float]:
    return {
        identity: (1 - SHARE) * whole.get(identity, 0.0) + SHARE * part.get(identity, 0.0)
        for identity in {**whole, **part}
    }


def _scores(
    index: Index, queries: dict[str, str], depth: int, without: set[str]
) -> dict[str, dict[str, float]]:
    """Return for each query its documents with their shares of its best one's score."""
    ranking = index.retriever(SYSTEM).retrieve(queries, depth)
    found: dict[str, dict[str, float]] = {name: {} for name in queries}
    for name, identity, score in zip(
        ranking.query_ids, ranking.document_ids, ranking.scores.tolist(), strict=True
    ):
        if identity not in without:
            found[name][identity] = score
    for scores in found.values():
        best = max(scores.values(), default=0.0)
        for identity in scores:
            scores[identity] = scores[identity] / best if best > 0 else 0.0
    return found


def _shown(
    room: ReadingRoom, index: Index, scores: dict[str, float], mine: list[str], facet: str, k: int
) -> list[Alike]:
    order = sorted(scores, key=lambda identity: (-scores[identity], identity))
    papers = _one_of_each(room, order[: k + SLACK + k // 2])[:k]
    if not papers:
        return []
    theirs = [
        found or [paper.title]
        for paper, found in zip(papers, said(papers, facet, room), strict=True)
    ]
    return [
        Alike(paper, scores[paper.id], mine[i], sentences[j])
        for paper, sentences, (i, j) in zip(
            papers, theirs, nearest(index, mine, theirs), strict=True
        )
    ]


def _one_of_each(room: ReadingRoom, ids: Sequence[str]) -> list[Paper]:
    """Return the first paper of each work."""
    papers = room.papers.fetch(ids)
    works = room.papers.works(papers)
    first: dict[str, Paper] = {}
    for identity, paper in papers.items():
        first.setdefault(works[identity], paper)
    return list(first.values())


def said(papers: Sequence[Paper], facet: str, room: ReadingRoom) -> list[list[str]]:
    """Return of each paper the sentences of a facet, or all."""
    every = room.sentences_of_each(papers)
    if facet != ALL:
        every = [
            pieces(paper.abstract, found, check(facet))
            for paper, found in zip(papers, every, strict=True)
        ]
    return [
        [paper.abstract[each.start : each.end] for each in found]
        for paper, found in zip(papers, every, strict=True)
    ]


def nearest(
    index: Index, mine: Sequence[str], theirs: Sequence[Sequence[str]]
) -> list[tuple[int, int]]:
    """Return for each paper the pair of sentences, mine and theirs, that are most alike.

    index    whose encoder compares them
    mine     sentences; at least one
    theirs   sentences of each of the papers; at least one each
    """
    flat = [sentence[:LONGEST] for each in theirs for sentence in each]
    vectors = index.encode([*(each[:LONGEST] for each in mine), *flat], "document")
    likeness = vectors[: len(mine)] @ vectors[len(mine) :].T
    found, first = [], 0
    for each in theirs:
        part = likeness[:, first : first + len(each)]
        row, column = np.unravel_index(int(np.argmax(part)), part.shape)
        found.append((int(row), int(column)))
        first += len(each)
    return found
