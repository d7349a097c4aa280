"""Divergence from a teacher, and stabilised distillation from rewards."""

import math

import numpy as np
import pytest
import torch

from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.divergence import Divergence, StabilisedDistillation
from tests.learn.losses.reference import CASES, case, check, finite_at


def softmax(values):
    powers = [math.exp(x - max(values)) for x in values]
    return [x / sum(powers) for x in powers]


@pytest.mark.parametrize("which", CASES)
def test_divergence_equals_a_loop(which):
    made = CASES[which]

    def written(queries, documents):
        losses = []
        for i, known in enumerate(made.known):
            if len(known) < 2:
                losses.append(0.0)
                continue
            wanted = softmax([2 * made.teacher[i, j] for j in known])
            given = softmax([7 * queries[i] @ documents[j] for j in known])
            losses.append(sum(p * math.log(p / q) for p, q in zip(wanted, given, strict=True)))
        return losses

    check(Divergence(7.0, 2.0), made, written)


def test_a_student_that_agrees_has_no_divergence():
    made = case()
    made.teacher[:] = 10 * made.queries @ made.documents.T
    losses = Divergence(20.0, 2.0)(made.batch()).detach().numpy()
    np.testing.assert_allclose(losses, 0, atol=1e-12)


def tied():
    """Rewards with ties."""
    made = case()
    made.teacher = np.round(made.teacher)
    return made


@pytest.mark.parametrize("which", [*CASES, "ties"])
def test_stabilised_distillation_equals_a_loop(which):
    made = tied() if which == "ties" else CASES[which]

    def written(queries, documents):
        losses = []
        for i, known in enumerate(made.known):
            rewards = {j: made.teacher[i, j] for j in known}
            if not known:
                losses.append(0.0)
                continue
            weights = dict(zip(known, softmax([2 * rewards[j] for j in known]), strict=True))
            rest = sum(
                math.exp(7 * queries[i] @ documents[k])
                for k in made.negatives[i]
                if k not in rewards
            )
            loss = 0.0
            for j in known:
                own = math.exp(7 * queries[i] @ documents[j])
                below = sum(
                    math.exp(7 * queries[i] @ documents[k])
                    for k in known
                    if rewards[k] < rewards[j]
                )
                loss -= weights[j] * math.log(own / (own + below + rest))
            losses.append(loss)
        return losses

    check(StabilisedDistillation(7.0, 2.0), made, written)


def test_one_reward_far_above_the_others_makes_it_multiple_negatives():
    made = case()
    made.counted[:] = True
    made.teacher[:] = np.random.default_rng(0).normal(size=made.teacher.shape)
    made.teacher[np.arange(4), np.arange(4)] = 1e4
    np.testing.assert_allclose(
        StabilisedDistillation()(made.batch()).detach().numpy(),
        MultipleNegatives(symmetric=False)(made.batch()).detach().numpy(),
        rtol=1e-9,
    )


def test_nearly_equal_rewards_still_teach_their_order_where_a_divergence_does_not():
    made = case(n=1, m=3)
    made.counted[:] = True
    made.queries[:] = np.eye(5)[:1]
    made.documents[:] = np.eye(5)[1:4]  # all similarities are 0: the student has no order
    made.teacher[:] = [[0.003, 0.002, 0.001]]
    pulls = []
    for loss in (StabilisedDistillation(1.0, 1.0), Divergence(1.0, 1.0)):
        batch = made.batch()
        loss(batch).sum().backward()
        pulls.append(-batch.documents.grad[:, 0].numpy())
    assert pulls[0][0] > pulls[0][1] > pulls[0][2]
    assert pulls[0][0] - pulls[0][2] > 100 * abs(pulls[1][0] - pulls[1][2])


@pytest.mark.parametrize("kind", [Divergence, StabilisedDistillation])
def test_huge_scales_do_not_overflow(kind):
    for settings in ((1e6, 1.0), (1.0, 1e6), (1e6, 1e6)):
        finite_at(kind(*settings))
    assert torch.isfinite(kind(1e6, 1e6)(case().batch())).all()
