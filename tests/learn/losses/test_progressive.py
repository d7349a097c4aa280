"""Progressive hard negatives."""

import math

import numpy as np
import pytest
import torch

from everygrain.learn.losses.decoupled import DecoupledSoftmax
from everygrain.learn.losses.progressive import ProgressiveNegatives
from tests.learn.losses.reference import CASES, case, check, finite_at


@pytest.mark.parametrize("which", CASES)
def test_value_and_gradient_equal_a_loop(which):
    made = CASES[which]
    power = 0.8 * made.progress

    def weights(i):  # at the point where the gradient is taken: they are constants for it
        hard = [
            math.exp(power * 6 * made.queries[i] @ made.documents[j]) for j in made.negatives[i]
        ]
        return [len(hard) * each / sum(hard) for each in hard]

    def written(queries, documents):
        losses = []
        for i, positives in enumerate(made.positives):
            rest = sum(
                w * math.exp(6 * queries[i] @ documents[j])
                for w, j in zip(weights(i), made.negatives[i], strict=True)
            )
            loss = 0.0
            for p in positives:
                own = math.exp(6 * queries[i] @ documents[p])
                share = made.relevance[i, p] / made.relevance[i].sum()
                loss -= share * math.log(own / (own + rest))
            losses.append(loss)
        return losses

    check(ProgressiveNegatives(6.0, 0.8), made, written)


def test_it_starts_as_plain_contrast_and_ends_with_the_hardest_negative_in_front():
    made = case()
    made.progress = 0.0
    plain = DecoupledSoftmax(10.0)(made.batch())
    start = ProgressiveNegatives(10.0, 2.0)(made.batch())
    np.testing.assert_allclose(start.detach().numpy(), plain.detach().numpy(), rtol=1e-12)
    shares = []
    for progress in (0.0, 0.5, 1.0):
        made.progress = progress
        batch = made.batch()
        loss = ProgressiveNegatives(10.0, 2.0)(batch)[1]
        (slope,) = torch.autograd.grad(loss, batch.documents)
        pushed = slope.norm(dim=1)[torch.tensor(made.negatives[1])]
        shares.append(float(pushed.max() / pushed.sum()))
    assert shares[0] < shares[1] < shares[2]


def test_a_huge_scale_does_not_overflow():
    finite_at(ProgressiveNegatives(1e6, 3.0))
