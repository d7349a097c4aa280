"""Distilled sentence embedding."""

import numpy as np
import pytest
import torch

from everygrain.errors import InputError
from everygrain.learn.losses.distilled import DistilledSentenceEmbedding
from tests.learn.losses.reference import CASES, case, check, differences, finite_at


def head(parameters, u, v):
    """The score of one pair, written out."""
    linear, bias, weights, outer = parameters
    x = np.concatenate([u, v, abs(u - v), u * v])
    score = linear @ x + bias[0]
    for row, share in zip(weights, outer, strict=True):
        score += share * max(0.0, row @ x)
    return score


def stirred(loss, seed=0):
    """Move the head's weights away from their start, where half of them are zero."""
    lot = np.random.default_rng(seed)
    for each in loss.parameters:
        each.data += torch.tensor(lot.normal(0, 0.3, size=tuple(each.shape)), dtype=each.dtype)
    return [each.detach().double().numpy() for each in loss.parameters]


def written_for(made, parameters):
    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            errors = [
                (head(parameters, queries[i], documents[j]) - made.teacher[i, j]) ** 2
                for j in made.known[i]
            ]
            losses.append(np.mean(errors) if errors else 0.0)
        return losses

    return written


@pytest.mark.parametrize("which", CASES)
def test_value_and_gradient_equal_a_loop(which):
    loss = DistilledSentenceEmbedding(dimensions=5, hidden=3)
    parameters = stirred(loss)
    # where u = v, |u - v| has a corner
    smooth = which != "equal scores"
    check(loss, CASES[which], written_for(CASES[which], parameters), differentiable=smooth)


def test_the_head_learns_by_the_gradient_of_its_weights():
    made, loss = case(), DistilledSentenceEmbedding(dimensions=5, hidden=3)
    parameters = stirred(loss)
    loss(made.batch()).sum().backward()
    for found, values in zip(loss.parameters, parameters, strict=True):
        for place in np.ndindex(*values.shape):
            ends = []
            for step in (1e-5, -1e-5):
                values[place] += step
                ends.append(sum(written_for(made, parameters)(made.queries, made.documents)))
                values[place] -= step
            slope = (ends[0] - ends[1]) / 2e-5
            assert float(found.grad[place]) == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_before_training_the_score_is_the_cosine():
    made = case()
    made.teacher[:] = made.queries @ made.documents.T
    loss = DistilledSentenceEmbedding(dimensions=5)
    np.testing.assert_allclose(loss(made.batch()).detach().numpy(), 0, atol=1e-12)


def test_the_head_reconstructs_scores_that_no_dot_product_could():
    lot = np.random.default_rng(0)
    made = case(n=8, m=8)
    far = np.abs(made.queries[:, None] - made.documents[None]).sum(axis=2)
    made.teacher = far + 0.01 * lot.normal(size=far.shape)
    loss = DistilledSentenceEmbedding(dimensions=5, most=8)
    batch = made.batch()
    first = float(loss(batch).mean().detach())
    for _ in range(200):
        loss(batch).mean().backward()
        for each in loss.parameters:
            each.data -= 0.1 * each.grad
            each.grad = None
    assert float(loss(batch).mean().detach()) < 0.05 * first


def test_only_so_many_pairs_are_taken_and_positives_are_among_them():
    made = case()
    made.teacher[:] = 0.0
    made.teacher[np.arange(4), np.arange(4)] = 1000.0
    few = DistilledSentenceEmbedding(dimensions=5, most=2)(made.batch())
    # one of two pairs is the positive, whose error is a million
    np.testing.assert_allclose(few.detach().numpy(), 5e5, rtol=0.01)
    again = DistilledSentenceEmbedding(dimensions=5, most=2)(made.batch())
    np.testing.assert_array_equal(few.detach().numpy(), again.detach().numpy())


def test_vectors_of_other_dimensions_are_refused():
    with pytest.raises(InputError, match=r"write|Write distilled_sentence_embedding\(dimensions=5"):
        DistilledSentenceEmbedding()(case().batch())


def test_a_linear_head_needs_no_hidden_units():
    made, loss = case(), DistilledSentenceEmbedding(dimensions=5, hidden=0)
    slopes = differences(written_for(made, stirred(loss)), made, np.ones(4), 0)
    batch = made.batch()
    loss(batch).sum().backward()
    np.testing.assert_allclose(batch.queries.grad.numpy(), slopes, atol=1e-6)


def test_huge_teacher_scores_stay_finite():
    made = case()
    made.teacher *= 1e6
    finite_at(DistilledSentenceEmbedding(dimensions=5), made)
