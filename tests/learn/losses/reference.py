"""Batches in float64, and a check of a loss against loops and central differences."""

from dataclasses import dataclass

import numpy as np
import torch

from everygrain.learn.losses import Batch

STEP = 1e-5


@dataclass
class Case:
    """A batch as NumPy arrays; see everygrain.learn.losses.base.Batch."""

    queries: np.ndarray
    documents: np.ndarray
    relevance: np.ndarray
    counted: np.ndarray
    teacher: np.ndarray
    anchors: np.ndarray
    progress: float = 0.4

    def batch(self, dtype=torch.float64, teacher=True):
        return Batch(
            torch.tensor(self.queries, dtype=dtype, requires_grad=True),
            torch.tensor(self.documents, dtype=dtype, requires_grad=True),
            torch.tensor(self.relevance, dtype=dtype),
            torch.tensor(self.counted),
            torch.tensor(self.anchors),
            torch.tensor(self.teacher, dtype=dtype) if teacher else None,
            self.progress,
        )

    @property
    def positives(self):
        """Columns of the positives of each query."""
        return [np.flatnonzero(row > 0).tolist() for row in self.relevance]

    @property
    def negatives(self):
        rows = zip(self.relevance, self.counted, strict=True)
        return [np.flatnonzero(counted & (row <= 0)).tolist() for row, counted in rows]

    @property
    def known(self):
        """Columns that count and whose teacher score is known."""
        return [
            np.flatnonzero(counted & np.isfinite(row)).tolist()
            for counted, row in zip(self.counted, self.teacher, strict=True)
        ]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def case(n=4, m=7, d=5, seed=0):
    """One positive per query, two documents masked, some teacher scores unknown."""
    lot = np.random.default_rng(seed)
    relevance = np.zeros((n, m))
    relevance[np.arange(n), np.arange(n)] = 1
    counted = np.ones((n, m), dtype=bool)
    counted[0, -1] = counted[-1, 0] = False
    counted[relevance > 0] = True
    teacher = lot.normal(size=(n, m))
    teacher[0, 1] = teacher[-1, -1] = np.nan
    vectors = unit(lot.normal(size=(n, d))), unit(lot.normal(size=(m, d)))
    return Case(*vectors, relevance, counted, teacher, np.arange(n) + 3)


def several_positives():
    """Grades, and queries with up to four positives."""
    made = case()
    made.relevance[0, 3:6] = [0.5, 1, 0.25]
    made.relevance[2, 5] = 0.75
    return made


def only_positives():
    """Every negative is masked."""
    made = several_positives()
    made.counted[:] = made.relevance > 0
    return made


def equal_scores():
    """All vectors are one, and the teacher sees no difference either."""
    made = several_positives()
    made.queries[:] = made.documents[:] = unit(np.arange(1.0, 6.0)[None])
    made.teacher[np.isfinite(made.teacher)] = 0.7
    return made


def without_positives():
    made = case()
    made.relevance[1] = 0
    return made


def untaught():
    made = case()
    made.teacher[1] = np.nan
    made.teacher[2, [0, 1, 3, 4, 5, 6]] = np.nan
    return made


CASES = {
    "one positive each": case(),
    "several positives with grades": several_positives(),
    "one query": case(n=1, m=3),
    "only positives counted": only_positives(),
    "equal scores": equal_scores(),
    "a query without positives": without_positives(),
    "a teacher that was hardly asked": untaught(),
}


def check(loss, made, written, differentiable=True, teacher=True, tolerance=1e-6):
    """Assert that a loss has the values of a loop, and the gradient of its central differences.

    written   (queries, documents) -> (n,) losses, in NumPy
    """
    batch = made.batch(teacher=teacher)
    losses = loss(batch)
    expected = np.asarray(written(made.queries, made.documents), dtype=float)
    np.testing.assert_allclose(losses.detach().numpy(), expected, rtol=1e-8, atol=1e-10)
    assert losses.shape == (len(made.queries),)
    if not differentiable:
        return
    shares = np.linspace(0.5, 1.5, len(made.queries))
    (losses * torch.tensor(shares)).sum().backward()
    for tensor, index in ((batch.queries, 0), (batch.documents, 1)):
        found = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(
            found, differences(written, made, shares, index), rtol=1e-5, atol=tolerance
        )


def differences(written, made, shares, index):
    """Return central differences of the weighted sum of losses by the queries or documents."""
    vectors = [made.queries.copy(), made.documents.copy()]
    slopes = np.zeros(vectors[index].shape)
    for place in np.ndindex(*slopes.shape):
        ends = []
        for step in (STEP, -STEP):
            vectors[index][place] += step
            ends.append(float(np.dot(shares, written(*vectors))))
            vectors[index][place] -= step
        slopes[place] = (ends[0] - ends[1]) / (2 * STEP)
    return slopes


def finite_at(loss, made=None):
    """Assert that values and gradients stay finite in float32."""
    batch = (made or several_positives()).batch(dtype=torch.float32)
    losses = loss(batch)
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    for each in (batch.queries, batch.documents):
        assert each.grad is None or torch.isfinite(each.grad).all()


def softplus(x):
    return np.logaddexp(0.0, x)
