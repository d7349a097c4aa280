"""Multiple negatives ranking."""

import math

import numpy as np
import pytest
import torch

from everygrain.learn.losses.contrastive import MultipleNegatives
from tests.learn.losses.reference import CASES, case, check, finite_at


def picked(scores, relevance, counted):
    """Cross entropy of each row, in loops."""
    losses = []
    for i in range(len(scores)):
        total = sum(relevance[i])
        below = sum(math.exp(scores[i][j]) for j in range(len(scores[i])) if counted[i][j])
        loss = 0.0
        for j in range(len(scores[i])):
            if relevance[i][j] > 0:
                loss -= relevance[i][j] / total * math.log(math.exp(scores[i][j]) / below)
        losses.append(loss)
    return np.array(losses)


@pytest.mark.parametrize("which", CASES)
@pytest.mark.parametrize("symmetric", [True, False])
def test_value_and_gradient_equal_a_loop(which, symmetric):
    made = CASES[which]

    def written(queries, documents):
        scores = 7.0 * queries @ documents.T
        rows = picked(scores, made.relevance, made.counted)
        if not symmetric:
            return rows
        n = len(queries)
        back = picked(scores[:, :n].T, made.relevance[:, :n].T, made.counted[:, :n].T)
        return (rows + back) / 2

    check(MultipleNegatives(7.0, symmetric), made, written)


def test_it_is_torch_cross_entropy_where_each_query_has_one_positive():
    batch = case().batch()
    logits = 20 * batch.similarities.masked_fill(~batch.counted, -math.inf)
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(4), reduction="none")
    found = MultipleNegatives(symmetric=False)(batch)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_huge_or_tiny_scale_does_not_overflow(scale):
    finite_at(MultipleNegatives(scale))
