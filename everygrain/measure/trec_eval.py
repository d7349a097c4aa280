"""Ranks of judged documents -> trec_eval's most used measures, of all queries at once.

With g(r) the grade of the document at rank r, 0 where it is not judged, R the number of documents
whose grade is at least rel, and hits the ranks r <= k where g(r) >= rel:

    nDCG@k      sum over r <= k of max(g(r), 0) / log2(r + 1), divided by the same sum over the
                grades sorted from the highest
    P@k         hits / k
    R@k         hits / R
    AP@k        sum over hits of (hits up to this one) / rank, divided by R
    RR@k        1 / rank of the first hit
    Success@k   1 if there is a hit

Sums run in the order of the ranks, in float64, as trec_eval's loops do: figures are those of
ir_measures (trec_eval, and MS MARCO's script for RR@k) to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.measure.judgements import HIGHEST_GRADE

Whole = npt.NDArray[np.int64]
Column = npt.NDArray[np.float64]

MEASURES = ("nDCG", "P", "R", "AP", "RR", "Success")
_PARAMETERS = {"cutoff", "rel"}
_NOT_JUDGED = -HIGHEST_GRADE - 1


def is_known(measure: Any) -> bool:
    """Tell whether `Judged.column` gives what ir_measures gives for one of its measures."""
    return measure.NAME in MEASURES and measure.params.keys() <= _PARAMETERS


@dataclass(frozen=True, eq=False)
class Judged:
    """What is judged for n queries, and where it was ranked.

    grades                     a list for each query, in any order
    query, rank, grade         (m,) of the judged documents that were ranked, sorted by query and
                               rank: place of the query, rank from 1, grade
    """

    grades: Sequence[Sequence[int]]
    query: Whole
    rank: Whole
    grade: Whole

    @classmethod
    def of(cls, judgements: Sequence[Mapping[str, int]], ranked: Sequence[Sequence[str]]) -> Judged:
        """Look up each query's ranked documents in what is judged; none is ranked twice."""
        found = (
            map(grades.get, documents, repeat(_NOT_JUDGED))
            for grades, documents in zip(judgements, ranked, strict=True)
        )
        sizes = np.array([len(documents) for documents in ranked], dtype=np.int64)
        grade = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=sizes.sum())
        query = np.repeat(np.arange(len(sizes)), sizes)
        rank = np.arange(1, len(query) + 1) - (np.cumsum(sizes) - sizes)[query]
        held = grade > _NOT_JUDGED
        rows = [list(grades.values()) for grades in judgements]
        return cls(rows, query[held], rank[held], grade[held])

    def column(self, measure: Any) -> Column:
        """Return (n,) the figures of a measure of ir_measures that `is_known`; 0 where it is
        undefined."""
        cutoff = measure.params.get("cutoff", math.inf)
        if measure.NAME == "nDCG":
            return self._ndcg(cutoff)
        hit = (self.grade >= (level := measure.params.get("rel", 1))) & (self.rank <= cutoff)
        query, rank = self.query[hit], self.rank[hit]
        hits = self._counted(query)
        if measure.NAME == "P":
            return hits / float(cutoff)
        if measure.NAME == "Success":
            return (hits > 0).astype(np.float64)
        if measure.NAME == "R":
            return _share(hits, self._relevant(level))
        firsts = np.searchsorted(query, query)
        if measure.NAME == "RR":
            first = firsts == np.arange(len(query))
            return self._summed(query[first], 1 / rank[first])
        order = np.arange(1, len(query) + 1) - firsts
        return _share(self._summed(query, order / rank), self._relevant(level))

    def _ndcg(self, cutoff: float) -> Column:
        held = (self.grade > 0) & (self.rank <= cutoff)
        gain = self._summed(self.query[held], self.grade[held] / _discounts(self.rank[held]))
        query, rank, grade = self._ideal
        held = rank <= cutoff
        return _share(gain, self._summed(query[held], grade[held] / _discounts(rank[held])))

    @cached_property
    def _all_grades(self) -> tuple[Whole, Whole]:
        """Return (query, grade) of everything that is judged."""
        sizes = [len(row) for row in self.grades]
        grade = np.fromiter(chain.from_iterable(self.grades), dtype=np.int64, count=sum(sizes))
        return np.repeat(np.arange(len(sizes)), sizes), grade

    @cached_property
    def _ideal(self) -> tuple[Whole, Whole, Whole]:
        """Return (query, rank, grade) as in a ranking of all that is relevant, the best first."""
        query, grade = self._all_grades
        query, grade = query[grade > 0], grade[grade > 0]
        order = np.lexsort((-grade, query))
        query, grade = query[order], grade[order]
        return query, np.arange(1, len(query) + 1) - np.searchsorted(query, query), grade

    def _relevant(self, level: int) -> Column:
        """Return (n,) the number of documents whose grade is at least the level."""
        query, grade = self._all_grades
        return self._counted(query[grade >= level])

    def _counted(self, query: Whole) -> Column:
        return np.bincount(query, minlength=len(self.grades)).astype(np.float64)

    def _summed(self, query: Whole, values: Column) -> Column:
        """Sum values by query, one after the other."""
        sums = np.bincount(query, weights=values, minlength=len(self.grades))
        return sums.astype(np.float64, copy=False)


def _discounts(rank: Whole) -> Column:
    """Return log2(rank + 1), by the C library's function: NumPy's may differ in the last bit."""
    distinct, places = np.unique(rank, return_inverse=True)
    found = np.array([math.log2(r + 1) for r in distinct.tolist()], dtype=np.float64)
    return found[places]


def _share(part: Column, whole: Column) -> Column:
    """Return part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
