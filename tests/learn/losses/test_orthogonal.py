"""The batch-of-one loss."""

import numpy as np
import pytest
import torch

from everygrain.learn.losses import Batch
from everygrain.learn.losses.orthogonal import OrthogonalProjection
from tests.learn.losses.reference import CASES, check, finite_at, several_positives


@pytest.mark.parametrize("which", CASES)
def test_value_and_gradient_equal_a_loop(which):
    made = CASES[which]

    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            loss = 0.0
            for p in made.positives[i]:
                share = made.relevance[i, p] / made.relevance[i].sum()
                loss += share * (1 - queries[i] @ documents[p]) ** 2
            for j in made.negatives[i]:
                loss += 0.3 * (queries[i] @ documents[j]) ** 2 / len(made.negatives[i])
            losses.append(loss)
        return losses

    check(OrthogonalProjection(0.3), made, written)


def test_batches_of_one_add_up_to_the_whole_batch():
    loss, whole = OrthogonalProjection(), several_positives().batch()
    together = loss(whole)
    together.sum().backward()
    added = torch.zeros_like(whole.documents)
    for i in range(4):
        batch = several_positives().batch()
        # the query's positive stands first, as the contract wants it
        order = [i, *[j for j in range(7) if j != i]]
        documents = batch.documents[order].detach().requires_grad_()
        one = Batch(
            batch.queries[i : i + 1].detach(),
            documents,
            batch.relevance[i : i + 1, order],
            batch.counted[i : i + 1, order],
            batch.anchors[i : i + 1],
        )
        alone = loss(one)
        assert alone.item() == pytest.approx(together[i].item(), rel=1e-12)
        alone.sum().backward()
        added[order] += documents.grad
    np.testing.assert_allclose(added.numpy(), whole.documents.grad.numpy(), atol=1e-14)


def test_parallel_positives_and_orthogonal_negatives_have_no_loss():
    made = several_positives()
    made.relevance[:] = np.eye(4, 7)
    made.queries[:] = np.eye(5)[:4]
    made.documents[:4] = np.eye(5)[:4]
    made.documents[4:] = np.eye(5)[4]
    assert OrthogonalProjection()(made.batch()).abs().max() == 0


def test_a_huge_weight_does_not_overflow():
    finite_at(OrthogonalProjection(1e6))
