"""A linear model over terms, from a few papers for and many presumed against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from everygrain_papers.interests.terms import Floats

Doubles = npt.NDArray[np.float64]
STEPS = 100


def loss_and_gradient(
    flat: Doubles, rows: csr_matrix, wanted: Doubles, weights: Doubles
) -> tuple[float, Doubles]:
    """Return the loss of a support vector machine and its gradient.

        L(w, b) = 1/2 (|w|^2 + b^2) + sum_i weights_i max(0, 1 - wanted_i (w x_i + b))^2

    flat     (terms + 1,) w, then b
    rows     (n, terms);   wanted (n,) 1 or -1;   weights (n,) at least 0
    """
    w, b = flat[:-1], flat[-1]
    short = np.maximum(0.0, 1.0 - wanted * (rows @ w + b))
    pull = -2.0 * weights * wanted * short
    loss = 0.5 * float(flat @ flat) + float(weights @ (short * short))
    return loss, flat + np.append(rows.T @ pull, pull.sum())


def fit(rows: csr_matrix, wanted: Doubles, weights: Doubles) -> tuple[Floats, float]:
    """Return the w and b that minimise the loss, by L-BFGS from zero.

    The loss is strictly convex, so the outcome depends on the data alone.
    """
    found = minimize(
        loss_and_gradient,
        np.zeros(rows.shape[1] + 1),
        (rows, wanted, weights),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": STEPS, "maxcor": 10, "ftol": 1e-7, "gtol": 1e-5},
    )
    return found.x[:-1].astype(np.float32), float(found.x[-1])


def balanced(for_: int, disliked: int, presumed: int, strength: float) -> tuple[Doubles, Doubles]:
    """Return what is wanted of each row, and its weight, for papers in this order.

    Those for weigh as much together as those presumed against do; one disliked weighs as much as
    one for, since both were said and not presumed.
    strength   how much a row that is presumed weighs against |w|^2 (> 0)
    """
    wanted = np.concatenate([np.ones(for_), -np.ones(disliked + presumed)])
    total = for_ + disliked + presumed
    said = strength * total / (2 * max(for_, 1))
    weights = np.full(total, said)
    weights[for_ + disliked :] = strength * total / (2 * max(presumed, 1))
    return wanted, weights
