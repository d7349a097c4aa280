"""One logistic regression for each label, which starts from what is known without examples."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit

from everygrain_papers.topics.lexicon import Floats


def loss_and_gradient(
    flat: Floats, rows: csr_matrix, signs: Floats, weights: Floats, known: Floats, penalty: float
) -> tuple[float, Floats]:
    """Return the loss of one label's coefficients and its gradient.

        L(w, b) = sum_i weights_i log(1 + exp(-signs_i (x_i . w + b + known_i))) + penalty / 2 |w|^2

    flat   (features + 1,) w, then b, which no penalty holds
    rows   (n, features);   signs (n,) 1 or -1;   known (n,) log-odds before any example
    """
    odds = signs * (rows @ flat[:-1] + flat[-1] + known)
    pull = -weights * signs * expit(-odds)
    loss = float(weights @ np.logaddexp(0, -odds)) + penalty / 2 * float(flat[:-1] @ flat[:-1])
    return loss, np.append(rows.T @ pull + penalty * flat[:-1], pull.sum())


def fit(
    rows: csr_matrix,
    wanted: Floats,
    weights: Floats,
    known: Floats,
    penalty: float,
    steps: int = 60,
) -> Floats:
    """Return (features + 1, labels) coefficients; the last row are the constants.

    rows     (n, features);   wanted (n, labels) 0 or 1;   weights, known (n, labels)
    The loss is convex, so the outcome depends on the data alone. A label without an example has
    coefficients of 0: what is known stays as it is.
    """
    fitted = np.zeros((rows.shape[1] + 1, wanted.shape[1]))
    used = np.unique(rows.indices)  # of other features the coefficients stay at 0
    narrow = csr_matrix(rows[:, used])
    for label in np.flatnonzero(wanted.any(axis=0)):
        signs = 2 * wanted[:, label] - 1
        found = minimize(
            loss_and_gradient,
            np.zeros(len(used) + 1),
            (narrow, signs, weights[:, label], known[:, label], penalty),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps},
        ).x
        fitted[used, label], fitted[-1, label] = found[:-1], found[-1]
    return fitted
