"""Losses for queries with many positives: no positive pushes another one away.

Source: Dual-Encoders for Extreme Multi-Label Classification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import log_sum, mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DecoupledSoftmax(Written):
    """InfoNCE with the other positives removed from each positive's denominator.

        loss_i = - mean_p log( e^{s_ip} / (e^{s_ip} + sum_{negatives j} e^{s_ij}) )

    scale   inverse temperature (> 0): cosines times this are logits

    The mean over positives is weighted by their relevance.
    Source: Dual-Encoders for Extreme Multi-Label Classification.
    """

    scale: float = 20.0
    name: ClassVar[str] = "decoupled_softmax"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0; 20 is usual.")

    def __call__(self, batch: Batch) -> Tensor:
        from torch.nn.functional import logsigmoid

        logits = self.scale * batch.similarities
        against = log_sum(logits, batch.negatives)
        return mean(-logsigmoid(logits - against[:, None]), batch.relevance)


@dataclass(frozen=True)
class SoftTopK(Written):
    """Positives should be among the first k, said by a top-k that has a gradient.

        z_j = sigmoid((s_j + t) / temperature),  t such that sum_j z_j = k
        loss_i = - mean_p log z_p

    k             how many places there are; 0: as many as the query has positives
    temperature   softness of the border, in cosine units (> 0)

    The shift t has no formula; it is found by bisection, and its gradient follows from
    sum_j z_j = k by the implicit function theorem: dt / ds_j = - z'_j / sum z'. A query with no
    more counted documents than places has loss 0.
    Source: Dual-Encoders for Extreme Multi-Label Classification.
    """

    k: int = 0
    temperature: float = 0.05
    name: ClassVar[str] = "soft_top_k"

    def __post_init__(self) -> None:
        require(self.k >= 0, self, f"k is {self.k}", "Set it to 0 or above.")
        require(self.temperature > 0, self, f"temperature is {self.temperature}", "Set it above 0.")

    def __call__(self, batch: Batch) -> Tensor:
        from torch.nn.functional import logsigmoid

        places = (
            batch.positives.sum(dim=1)
            if self.k == 0
            else batch.positives.new_full((len(batch.queries),), self.k, dtype=batch.anchors.dtype)
        )
        scaled = batch.similarities / self.temperature
        shift = soft_top_k_shift(scaled, batch.counted, places)
        losses = mean(-logsigmoid(scaled + shift[:, None]), batch.relevance)
        crowded = places < batch.counted.sum(dim=1)
        return losses * crowded


def soft_top_k_shift(scaled: Tensor, counted: Tensor, places: Tensor) -> Tensor:
    """Return (n,) shifts t with sum of sigmoid(scaled + t) over counted = places, with gradient.

    scaled   (n, m) scores over the temperature
    places   (n,) int in [1, counted columns of the row - 1]; elsewhere the shift means nothing
    """
    import torch

    fixed = scaled.detach()
    wide = math.log(fixed.shape[1]) + 1  # here m sigmoids sum to below 1, or to above m - 1
    low = -fixed.masked_fill(~counted, -math.inf).amax(dim=1) - wide
    high = -fixed.masked_fill(~counted, math.inf).amin(dim=1) + wide
    low, high = low.nan_to_num(0, 0, 0), high.nan_to_num(0, 0, 0)
    for _ in range(32 if fixed.dtype == torch.float32 else 64):
        middle = (low + high) / 2
        filled = (torch.sigmoid(fixed + middle[:, None]) * counted).sum(dim=1)
        above = filled > places
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    shift = (low + high) / 2
    moved = fixed + shift[:, None]
    # in logarithms, for where every sigmoid is flat to the last bit one is still the steepest
    slopes = torch.nn.functional.logsigmoid(moved) + torch.nn.functional.logsigmoid(-moved)
    slopes = slopes.masked_fill(~counted, torch.finfo(slopes.dtype).min)
    shares = torch.softmax(slopes, dim=1)
    return shift - (shares * (scaled - fixed)).sum(dim=1)
