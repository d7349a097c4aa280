"""Candidates, read once and ranked for any number of readers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix, vstack

from everygrain.errors import InputError
from everygrain_papers.interests.keywords import Keywords
from everygrain_papers.interests.terms import (
    MOST_READ,
    Floats,
    collect,
    read,
    spread,
)
from everygrain_papers.paper import Paper

MOST_PRESUMED = 5_000  # papers that stand for all that the reader does not care for
ENOUGH = 500  # papers of the background that do without candidates beside them


class Pool:
    """Papers that may be recommended, as rows of terms and as vectors.

    candidates   n papers
    vectors      (n, d) float32, rows of length 1, or zero where there is none
    background   further papers, never recommended: they tell how rare a term is, and stand beside
                 the candidates for all that a reader does not care for

    Above 10,000 papers, terms are collected from 10,000 of them, evenly spread; all are read.
    Raises InputError for vectors of another number of rows, or not finite, and for one id twice.
    """

    def __init__(
        self, candidates: Sequence[Paper], vectors: Floats, background: Sequence[Paper] = ()
    ) -> None:
        self.candidates = tuple(candidates)
        self.vectors = np.asarray(vectors, dtype=np.float32)
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.candidates):
            raise InputError(
                f"{len(self.candidates)} candidates have vectors of shape {self.vectors.shape}.",
                "Give one row for each candidate, in their order.",
            )
        if not np.isfinite(self.vectors).all():
            raise InputError("A candidate's vector is not finite.", "Encode the papers anew.")
        if len({paper.id for paper in self.candidates}) < len(self.candidates):
            raise InputError("Two candidates have the same id.", "Give each paper once.")
        papers = (*self.candidates, *background)
        self._background_ids = tuple(paper.id for paper in background)
        picked = list(spread(len(papers), MOST_READ))
        self.vocabulary, rows = collect([read(papers[i]) for i in picked])
        if len(picked) == len(papers):
            self.rows: csr_matrix = rows[: len(self.candidates)]
            self._background = rows[len(self.candidates) :]
        else:
            self.rows = self.vocabulary.rows([read(paper) for paper in self.candidates])
            self._background = self.vocabulary.rows([read(paper) for paper in background])

    @cached_property
    def keywords(self) -> Keywords:
        """The candidates, to be asked for keywords."""
        return Keywords(self.candidates, self.vocabulary, self.rows.tocsc())

    @cached_property
    def presumed(self) -> tuple[tuple[str, ...], csr_matrix]:
        """Ids and rows of papers, evenly spread, that are presumed to be of no interest: the
        background; and the candidates where that is small, though a few of them are wanted."""
        others = list(spread(len(self._background_ids), MOST_PRESUMED))
        ids = [self._background_ids[i] for i in others]
        rows = self._background[others]
        if len(ids) >= ENOUGH:
            return tuple(ids), rows
        picked = list(spread(len(self.candidates), MOST_PRESUMED))
        ids += [self.candidates[i].id for i in picked]
        return tuple(ids), csr_matrix(vstack([rows, self.rows[picked]]))

    def read(self, papers: Sequence[Paper]) -> csr_matrix:
        """Return the rows of other papers, by the terms of this pool."""
        return self.vocabulary.rows([read(paper) for paper in papers])
