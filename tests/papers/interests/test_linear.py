import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_matrix

from everygrain_papers.interests.linear import balanced, fit, loss_and_gradient


def sample(seed=0, n=30, width=6):
    draw = np.random.default_rng(seed)
    rows = draw.random((n, width)) * (draw.random((n, width)) < 0.5)
    wanted = np.where(np.arange(n) < 8, 1.0, -1.0)
    rows[:8, 0] += 0.5
    return csr_matrix(rows), wanted, draw.random(n) + 0.1


def test_the_gradient_is_that_of_the_loss():
    rows, wanted, weights = sample()
    start = np.random.default_rng(1).normal(size=7)
    off = check_grad(
        lambda f: loss_and_gradient(f, rows, wanted, weights)[0],
        lambda f: loss_and_gradient(f, rows, wanted, weights)[1],
        start,
    )
    assert off < 1e-4


def test_the_fit_is_that_of_a_published_solver():
    svm = pytest.importorskip("sklearn.svm", reason="scikit-learn is in the extra `models`")
    rows, wanted, weights = sample()
    theirs = svm.LinearSVC(C=1.0, tol=1e-9, max_iter=100_000, dual=True)
    theirs.fit(rows, wanted, sample_weight=weights)
    w, b = fit(rows, wanted, weights)
    assert w == pytest.approx(theirs.coef_.ravel(), abs=2e-3)
    assert b == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_the_order_of_papers_does_not_matter():
    rows, wanted, weights = sample()
    order = np.random.default_rng(2).permutation(len(wanted))
    first, second = fit(rows, wanted, weights), fit(rows[order], wanted[order], weights[order])
    assert first[0] == pytest.approx(second[0], abs=1e-3)


def test_both_sides_weigh_alike_and_a_disliked_paper_as_much_as_a_liked_one():
    wanted, weights = balanced(2, 1, 5, strength=3.0)
    assert wanted.tolist() == [1, 1, -1, -1, -1, -1, -1, -1]
    assert weights[:2].sum() == pytest.approx(weights[3:].sum()) == pytest.approx(3 * 8 / 2)
    assert weights[2] == weights[0]
