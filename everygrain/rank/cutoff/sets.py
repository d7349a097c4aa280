"""How good a returned set is, and which threshold or which number of results is best.

F1 of a query = 2 hits / (returned + relevant): the harmonic mean of precision and recall. A query
with nothing relevant has 1 if nothing is returned, else 0. Means are over queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import InputError

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What was found for n queries, and what of it is relevant: r rows.

    queries    (n,) ids
    owners     (r,) rising: the query of each row
    scores     (r,) falling within a query
    labels     (r,) 1.0 for relevant, 0.0 for not
    relevant   (n,) relevant documents, those not found included
    """

    queries: tuple[str, ...]
    owners: Whole
    scores: Floats
    labels: Floats
    relevant: Whole

    @classmethod
    def of(cls, ranking: Ranking, judgements: Mapping[str, Mapping[str, int]]) -> Candidates:
        """Label a ranking; queries without judgements are left out. Grades above 0 are relevant."""
        queries = tuple(query for query in ranking.queries if judgements.get(query))
        place = {query: i for i, query in enumerate(queries)}
        rows = [(place[q], s, judgements[q].get(d, 0) > 0) for q, d, s in ranking.rows()
                if q in place]  # fmt: skip
        owners = np.array([row[0] for row in rows], dtype=np.int64)
        return cls(
            queries,
            owners,
            np.array([row[1] for row in rows], dtype=np.float64),
            np.array([row[2] for row in rows], dtype=np.float64),
            np.array([sum(g > 0 for g in judgements[q].values()) for q in queries], dtype=np.int64),
        )

    def take(self, chosen: Sequence[int] | Whole) -> Candidates:
        """Return some of the queries, in the order given."""
        numbers = np.asarray(chosen, dtype=np.int64)
        bounds = np.searchsorted(self.owners, np.arange(len(self.queries) + 1))
        parts = [np.arange(bounds[i], bounds[i + 1]) for i in numbers]
        rows = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        owners = np.repeat(np.arange(len(numbers)), [len(part) for part in parts])
        return Candidates(
            tuple(self.queries[i] for i in numbers),
            owners.astype(np.int64),
            self.scores[rows],
            self.labels[rows],
            self.relevant[numbers],
        )

    @property
    def ranks(self) -> Whole:
        """Return (r,) the place of each row within its query, from 1."""
        firsts = np.searchsorted(self.owners, self.owners)
        return np.arange(1, len(self.owners) + 1) - firsts


def f1(candidates: Candidates, kept: npt.NDArray[np.bool_]) -> Floats:
    """Return (n,) F1 of each query, where kept (r,) says which rows are returned."""
    count = len(candidates.queries)
    hits = np.bincount(candidates.owners, kept * candidates.labels, count)
    returned = np.bincount(candidates.owners, kept.astype(np.float64), count)
    total = returned + candidates.relevant
    return np.asarray(np.divide(2 * hits, total, out=np.ones(count), where=total > 0))


def best_threshold(candidates: Candidates, values: npt.ArrayLike) -> float:
    """Return the threshold on values (r,) with the highest mean F1; of equals the highest.

    All thresholds are tried: rows are let in from the highest value down, and the mean F1 is kept
    up to date. +inf, which returns nothing, is one of them.
    Raises InputError where there is no row.
    """
    falling = np.asarray(values, dtype=np.float64)
    if not len(falling):
        raise InputError("There are no candidates to fit a threshold to.", "Give some.")
    rows = np.lexsort((-candidates.labels, -falling))
    owners, labels = candidates.owners[rows], candidates.labels[rows]
    # what each row finds when it is let in: how many of its query are in, and how many are hits
    by_query = np.argsort(owners, kind="stable")
    firsts = np.searchsorted(owners[by_query], owners[by_query])
    returned, hits = np.empty(len(rows)), np.empty(len(rows))
    returned[by_query] = np.arange(1, len(rows) + 1) - firsts
    running = np.cumsum(labels[by_query])
    hits[by_query] = running - np.concatenate([[0.0], running])[firsts]
    relevant = candidates.relevant[owners]
    after = 2 * hits / (returned + relevant)
    before_total = returned - 1 + relevant
    before = np.divide(
        2 * (hits - labels), before_total, out=np.ones(len(rows)), where=before_total > 0
    )
    gains = np.cumsum(after - before)
    last = np.append(falling[rows][1:] != falling[rows][:-1], True)  # equals come in together
    ends = np.flatnonzero(last)
    best = int(ends[np.argmax(gains[ends])])
    return float(falling[rows][best]) if gains[best] > 0 else float("inf")


def best_k(candidates: Candidates, most: int = 100) -> int:
    """Return the number of results, the same for every query, with the highest mean F1."""
    ranks = candidates.ranks
    means = [float(f1(candidates, ranks <= k).mean()) for k in range(1, most + 1)]
    return 1 + int(np.argmax(means))
