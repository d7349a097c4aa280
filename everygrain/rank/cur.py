"""The best of all items under a scorer too dear to ask about each: a few scores tell the rest.

Offline, some anchor queries are scored against all n items: R (a, n). For a query, the scorer is
asked about some anchor items I alone, c (m,); the whole row is then taken for the combination of
anchor queries' rows that agrees with what was asked,

    row  ~  w F,   w = argmin |w F_I - c|^2 + ridge s^2 |w|^2

where F is R, with the query's rows from cheap scorers under it where there are any, and s^2 the
mean squared singular value of F_I. Without such rows and with ridge 0, w = c pinv(R_I): the CUR
decomposition, exact where the row lies in the span of R and R_I has the rank of R. What is left
of the budget is spent on the highest of the approximate row, and only exact scores are returned.

Source: Efficient Nearest Neighbor Search for Cross-Encoder Models using Matrix Factorization.
The ridge, and cheap scores as further rows, are ours; rounds of anchors that follow the
approximation are the same authors' later idea.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.errors import EverygrainError, InputError, QueryError
from everygrain.rank.base import PairScorer, Queries, check_k, named
from everygrain.rank.cross import read, scored

Score = Callable[[Sequence[int]], Sequence[float] | npt.NDArray[np.floating]]
Numbers = npt.NDArray[np.int64]
Exact = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CurIndex:
    """What is known before any query: (a, n) finite scores of anchor queries for all items.

    Raises InputError for another shape, for no anchor query or item, and for NaN or infinity.
    """

    rows: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or 0 in self.rows.shape:
            raise InputError(
                f"Scores of anchor queries have the shape {self.rows.shape}.",
                "Give one row for each of one or more queries, one column for each item.",
            )
        wrong = np.argwhere(~np.isfinite(self.rows))
        if len(wrong):
            query, item = wrong[0].tolist()
            raise InputError(
                f"The score of anchor query {query} for item {item} is {self.rows[query, item]}.",
                "Mend the scorer.",
            )

    def __repr__(self) -> str:
        return f"CurIndex({self.rows.shape[0]} queries, {self.rows.shape[1]} items)"

    @property
    def items(self) -> int:
        return int(self.rows.shape[1])

    @classmethod
    def build(cls, scorer: PairScorer, queries: Queries, documents: Sequence[Document]) -> CurIndex:
        """Score anchor queries against all documents: len(queries) * len(documents) calls.

        Raises QueryError that names the anchor query where the scorer fails.
        """
        ids = [document.id for document in documents]
        texts = [read(document) for document in documents]
        found = [scored(scorer, name, text, ids, texts) for name, text in named(queries).items()]
        return cls(np.array(found, dtype=np.float32).reshape(len(found), len(texts)))

    def save(self, path: Path) -> None:
        """Write the scores to one .npy file."""
        with path.open("wb") as file:
            np.save(file, self.rows, allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> CurIndex:
        """Read what `save` wrote. Raises InputError for a missing or damaged file."""
        try:
            rows = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{path} holds no scores of anchor queries ({error}).", "Build them again."
            ) from error
        return cls(rows.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Best:
    """What a search found.

    items    (k,) numbers of items, best first
    scores   (k,) their exact scores
    calls    items that the scorer was asked about
    """

    items: Numbers
    scores: Exact
    calls: int


@dataclass(frozen=True)
class Cur:
    """Searches under an expensive scorer.

    index    scores of anchor queries
    share    of the calls that are spent on anchors, in (0, 1]
    leading  share of the first anchors that are a retriever's best, in [0, 1]; the others are
             drawn by lot, the same for all queries
    rounds   in which the anchors are chosen, at least 1: those of a later round are the best by
             the approximation so far
    ridge    at least 0; 0 is the pseudo-inverse
    seed     of the lot

    The defaults are those that were best at 100 calls (benchmarks/results/rank_cur.md). Raises
    QueryError for a setting out of range.
    """

    index: CurIndex
    share: float = 0.8
    leading: float = 0.75
    rounds: int = 4
    ridge: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        fine = 0 < self.share <= 1 and 0 <= self.leading <= 1
        if not (fine and self.rounds >= 1 and self.ridge >= 0):
            raise QueryError(
                f"{self!r} has a setting out of range.",
                "Use share in (0, 1], leading in [0, 1], 1 round or more, and ridge of 0 or more.",
            )

    def search(
        self,
        score: Score,
        k: int,
        calls: int,
        *,
        first: Sequence[int] = (),
        cheap: npt.NDArray[np.floating] | None = None,
    ) -> Best:
        """Return the best min(k, calls, n) items among those that were scored.

        score   item numbers, each asked about once -> their exact scores
        calls   items that may be asked about, at least 1
        first   item numbers from a retriever, best first; without any, all anchors are by lot
        cheap   (h, n) or (n,) scores of this query by cheap scorers, as further rows

        Raises QueryError for settings out of range, and where the scorer raises, gives another
        number of scores, or one that is not finite.
        """
        check_k(k)
        check_k(calls)
        total = self.index.items
        asked = _Asked(score, total, min(calls, total))
        rows = self._rows(cheap)
        anchors = max(1, round(self.share * asked.budget))
        for number in range(self.rounds):
            goal = -(-anchors * (number + 1) // self.rounds)
            if number == 0:
                asked.ask(self._first_anchors(goal, first))
            else:
                asked.ask_best(approximate(rows, asked.items, asked.scores, self.ridge), goal)
        if asked.left:
            asked.ask_best(approximate(rows, asked.items, asked.scores, self.ridge), asked.budget)
        order = np.lexsort((asked.items, -asked.scores))[:k]
        return Best(asked.items[order], asked.scores[order], len(asked.items))

    def _rows(self, cheap: npt.NDArray[np.floating] | None) -> Exact:
        rows = self.index.rows.astype(np.float64)
        if cheap is None:
            return rows
        further = np.atleast_2d(np.asarray(cheap, dtype=np.float64))
        if further.shape[1:] != (self.index.items,) or not np.isfinite(further).all():
            raise QueryError(
                f"Cheap scores of the shape {further.shape} for {self.index.items} items.",
                "Give one finite score for each item.",
            )
        # of the size of the other rows, so that the ridge holds all alike
        lengths = np.sqrt(np.square(further).sum(axis=1, keepdims=True))
        usual = np.sqrt(np.square(rows).sum(axis=1).mean())
        scaled = np.divide(further * usual, lengths, out=np.zeros_like(further), where=lengths > 0)
        return np.concatenate([rows, scaled])

    def _first_anchors(self, count: int, first: Sequence[int]) -> Numbers:
        """Return the (count,) first anchors: the retriever's best, then by lot."""
        total = self.index.items
        wrong = [item for item in first if not 0 <= item < total]
        if wrong:
            raise QueryError(
                f"The retriever gave the item {wrong[0]}, and there are {total}.",
                "Give numbers from 0 to one less than that.",
            )
        best = list(dict.fromkeys(first))[: round(self.leading * count)]
        drawn = np.random.default_rng(self.seed).permutation(total)
        chosen = dict.fromkeys([*map(int, best), *drawn.tolist()])
        return np.array(list(chosen)[:count], dtype=np.int64)


