"""Which terms of one, two or three words stand in which papers, counted over arrays.

A term is told from a stop phrase by where it stands, by no dictionary: terms of a field stand in
titles and come back within an abstract, phrases of style ("extensive experiments", "delving
into") do neither. The calendar plays no part in it, so it takes no side on what rises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.trends.counts import TermCounts
from everygrain_papers.trends.windows import Integers
from everygrain_papers.trends.words import BREAK, LINKS, is_stop, may_end, stem

Numbers: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
_Named: TypeAlias = tuple[list[str | None], Numbers, Numbers]  # names of runs, and pairs

FEWEST = 10  # papers that hold a term, in all windows together
IN_TITLES = {1: 0.05, 2: 0.05, 3: 0.05}  # share of its papers with it in the title, by words
TWICE = {1: 0.2, 2: 0.1, 3: 0.05}  # share of its papers that hold it more than once


@dataclass(frozen=True, eq=False)
class Table:
    """Terms and the papers that hold them.

    terms    each as its stems, with spaces and without hyphens
    within   (terms, papers) csr_matrix of ones
    """

    terms: tuple[str, ...]
    within: csr_matrix


@dataclass(frozen=True, eq=False)
class _Runs:
    """Runs of words: which of them, where each begins, and how its papers hold it."""

    at: Numbers  # (words,) number of the run that begins there, -1 for none
    first: Integers  # (runs,) a place where it begins
    run: Numbers  # (pairs,) with paper: which runs stand in which papers
    paper: Numbers
    titled: Integers  # (runs,) papers with it in the title
    twice: Integers  # (runs,) papers that hold it more than once


def table(counts: TermCounts, ids: Sequence[str], fewest: int = FEWEST) -> Table:
    """Return the terms that at least `fewest` of these papers hold, in the order of ids."""
    stems, stem_of = _stems(counts.vocabulary)
    told = [counts.words(id) for id in ids]
    lengths = np.array([words.size for words, _ in told], dtype=np.int64)
    words = stem_of[np.concatenate([np.zeros(0, np.int32), *(words for words, _ in told)])]
    papers = np.repeat(np.arange(len(ids), dtype=np.int32), lengths)
    ends = np.cumsum(lengths) - lengths + np.array([title for _, title in told], dtype=np.int64)
    titled = np.arange(words.size, dtype=np.int64) < np.repeat(ends, lengths)
    del told, ends
    single = np.array([not is_stop(each) for each in stems])
    ending = np.array([may_end(each) for each in stems])
    linking = np.array([each in LINKS for each in stems])
    single[0] = ending[0] = False

    def told_of(runs: _Runs, length: int, allowed: Flags) -> _Named:
        spread = np.maximum(np.bincount(runs.run, minlength=runs.first.size), 1)
        kept = allowed & (runs.titled >= IN_TITLES[length] * spread)
        kept &= runs.twice >= TWICE[length] * spread
        places = runs.first[:, None] + np.arange(length)
        names = [
            " ".join(stems[each] for each in words[run]).replace("-", " ") if keep else None
            for run, keep in zip(places, kept, strict=True)
        ]
        held = kept[runs.run]
        return names, runs.run[held], runs.paper[held]

    everywhere = np.flatnonzero(ending[words])
    ones = _runs(everywhere, words[everywhere], papers, titled, fewest)
    named = [told_of(ones, 1, single[words[ones.first]])]
    edge, link = ending[words] & (ones.at >= 0), linking[words]
    del ones, everywhere
    # A pair that ends in a link is no term, but a term of three words may begin with it.
    starts = np.flatnonzero(edge[:-1] & (edge | link)[1:] & (papers[:-1] == papers[1:]))
    size = len(stems)
    twos = _runs(
        starts, words[starts].astype(np.int64) * size + words[starts + 1], papers, titled, fewest
    )
    said = single[words[twos.first]] | single[words[twos.first + 1]]
    named.append(told_of(twos, 2, said & ~link[twos.first + 1]))
    starts = np.flatnonzero(
        (twos.at[:-2] >= 0)
        & edge[2:]
        & ((twos.at[1:-1] >= 0) | link[1:-1])
        & (papers[:-2] == papers[2:])
    )
    pairs = twos.at[starts].astype(np.int64)
    del twos
    threes = _runs(starts, pairs * size + words[starts + 2], papers, titled, fewest)
    said = single[words[threes.first]] | single[words[threes.first + 2]]
    named.append(told_of(threes, 3, said))
    return _joined(named, len(ids))


def _stems(vocabulary: Sequence[str]) -> tuple[list[str], Numbers]:
    """Return every stem, the break first, and the stem of each surface, (surfaces,)."""
    numbers: dict[str, int] = {BREAK: 0}
    of = [numbers.setdefault(stem(word), len(numbers)) for word in vocabulary]
    return list(numbers), np.array(of, dtype=np.int32)


def _runs(
    places: Integers, codes: Integers | Numbers, papers: Numbers, titled: Flags, fewest: int
) -> _Runs:
    """Number the runs that begin at these places and that at least `fewest` papers hold.

    places   (m,) rising;   codes (m,) equal for equal runs
    papers   (words,) rising;   titled (words,) whether a place is in a title, which comes first
    """
    order = np.argsort(codes, kind="stable")  # within a run, papers and places still rise
    codes, where = codes[order], places[order]
    del order, places
    paper = papers[where]
    begins = np.ones(codes.size, dtype=bool)
    begins[1:] = codes[1:] != codes[:-1]
    number = (np.cumsum(begins) - 1).astype(np.int32)
    anew = begins.copy()
    anew[1:] |= paper[1:] != paper[:-1]
    new = np.flatnonzero(anew)
    held, runs = number[new], int(begins.sum())
    times = np.diff(np.append(new, codes.size))
    kept = np.flatnonzero(np.bincount(held, minlength=runs) >= fewest)
    renumbered = np.full(runs, -1, dtype=np.int32)
    renumbered[kept] = np.arange(kept.size, dtype=np.int32)
    at = np.full(papers.size, -1, dtype=np.int32)
    at[where] = renumbered[number]
    in_titles = np.bincount(held[titled[where[new]]], minlength=runs)
    twice = np.bincount(held[times > 1], minlength=runs)
    run = renumbered[held]
    inside = run >= 0
    return _Runs(
        at,
        where[np.flatnonzero(begins)[kept]],
        run[inside],
        paper[new][inside],
        in_titles[kept],
        twice[kept],
    )


def _joined(named: Sequence[_Named], papers: int) -> Table:
    """Put runs of all lengths together; those that differ in hyphens alone are one term."""
    numbers: dict[str, int] = {}
    rows, columns = [], []
    for names, run, paper in named:
        of = [-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names]
        rows.append(np.array(of, dtype=np.int32)[run])
        columns.append(paper)
    row, column = np.concatenate(rows), np.concatenate(columns)
    within = csr_matrix(
        (np.ones(row.size, dtype=np.int32), (row, column)), shape=(len(numbers), papers)
    )
    within.sum_duplicates()
    within.data[:] = 1
    return Table(tuple(numbers), within)
