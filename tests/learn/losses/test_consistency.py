"""Representation-generation consistency."""

import math

import numpy as np
import pytest

from everygrain.learn.losses.consistency import GenerationConsistency
from everygrain.learn.losses.contrastive import MultipleNegatives
from tests.learn.losses.reference import CASES, case, check, finite_at
from tests.learn.losses.test_contrastive import picked
from tests.learn.losses.test_divergence import softmax


@pytest.mark.parametrize("which", CASES)
def test_value_and_gradient_equal_a_loop(which):
    made = CASES[which]

    def written(queries, documents):
        losses = picked(7 * queries @ documents.T, made.relevance, made.counted)
        for i, known in enumerate(made.known):
            if len(known) < 2:
                continue
            wanted = softmax([made.teacher[i, j] / 3 for j in known])
            given = softmax([7 * queries[i] @ documents[j] for j in known])
            apart = sum(p * math.log(p / q) for p, q in zip(wanted, given, strict=True))
            losses[i] += 0.5 * apart
        return losses

    check(GenerationConsistency(7.0, 3.0, 0.5), made, written)


def test_a_generator_that_sees_no_difference_pulls_the_softmax_flat():
    made = case()
    made.counted[:] = True
    made.teacher[:] = -40.0
    extra = GenerationConsistency()(made.batch()) - MultipleNegatives(symmetric=False)(made.batch())
    scores = 20 * made.queries @ made.documents.T
    for i in range(4):
        flat = sum(math.log((1 / 7) / q) / 7 for q in softmax(scores[i].tolist()))
        assert extra[i].item() == pytest.approx(flat, rel=1e-9)


def test_adding_a_constant_to_a_querys_likelihoods_changes_nothing():
    made, longer = case(), case()
    longer.teacher -= np.arange(1, 5)[:, None] * 50.0
    values = [GenerationConsistency()(each.batch()).detach().numpy() for each in (made, longer)]
    np.testing.assert_allclose(*values, rtol=1e-9)


def test_log_likelihoods_of_long_queries_do_not_overflow():
    made = case()
    made.teacher *= 1e5
    finite_at(GenerationConsistency(), made)
