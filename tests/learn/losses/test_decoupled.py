"""Decoupled softmax and soft top-k."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.decoupled import DecoupledSoftmax, SoftTopK, soft_top_k_shift
from tests.learn.losses.reference import CASES, case, check, finite_at, several_positives


@pytest.mark.parametrize("which", CASES)
def test_decoupled_softmax_equals_a_loop(which):
    made = CASES[which]

    def written(queries, documents):
        losses = []
        for i, positives in enumerate(made.positives):
            loss = 0.0
            for p in positives:
                own = math.exp(7 * queries[i] @ documents[p])
                rest = sum(math.exp(7 * queries[i] @ documents[j]) for j in made.negatives[i])
                share = made.relevance[i, p] / made.relevance[i].sum()
                loss -= share * math.log(own / (own + rest))
            losses.append(loss)
        return losses

    check(DecoupledSoftmax(7.0), made, written)


def test_one_positive_does_not_feel_another_in_the_decoupled_softmax():
    batch = several_positives().batch()
    first = DecoupledSoftmax()(batch)[0]
    (slope,) = torch.autograd.grad(first, batch.documents)
    alone = several_positives()
    alone.relevance[0, 3:6], alone.counted[0, 3:6] = 0, False
    other = alone.batch()
    (own,) = torch.autograd.grad(DecoupledSoftmax()(other)[0], other.documents)
    share = 1 / several_positives().relevance[0].sum()
    np.testing.assert_allclose(slope[0].numpy(), share * own[0].numpy(), rtol=1e-9)


def test_with_one_positive_each_it_is_multiple_negatives():
    batch = case().batch()
    np.testing.assert_allclose(
        DecoupledSoftmax()(batch).detach().numpy(),
        MultipleNegatives(symmetric=False)(batch).detach().numpy(),
        rtol=1e-10,
    )


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("which", CASES)
@pytest.mark.parametrize("k", [0, 1, 3])
def test_soft_top_k_equals_a_root_found_by_another_method(which, k):
    made = CASES[which]

    def written(queries, documents):
        losses = []
        for i, positives in enumerate(made.positives):
            counted = np.flatnonzero(made.counted[i])
            places = k or len(positives)
            if not positives or places >= len(counted):
                losses.append(0.0)
                continue
            scores = documents[counted] @ queries[i] / 0.2
            shift = brentq(
                lambda t, s=scores, p=places: sum(sigmoid(x + t) for x in s) - p,
                -60,
                60,
                xtol=1e-14,
                rtol=1e-15,
            )
            total = made.relevance[i].sum()
            losses.append(
                -sum(
                    made.relevance[i, p]
                    / total
                    * math.log(sigmoid(queries[i] @ documents[p] / 0.2 + shift))
                    for p in positives
                )
            )
        return losses

    check(SoftTopK(k, 0.2), made, written, tolerance=1e-5)


def test_the_soft_ones_sum_to_k_and_the_first_k_are_nearest_to_one():
    scaled = torch.tensor([[0.9, 0.1, 0.5, -0.3]], dtype=torch.float64) / 0.01
    counted = torch.tensor([[True, True, True, True]])
    shift = soft_top_k_shift(scaled, counted, torch.tensor([2]))
    soft = torch.sigmoid(scaled + shift[:, None])
    assert float(soft.sum()) == pytest.approx(2, abs=1e-9)
    np.testing.assert_allclose(soft.numpy(), [[1, 0, 1, 0]], atol=1e-6)


def test_the_sum_does_not_change_to_first_order_as_the_theorem_says():
    scaled = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    counted = torch.ones(3, 6, dtype=torch.bool)
    shift = soft_top_k_shift(scaled, counted, torch.tensor([1, 2, 5]))
    torch.sigmoid(scaled + shift[:, None]).sum().backward()
    np.testing.assert_allclose(scaled.grad.numpy(), 0, atol=1e-12)


@pytest.mark.parametrize("loss", [DecoupledSoftmax(1e6), SoftTopK(0, 1e-6), SoftTopK(2, 1e3)])
def test_huge_and_tiny_scales_stay_finite(loss):
    finite_at(loss)
