"""Multinomial logistic regression over sparse rows, with weights for the rows."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from everygrain_papers.functions.base import FUNCTIONS, Floats

Rows: TypeAlias = csr_matrix
COUNT = len(FUNCTIONS)


def loss_and_gradient(
    flat: Floats,
    rows: Rows,
    wanted: npt.NDArray[np.int64],
    weights: Floats,
    penalty: float,
    prior: Floats,
) -> tuple[float, Floats]:
    """Return the loss of coefficients and its gradient.

        L(W) = - sum_i weights_i log softmax(x_i W)[wanted_i] + penalty / 2 |W - prior|^2

    flat      (features * 5,) W row by row
    rows      (n, features);   wanted (n,) numbers of FUNCTIONS;   weights (n,) at least 0
    penalty   above 0;   prior (features, 5) where coefficients stay without data
    """
    coefficients = flat.reshape(rows.shape[1], COUNT)
    logs = log_softmax(rows @ coefficients, axis=1)
    away = coefficients - prior
    places = np.arange(len(wanted))
    loss = -float(weights @ logs[places, wanted]) + penalty / 2 * float(np.square(away).sum())
    off = np.exp(logs)
    off[places, wanted] -= 1.0
    gradient = rows.T @ (off * weights[:, None]) + penalty * away
    return loss, np.asarray(gradient, dtype=np.float64).ravel()


def fit(
    rows: Rows,
    wanted: npt.NDArray[np.int64],
    weights: Floats,
    penalty: float,
    prior: Floats | None = None,
    steps: int = 60,
) -> Floats:
    """Return coefficients (features, 5) that minimise the loss, by L-BFGS from the prior.

    The loss is convex, so the outcome depends on the data alone. No prior is a prior of zeros.
    """
    start = np.zeros((rows.shape[1], COUNT)) if prior is None else prior
    found = minimize(
        loss_and_gradient,
        start.ravel(),
        (rows, wanted, weights, penalty, start),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "maxcor": 6},
    )
    fitted: Floats = found.x.reshape(rows.shape[1], COUNT)
    return fitted


def log_probabilities(rows: Rows, coefficients: Floats) -> Floats:
    """Return (n, 5) log softmax(x W)."""
    told: Floats = log_softmax(rows @ coefficients, axis=1)
    return told