def approximate(rows: Exact, items: Numbers, scores: Exact, ridge: float) -> Exact:
    """Return the (n,) approximate scores of all items.

    rows     (a, n) known scores;  items, scores   (m,) what was asked, and the answers
    """
    known = rows[:, items]
    left, values, right = np.linalg.svd(known, full_matrices=False)
    if not values[0] > 0:
        return np.zeros(rows.shape[1])
    kept = values > values[0] * max(known.shape) * np.finfo(np.float32).eps
    left, values, right = left[:, kept], values[kept], right[kept]
    filtered = values / (np.square(values) + ridge * float(np.square(values).mean()))
    weights = (scores @ right.T) * filtered @ left.T
    found: Exact = weights @ rows
    return found


class _Asked:
    """Counts what one search asks of the scorer; never more than the budget, and nothing twice."""

    def __init__(self, score: Score, total: int, budget: int) -> None:
        self.score, self.total, self.budget = score, total, budget
        self.items: Numbers = np.zeros(0, dtype=np.int64)
        self.scores: Exact = np.zeros(0)

    @property
    def left(self) -> int:
        return self.budget - len(self.items)

    def ask_best(self, approximated: Exact, goal: int) -> None:
        """Ask about the highest of an approximation until `goal` items are known."""
        waiting = approximated.copy()
        waiting[self.items] = -np.inf
        order = np.lexsort((np.arange(self.total), -waiting))
        self.ask(order[: max(0, goal - len(self.items))])

    def ask(self, items: Numbers) -> None:
        chosen = items[: self.left]
        if not len(chosen):
            return
        try:
            found = np.asarray(self.score(chosen.tolist()), dtype=np.float64)
        except EverygrainError:
            raise
        except Exception as error:
            raise QueryError(
                f"The scorer failed on {len(chosen)} items, the first of which is number "
                f"{chosen[0]} ({type(error).__name__}: {error}).",
                "Mend the scorer.",
            ) from error
        if found.shape != chosen.shape:
            raise QueryError(
                f"The scorer gave scores of the shape {found.shape} for {len(chosen)} items.",
                "Mend the scorer: it gives one score for each item.",
            )
        wrong = np.flatnonzero(~np.isfinite(found))
        if len(wrong):
            raise QueryError(
                f"The scorer gave {found[wrong[0]]} for the item {chosen[wrong[0]]}.",
                "Mend the scorer, or leave the item out.",
            )
        self.items = np.concatenate([self.items, chosen])
        self.scores = np.concatenate([self.scores, found])
