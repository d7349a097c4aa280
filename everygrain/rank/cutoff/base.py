"""What a cut-off is: it ends a ranking where relevance ends, and may leave nothing of it.

A cut-off is a reranker, so it composes: `dense % 100 >> cutoff`. A query whose candidates all fall
short keeps its place in the ranking, without a row; `verdicts` says why, in words for a reader.
The scores that come in must be those that the cut-off was fitted to: of the leg that it names, or
of the system, where that was another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import counted
from everygrain.rank.base import Queries

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What a cut-off says of one query; prints as a sentence or two.

    kept        results that passed
    found       candidates
    best        of the candidates, in the unit of the threshold; None where nothing was found
    threshold   the least that passes
    unit        what both measure: "probability of relevance", "score"
    note        what the reader should know besides; may be empty
    of          what is counted, in the singular
    """

    kept: int
    found: int
    best: float | None
    threshold: float
    unit: str
    note: str = ""
    of: str = "candidate"

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no good answer: nothing reached the threshold."""
        return self.best is None or self.best < self.threshold

    def __str__(self) -> str:
        note = f" {self.note}" if self.note else ""
        if self.best is None:
            return f"No good answer: nothing was found.{note}"
        if self.is_empty:
            kept = f"; {self.kept:,} kept all the same" if self.kept else ""
            return (
                f"No good answer: the best of {counted(self.found, self.of)} has a "
                f"{self.unit} of {self.best:.3g}, below {self.threshold:.3g}{kept}.{note}"
            )
        if self.threshold == -np.inf:
            return f"All of {counted(self.found, self.of)} kept.{note}"
        return (
            f"{self.kept:,} of {counted(self.found, self.of)} kept, with a {self.unit} of "
            f"{self.threshold:.3g} or more.{note}"
        )


@runtime_checkable
class Cutoff(Protocol):
    """Ends rankings.

    leg   the leg whose scores it judges
    """

    @property
    def leg(self) -> str: ...

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        """Return the rows that pass; a query may be left without any."""
        ...

    def verdicts(self, queries: Queries, ranking: Ranking) -> dict[str, Verdict]:
        """Return query id -> what is said of its candidates, for every query of the ranking."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return JSON values from which `everygrain.rank.cutoff.named` makes it again."""
        ...


def passed(ranking: Ranking, values: npt.ArrayLike, threshold: float, at_least: int = 0) -> Ranking:
    """Keep the rows whose value reaches a threshold; no row changes its place.

    values   (n,) the new scores; they must not fall where the old ones rise within a query.
             Where two become one in float32, as probabilities near 1 do, the later is lowered by
             the last bit, so that the order stays
    at_least   so many rows of each query are kept, whatever their value
    """
    exact = np.asarray(values, dtype=np.float64)
    rows = np.flatnonzero((exact >= threshold) | (_ranks(ranking) <= at_least))
    scores = exact[rows].astype(np.float32)
    queries, former = ranking.query_ids[rows], ranking.scores[rows]
    for i in range(1, len(rows)):
        if queries[i] == queries[i - 1] and scores[i] >= scores[i - 1]:
            same = former[i] == former[i - 1]
            below = np.nextafter(scores[i - 1], np.float32(-np.inf))
            scores[i] = scores[i - 1] if same else below
    return Ranking(
        ranking.queries,
        queries,
        ranking.document_ids[rows],
        scores,
        None if ranking.starts is None else ranking.starts[rows],
        None if ranking.ends is None else ranking.ends[rows],
        {name: column[rows] for name, column in ranking.legs.items()},
    )


def judged(
    ranking: Ranking,
    values: npt.ArrayLike,
    threshold: float,
    unit: str,
    notes: Mapping[str, str],
    at_least: int = 0,
) -> dict[str, Verdict]:
    """Return the verdict of each query on rows with given values.

    notes   query id -> note
    at_least   as for `passed`
    """
    scores = np.asarray(values, dtype=np.float64)
    found: dict[str, list[float]] = {query: [] for query in ranking.queries}
    for query, value in zip(ranking.query_ids, scores.tolist(), strict=True):
        found[query].append(value)
    return {
        query: Verdict(
            max(sum(value >= threshold for value in each), min(at_least, len(each))),
            len(each),
            max(each, default=None),
            threshold,
            unit,
            notes.get(query, ""),
        )
        for query, each in found.items()
    }


def _ranks(ranking: Ranking) -> npt.NDArray[np.int64]:
    """Return the place of each row within its query, from 1."""
    new = np.ones(len(ranking), dtype=bool)
    new[1:] = ranking.query_ids[1:] != ranking.query_ids[:-1]
    places = np.arange(len(ranking))
    return places - np.maximum.accumulate(np.where(new, places, 0)) + 1
