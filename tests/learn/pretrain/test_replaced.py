"""Replaced-token detection: losses against loops, and what is replaced."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from everygrain.learn.pretrain.base import Pieces  # noqa: E402
from everygrain.learn.pretrain.masking import (  # noqa: E402
    chosen,
    log_chances,
    ordinary,
    token_counts,
)
from everygrain.learn.pretrain.replaced import (  # noqa: E402
    constant_loss,
    detection_loss,
    sampled,
)

PIECES = Pieces(padding=0, opening=2, closing=3, mask=4, count=12)
IDS = torch.tensor([[2, 7, 8, 9, 5, 3, 0, 0], [2, 6, 3, 0, 0, 0, 0, 0], [2, 5, 6, 7, 8, 9, 10, 3]])
ATTENDED = IDS != 0


def test_the_loss_is_over_all_ordinary_tokens_as_loops_have_it():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(IDS.shape, generator=generator)
    replaced = torch.rand(IDS.shape, generator=generator) < 0.3
    counted = ordinary(IDS, ATTENDED, PIECES)
    losses = []
    for row in range(3):
        for column in range(8):
            if int(IDS[row, column]) in (0, 2, 3):
                assert not counted[row, column]
                continue
            chance = 1 / (1 + np.exp(-float(logits[row, column])))
            losses.append(-np.log(chance if replaced[row, column] else 1 - chance))
    assert len(losses) == 11
    assert float(detection_loss(logits, replaced, counted)) == pytest.approx(
        np.mean(losses), rel=1e-5
    )


def test_masked_places_are_a_share_of_each_text_and_at_least_one():
    counted = ordinary(IDS, ATTENDED, PIECES)
    for seed in range(20):
        hidden = chosen(counted, 0.4, torch.Generator().manual_seed(seed))
        assert hidden.sum(1).tolist() == [2, 1, 2]
        assert not (hidden & ~counted).any()
    none = chosen(torch.zeros(1, 4, dtype=torch.bool), 0.4, torch.Generator())
    assert not none.any()


def test_every_place_is_masked_alike_often():
    counted = ordinary(IDS, ATTENDED, PIECES)
    generator = torch.Generator().manual_seed(0)
    total = sum(chosen(counted, 0.4, generator).float() for _ in range(600)) / 600
    assert np.allclose(total[0, 1:5], 0.5, atol=0.08)


def test_draws_follow_the_softmax():
    logits = torch.log(torch.tensor([[0.6, 0.3, 0.1]])).expand(20_000, 3)
    found = sampled(logits, torch.Generator().manual_seed(0))
    assert np.allclose(np.bincount(found.numpy()) / 20_000, [0.6, 0.3, 0.1], atol=0.015)


def test_baselines_are_the_entropy_of_frequencies():
    truth = torch.tensor([True, False, False, False])
    assert float(constant_loss(truth)) == pytest.approx(
        -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)), rel=1e-5
    )
    counts = token_counts([[5, 5, 6], [5, 7]], 12)
    assert counts[[5, 6, 7]].tolist() == [3, 1, 1]
    assert token_counts([[5, 5, 6], [5, 7]], 12, distinct=True)[5] == 2
    assert float(log_chances(counts)[5]) == pytest.approx(np.log(4 / 17), rel=1e-6)
