"""Sums and means over some of the documents of each query, safe where there are none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from everygrain.learn.losses.base import Batch


def log_sum(logits: Tensor, mask: Tensor) -> Tensor:
    """Return (n,) log sum exp over the masked columns; -inf, with gradient 0, without any."""
    import torch

    return torch.logsumexp(logits.masked_fill(~mask, float("-inf")), dim=1)


def mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return (n,) means weighted by (n, m) weights >= 0; 0 where all weights are 0.

    A value of weight 0 may be infinite: it takes no part, nor does its gradient.
    """
    import torch

    taken = torch.where(weights > 0, values, torch.zeros_like(values))
    total = weights.sum(dim=1)
    safe = torch.where(total > 0, total, torch.ones_like(total))
    return (taken * weights).sum(dim=1) / safe


def generator(seed: int, batch: Batch) -> np.random.Generator:
    """Return a generator that follows from the seed, the batch's queries and the progress.

    A loss that draws is so still a function of its batch, and draws anew in the next epoch.
    """
    digest = hashlib.blake2b(batch.anchors.cpu().numpy().astype("<i8").tobytes(), digest_size=8)
    digest.update(np.float64(batch.progress).tobytes())
    return np.random.default_rng([seed, int.from_bytes(digest.digest(), "little")])
