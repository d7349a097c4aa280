"""Metric mixup."""

import math

import numpy as np
import pytest
import torch

from everygrain.learn.losses.mixup import MetricMixup
from tests.learn.losses.reference import CASES, case, check, finite_at, several_positives

B, C, M = 2.0, 5.0, 0.4


def similarity(cosines, labels):
    pull = sum(y * math.exp(-B * (s - M)) for s, y in zip(cosines, labels, strict=True))
    push = sum((1 - y) * math.exp(C * (s - M)) for s, y in zip(cosines, labels, strict=True))
    return math.log(1 + pull) / B + math.log(1 + push) / C


@pytest.mark.parametrize("which", CASES)
def test_value_and_gradient_equal_a_loop(which):
    made = CASES[which]
    loss = MetricMixup(0.7, mixes=3, positive_scale=B, negative_scale=C, margin=M)
    positives, negatives, shares = (each.numpy() for each in loss.draw(made.batch()))

    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            counted = np.flatnonzero(made.counted[i])
            value = similarity(
                [queries[i] @ documents[j] for j in counted], made.relevance[i, counted]
            )
            if made.positives[i] and made.negatives[i]:
                cosines, labels = [], []
                for k in range(3):
                    p, j, z = positives[i, k], negatives[i, k], shares[i, k]
                    mixed = z * documents[p] + (1 - z) * documents[j]
                    cosines.append(queries[i] @ mixed / np.linalg.norm(mixed))
                    labels.append(z * made.relevance[i, p])
                value += 0.7 * similarity(cosines, labels)
            losses.append(value)
        return losses

    check(loss, made, written)


def test_what_is_mixed_is_a_positive_and_a_counted_negative_of_the_query():
    made = several_positives()
    positives, negatives, shares = MetricMixup(mixes=50).draw(made.batch())
    for i in range(4):
        assert set(positives[i].tolist()) == set(made.positives[i])
        assert set(negatives[i].tolist()) == set(made.negatives[i])
    assert bool(((shares > 0) & (shares < 1)).all())


def test_shares_follow_the_beta_distribution():
    made = case(n=50, m=60)
    _, _, shares = MetricMixup(alpha=2.0, mixes=100).draw(made.batch())
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(shares.var()) == pytest.approx(1 / (4 * 5), abs=0.005)  # a^2/((2a)^2 (2a+1))


def test_draws_follow_from_the_seed_and_differ_between_epochs():
    made, later = case(), case()
    later.progress = 0.8
    first = MetricMixup().draw(made.batch())[2]
    assert torch.equal(first, MetricMixup().draw(made.batch())[2])
    assert not torch.equal(first, MetricMixup(seed=1).draw(made.batch())[2])
    assert not torch.equal(first, MetricMixup().draw(later.batch())[2])


def test_huge_scales_do_not_overflow():
    finite_at(MetricMixup(positive_scale=1e5, negative_scale=1e5))
