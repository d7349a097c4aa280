"""Past uses -> a classifier of queries over items, and a refinement of the items found first.

The classifier gives every item a logistic regression of its own over query vectors: a query may
use several items. The refiner orders the best items of a first stage by what several views say of
them, each beside the best of the other candidates. The paper's refiner is a transformer that reads
all candidates; this one has ten weights, and is learned from a few hundred uses.

Source: Efficient and Scalable Estimation of Tool Representations in Vector Space
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Vectors
from everygrain.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QueryClassifier:
    """Logits of items for queries: queries @ weights.T + biases.

    weights   (items, d)
    biases    (items,)
    """

    weights: Floats
    biases: Floats

    @classmethod
    def fit(
        cls, queries: Vectors, used: npt.NDArray[np.bool_], *, penalty: float = 0.1
    ) -> QueryClassifier:
        """Learn from (m, d) queries and (m, items) which items each used.

        penalty   on half the squared weights, beside the sum over queries of the losses, > 0

        Raises InputError where the shapes do not agree, or the penalty is not above 0.
        """
        if len(queries) != len(used) or used.ndim != 2 or not len(used):
            raise InputError(
                f"{len(queries)} queries and uses of the shape {used.shape}.",
                "Give one row of uses for each query, and one query at least.",
            )
        if not penalty > 0:
            raise InputError(f"The penalty is {penalty}.", "Use one above 0; 0.1 is usual.")
        from scipy.optimize import minimize

        inputs = np.hstack([queries.astype(np.float64), np.ones((len(queries), 1))])
        shape = (used.shape[1], inputs.shape[1])

        def loss(flat: Floats) -> tuple[float, Floats]:
            return logistic_loss(flat.reshape(shape), inputs, used, penalty)

        found: Any = minimize(
            loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100}
        )
        weights = found.x.reshape(shape)
        return cls(weights[:, :-1], weights[:, -1])

    def logits(self, queries: Vectors) -> Floats:
        """Return (m, items); the chance of use is 1 / (1 + exp(-logit))."""
        return np.asarray(queries @ self.weights.T + self.biases, dtype=np.float64)


def logistic_loss(
    weights: Floats, inputs: Floats, used: npt.NDArray[np.bool_], penalty: float
) -> tuple[float, Floats]:
    """Return the sum over queries and items of the logistic losses, and its gradient.

    weights   (items, d + 1), the last column the biases, which have no penalty
    inputs    (m, d + 1), the last column 1
    """
    logits = inputs @ weights.T
    losses = np.logaddexp(0, logits) - logits * used
    errors = 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - used
    penalised = weights.copy()
    penalised[:, -1] = 0
    total = float(losses.sum() + penalty / 2 * (penalised**2).sum())
    return total, (errors.T @ inputs + penalty * penalised).ravel()


def candidate_features(views: Sequence[Floats], candidates: npt.NDArray[np.int64]) -> Floats:
    """Return (m, k, 2 * views): each view's score of a candidate, and how far below the best.

    views        each (m, items) scores, of any unit
    candidates   (m, k) places of items
    """
    parts = []
    for view in views:
        own = np.take_along_axis(view, candidates, axis=1)
        parts += [own, own - own.max(axis=1, keepdims=True)]
    return np.stack(parts, axis=-1)


@dataclass(frozen=True, eq=False)
class Refiner:
    """One weight for each feature of a candidate; features are scaled to like spread first."""

    weights: Floats
    spread: Floats

    @classmethod
    def fit(cls, features: Floats, used: npt.NDArray[np.bool_], *, penalty: float = 1.0) -> Refiner:
        """Learn to pick the used candidates out: cross-entropy over each query's candidates.

        features   (m, k, f) from `candidate_features`, of queries that the views were not
                   learned from
        used       (m, k); queries none of whose candidates were used teach nothing

        Raises InputError if no query's candidates were used.
        """
        told = used.any(axis=1)
        if not told.any():
            raise InputError(
                "No query used any of its candidates.", "Find more candidates, or give more uses."
            )
        from scipy.optimize import minimize

        spread = np.maximum(features.std(axis=(0, 1)), 1e-9)
        scaled, wanted = features[told] / spread, used[told] / used[told].sum(1, keepdims=True)

        def loss(weights: Floats) -> tuple[float, Floats]:
            logits = scaled @ weights
            logits -= logits.max(axis=1, keepdims=True)
            chances = np.exp(logits)
            totals = chances.sum(axis=1, keepdims=True)
            value = (wanted * (np.log(totals) - logits)).sum() + penalty / 2 * weights @ weights
            gradient = np.einsum("mk,mkf->f", chances / totals - wanted, scaled)
            return float(value), gradient + penalty * weights

        found: Any = minimize(loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B")
        return cls(found.x, spread)

    def refine(self, features: Floats, candidates: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the candidates (m, k), the best first."""
        scores = features / self.spread @ self.weights
        order = np.argsort(-scores, axis=1, kind="stable")
        return np.take_along_axis(candidates, order, axis=1)
