"""A cut-off that keeps the answer with a chance of at least 1 - alpha.

For n calibration queries with a known answer, let s_i be the score of the document that bears it.

    k = floor(alpha (n + 1));   threshold = the k-th smallest s_i, or -inf where k = 0

A document is kept if it scores at least the threshold.

What is guaranteed: if a new query and the n are exchangeable (drawn alike, in any order), the
answer-bearing document of the new query scores below the threshold with a chance of at most
k / (n + 1) <= alpha. That is an average over queries and over calibration sets (marginal
coverage), and it says that the document is among those kept.

What is not: that it holds for one query or one kind of query, that what is kept is relevant, that
an answer made from it is right, or anything for queries unlike the calibration's; pseudo-queries
made from titles are unlike people's questions. The guarantee is of the score that was calibrated,
over complete lists: where a list was cut before the threshold was reached, the verdict says so.

Source: CONFLARE: CONFormal LArge language model REtrieval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from everygrain.document import Ranking
from everygrain.errors import InputError, QueryError
from everygrain.rank.base import Queries
from everygrain.rank.cutoff.base import Verdict, judged, passed


@dataclass(frozen=True)
class Calibration:
    """What the answer-bearing documents of n queries scored.

    scores   (n,) rising; -inf where the search found no answer-bearing document
    leg      the leg, or the system, whose scores they are
    """

    scores: tuple[float, ...] = field(repr=False)
    leg: str = "dense"

    def __post_init__(self) -> None:
        if any(math.isnan(score) for score in self.scores):
            raise InputError("A calibration score is NaN.", "Mend the system that gave it.")
        object.__setattr__(self, "scores", tuple(sorted(self.scores)))

    @classmethod
    def of(
        cls, ranking: Ranking, judgements: Mapping[str, Mapping[str, int]], leg: str = "dense"
    ) -> Calibration:
        """Take from each judged query of a ranking its best score of a relevant document.

        ranking   complete, or deep enough that what it lacks would be below every threshold: an
                  answer that it lacks counts as -inf
        """
        best = {
            query: -math.inf
            for query in ranking.queries
            if any(grade > 0 for grade in judgements.get(query, {}).values())
        }
        for query, document, score in ranking.rows():
            if query in best and judgements[query].get(document, 0) > 0:
                best[query] = max(best[query], score)
        return cls(tuple(best.values()), leg)

    def place(self, alpha: float) -> int:
        """Return k = floor(alpha (n + 1)), alpha taken as the decimal that it is written as."""
        return math.floor(Fraction(repr(float(alpha))) * (len(self.scores) + 1))

    def threshold(self, alpha: float) -> float:
        """Return the k-th smallest score, or -inf where the queries are too few for alpha."""
        place = self.place(alpha)
        return self.scores[place - 1] if place else -math.inf


@dataclass(frozen=True)
class Conformal:
    """Keeps the answer-bearing document with a chance of at least 1 - alpha (see the module).

    alpha   in (0, 1): the share of queries whose answer may be lost
    """

    alpha: float
    calibration: Calibration = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise QueryError(
                f"alpha = {self.alpha} is no share of queries.", "Use one between 0 and 1."
            )

    def __repr__(self) -> str:
        return f"Conformal(alpha={self.alpha}, queries={len(self.calibration.scores)})"

    @property
    def leg(self) -> str:
        return self.calibration.leg

    @property
    def threshold(self) -> float:
        return self.calibration.threshold(self.alpha)

    @property
    def guarantee(self) -> str:
        """Return what is promised, in a sentence for a reader."""
        count = len(self.calibration.scores)
        if not self.calibration.place(self.alpha):
            needed = math.ceil(1 / Fraction(repr(float(self.alpha)))) - 1
            return (
                f"{count} calibration queries are too few for alpha = {self.alpha} "
                f"(it takes {needed}): everything that was found is returned."
            )
        if self.threshold == -math.inf:
            return (
                f"The search misses the answer of so many calibration queries that no cut-off "
                f"keeps {1 - self.alpha:.4g} of them: everything that was found is returned, and "
                "less than that may be covered."
            )
        return (
            f"On queries like the {count} of the calibration, a document that bears the answer is "
            f"among those kept for at least {1 - self.alpha:.4g} of them on average; not that "
            "what is kept is right."
        )

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        return passed(ranking, ranking.scores, self.threshold)

    def verdicts(self, queries: Queries, ranking: Ranking) -> dict[str, Verdict]:
        threshold = self.threshold
        notes = dict.fromkeys(ranking.queries, "")
        if threshold == -math.inf:
            notes = dict.fromkeys(ranking.queries, self.guarantee)
        else:
            for query, rows in ranking.by_query().items():
                if rows and rows[-1][1] >= threshold:
                    notes[query] = (
                        "The list ended before the threshold was reached, so more may belong to "
                        "it: the coverage is not guaranteed. Ask for more results."
                    )
        return judged(ranking, ranking.scores, threshold, "score", notes)

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "conformal",
            "alpha": self.alpha,
            "leg": self.leg,
            "scores": [s if math.isfinite(s) else None for s in self.calibration.scores],
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Conformal:
        """Raises InputError for settings of another kind."""
        try:
            scores = tuple(-math.inf if s is None else float(s) for s in settings["scores"])
            return cls(float(settings["alpha"]), Calibration(scores, str(settings["leg"])))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"These are no settings of a conformal cut-off ({error!r}).", "Calibrate anew."
            ) from None


def coverage(
    scores: np.ndarray[Any, np.dtype[np.float64]], alpha: float, splits: int, seed: int = 0
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (splits,) shares of answers kept, calibrating on a random half of the scores each.

    scores   (n,) of answer-bearing documents, n of 2 or more
    """
    generator = np.random.default_rng(seed)
    half = len(scores) // 2
    kept = np.empty(splits)
    for i in range(splits):
        drawn = scores[generator.permutation(len(scores))]
        threshold = Calibration(tuple(drawn[:half].tolist())).threshold(alpha)
        kept[i] = float((drawn[half:] >= threshold).mean())
    return kept
