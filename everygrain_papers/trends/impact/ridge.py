"""Ridge regression over sparse and dense features side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator, cg

from everygrain_papers.trends.rates import Floats

Vectors: TypeAlias = npt.NDArray[np.floating[Any]]

STEPS = 200
EXACT = 1e-4  # residual of the normal equations, relative


@dataclass(frozen=True, eq=False)
class Ridge:
    """A line through features: sparse @ words + (dense - centre) @ directions + level."""

    words: Floats
    directions: Floats
    centre: Floats
    level: float

    def predict(self, sparse: csr_matrix, dense: Vectors | None) -> Floats:
        """Return (n,) float64 values."""
        told = sparse @ self.words + self.level
        if dense is not None:
            told = told + (dense - self.centre) @ self.directions
        return np.asarray(told, dtype=np.float64)


def fit(
    sparse: csr_matrix, dense: Vectors | None, wanted: Floats, penalty: float, share: float = 1.0
) -> Ridge:
    """Return the line that minimises |y - X w - level|^2 + penalty |w|^2, level = mean of y.

    sparse    (n, words);   dense (n, dimensions) or None, taken times `share`
    penalty   above 0

    Solved by conjugate gradients on the normal equations, so no square matrix is made.
    """
    level = float(wanted.mean())
    rest = wanted - level
    width = sparse.shape[1]
    sparse = csr_matrix(sparse, dtype=np.float64)  # or every product would convert it
    centre = np.zeros(0) if dense is None else dense.mean(axis=0).astype(np.float64)
    moved = None if dense is None else ((dense - centre) * share).astype(np.float32)
    turned = sparse.T.tocsr()

    def times(weights: Floats) -> Floats:
        told = sparse @ weights[:width]
        if moved is not None:
            told = told + moved @ weights[width:].astype(np.float32)
        return np.asarray(told, dtype=np.float64)

    def back(rows: Floats) -> Floats:
        told = turned @ rows
        if moved is not None:
            told = np.concatenate([told, rows.astype(np.float32) @ moved])
        return np.asarray(told, dtype=np.float64)

    size = width + centre.size
    normal = LinearOperator(
        (size, size), matvec=lambda weights: back(times(weights)) + penalty * weights, dtype=float
    )
    found, _ = cg(normal, back(rest), rtol=EXACT, maxiter=STEPS)
    return Ridge(found[:width], found[width:] * share, centre, level)
