"""Raw scores -> probabilities of relevance, so that the scores of several components compare.

A map is fitted on pairs whose relevance is known, for one component each: judged ones, or pairs of
the learning room among a retriever's candidates. What it tells is the probability among pairs like
those; another share of relevant pairs asks for another map.

Source: Pre-trained Language Model based Ranking in Baidu Search. There, fine-tuning anchors the
scores to human grades; here, a map is fitted behind the component, which stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import InputError
from everygrain.rank.base import PairScorer, Queries

Probabilities = npt.NDArray[np.float64]


class ScoreMap(Protocol):
    """A rising map from raw scores to probabilities."""

    def __call__(self, scores: npt.NDArray[Any]) -> Probabilities:
        """Return (n,) probabilities in [0, 1] of (n,) scores."""


@dataclass(frozen=True)
class Platt:
    """p = 1 / (1 + exp(-(slope score + offset))), by the most likely slope and offset.

    slope   at least 0, per unit of the score
    """

    slope: float
    offset: float

    @classmethod
    def fit(cls, scores: npt.ArrayLike, relevant: npt.ArrayLike) -> Platt:
        """Fit by Newton's method to Platt's targets, (m + 1) / (m + 2) for m relevant pairs and
        1 / (n + 2) for n others, which keep separable pairs from an infinite slope.

        A component whose scores fall with relevance gets slope 0: the share of relevant pairs.
        Raises InputError for other shapes, scores that are not finite, or pairs of one kind only.
        """
        found, truth = _checked(scores, relevant)
        positive = int(truth.sum())
        negative = len(truth) - positive
        targets = np.where(truth, (positive + 1) / (positive + 2), 1 / (negative + 2))
        centre, scale = float(found.mean()), float(found.std()) or 1.0
        features = np.stack([(found - centre) / scale, np.ones(len(found))], axis=1)
        weights = np.array([0.0, np.log((positive + 1) / (negative + 1))])
        for _ in range(100):
            likely = _sigmoid(features @ weights)
            gradient = features.T @ (likely - targets)
            curvature = features.T @ (features * (likely * (1 - likely))[:, None])
            step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
            worth = _loss(features @ weights, targets)
            while _loss(features @ (weights - step), targets) > worth + 1e-12 and step.any():
                step = np.where(np.abs(step) > 1e-12, step / 2, 0.0)
            weights = weights - step
            if np.abs(step).max() < 1e-10:
                break
        if weights[0] < 0:
            share = positive / len(truth)
            return cls(0.0, float(np.log(share / (1 - share))))
        slope = float(weights[0]) / scale
        return cls(slope, float(weights[1]) - slope * centre)

    def __call__(self, scores: npt.NDArray[Any]) -> Probabilities:
        return _sigmoid(self.slope * np.asarray(scores, dtype=np.float64) + self.offset)


@dataclass(frozen=True)
class Isotonic:
    """The rising step function with the least squared error, straight between its steps.

    knots    (m,) scores, rising
    values   (m,) probabilities, never falling
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __repr__(self) -> str:
        return f"Isotonic({len(self.knots)} knots)"

    @classmethod
    def fit(cls, scores: npt.ArrayLike, relevant: npt.ArrayLike) -> Isotonic:
        """Fit by pooling adjacent violators. Raises InputError as `Platt.fit` does."""
        from scipy.optimize import isotonic_regression

        found, truth = _checked(scores, relevant)
        knots, places = np.unique(found, return_inverse=True)
        counts = np.bincount(places)
        shares = np.bincount(places, weights=truth.astype(np.float64)) / counts
        fitted = isotonic_regression(shares, weights=counts).x
        # within a step only its two ends matter
        ends = np.ones(len(knots), dtype=bool)
        ends[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
        return cls(tuple(knots[ends].tolist()), tuple(fitted[ends].tolist()))

    def __call__(self, scores: npt.NDArray[Any]) -> Probabilities:
        found: Probabilities = np.interp(
            np.asarray(scores, dtype=np.float64), self.knots, self.values
        )
        return found


@dataclass(frozen=True)
class Calibrated:
    """A component whose scores are probabilities: a PairScorer, and a Reranker of former scores.

    score_map   fitted on the component's own scores
    scorer      the component; None to map the scores of a ranking
    """

    score_map: ScoreMap
    scorer: PairScorer | None = None

    def score(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n,) probabilities. Raises InputError without a scorer."""
        if self.scorer is None:
            raise InputError(f"{self!r} has no scorer.", "Give one, or use it behind a retriever.")
        return self.score_map(self.scorer.score(query, texts)).astype(np.float32)

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        """Return the ranking with probabilities; what the map makes alike is ordered by id."""
        found = self.score_map(ranking.scores)
        columns = zip(ranking.query_ids, ranking.document_ids, found, strict=True)
        return Ranking.of(list(ranking.queries), [(q, d, float(s)) for q, d, s in columns])


def calibration_error(
    probabilities: npt.NDArray[Any], relevant: npt.NDArray[Any], bins: int = 10
) -> float:
    """Return the expected calibration error in [0, 1]: over bins of equal numbers of pairs, the
    weighted mean distance of the mean probability to the share of relevant pairs."""
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(probabilities[p].mean() - relevant[p].mean()) * len(p) for p in parts]
    return float(sum(gaps) / max(len(order), 1))


def _checked(
    scores: npt.ArrayLike, relevant: npt.ArrayLike
) -> tuple[Probabilities, npt.NDArray[np.bool_]]:
    found = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(relevant, dtype=bool)
    if found.ndim != 1 or found.shape != truth.shape:
        raise InputError(
            f"Scores of the shape {found.shape} with judgements of the shape {truth.shape}.",
            "Give one judgement for each score.",
        )
    if not np.isfinite(found).all():
        raise InputError(
            f"Score {int(np.flatnonzero(~np.isfinite(found))[0])} of those to calibrate is "
            "not finite.",
            "Mend the component, or leave the pair out.",
        )
    if truth.all() or not truth.any():
        raise InputError(
            f"All of {len(truth)} pairs to calibrate on are of one kind.",
            "Give relevant pairs and others.",
        )
    return found, truth


def _sigmoid(values: npt.NDArray[np.float64]) -> Probabilities:
    found: Probabilities = 0.5 * (1 + np.tanh(values / 2))
    return found


def _loss(values: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]) -> float:
    """Return the sum of cross-entropies of sigmoid(values) in nats."""
    return float((np.logaddexp(0, values) - targets * values).sum())
