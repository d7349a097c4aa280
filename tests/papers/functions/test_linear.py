"""The regression: its gradient, its minimum, its prior."""

import numpy as np
from scipy.sparse import csr_matrix

from everygrain_papers.functions.linear import fit, log_probabilities, loss_and_gradient


def problem(seed=0, n=12, features=4):
    lot = np.random.default_rng(seed)
    rows = csr_matrix(lot.normal(size=(n, features)))
    return rows, lot.integers(0, 5, n), lot.uniform(0.2, 2, n), lot.normal(size=(features, 5))


def test_the_loss_is_the_formula_in_loops_and_its_gradient_finite_differences():
    rows, wanted, weights, prior = problem()
    at = np.random.default_rng(1).normal(size=20)
    loss, gradient = loss_and_gradient(at, rows, wanted, weights, 0.7, prior)
    coefficients, by_hand = at.reshape(4, 5), 0.0
    for x, y, weight in zip(rows.toarray(), wanted, weights, strict=True):
        logits = [sum(x[j] * coefficients[j, k] for j in range(4)) for k in range(5)]
        by_hand += weight * (np.log(sum(np.exp(logits))) - logits[y])
    by_hand += 0.35 * sum((a - b) ** 2 for a, b in zip(at, prior.ravel(), strict=True))
    np.testing.assert_allclose(loss, by_hand)
    for i in range(20):
        step = np.zeros(20)
        step[i] = 1e-6
        up = loss_and_gradient(at + step, rows, wanted, weights, 0.7, prior)[0]
        down = loss_and_gradient(at - step, rows, wanted, weights, 0.7, prior)[0]
        np.testing.assert_allclose(gradient[i], (up - down) / 2e-6, rtol=1e-4, atol=1e-6)


def test_at_the_fit_the_gradient_is_zero():
    rows, wanted, weights, prior = problem(2)
    found = fit(rows, wanted, weights, 0.5, prior, steps=500)
    gradient = loss_and_gradient(found.ravel(), rows, wanted, weights, 0.5, prior)[1]
    assert np.abs(gradient).max() < 1e-2


def test_a_heavy_penalty_keeps_the_prior():
    rows, wanted, weights, prior = problem(3)
    np.testing.assert_allclose(fit(rows, wanted, weights, 1e7, prior), prior, atol=1e-4)
    np.testing.assert_allclose(fit(rows, wanted, weights, 1e7), 0, atol=1e-4)


def test_a_weight_of_two_is_the_row_twice():
    rows, wanted, _, _ = problem(4)
    weights = np.ones(12)
    weights[3] = 2
    twice = csr_matrix(np.vstack([rows.toarray(), rows.toarray()[3:4]]))
    again = fit(twice, np.append(wanted, wanted[3]), np.ones(13), 1.0, steps=500)
    np.testing.assert_allclose(fit(rows, wanted, weights, 1.0, steps=500), again, atol=1e-3)
    np.testing.assert_allclose(np.exp(log_probabilities(rows, again)).sum(axis=1), 1)
