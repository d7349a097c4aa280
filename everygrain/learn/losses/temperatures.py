"""A temperature per query: queries with many near neighbours are pushed apart less.

Source: Not All Semantics are Created Equal: Contrastive Self-supervised Learning with Automatic
Temperature Individualization.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import log_sum, mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class IndividualTemperatures(Written):
    """The robust contrastive loss, whose temperature each query learns for itself.

        loss_i = tau_i log E_j[ e^{h_ij / tau_i} ] + tau_i rho       h_ij = s_ij - s_i+

    over the counted negatives j: the dual of the worst mean of h_ij over all weightings of the
    negatives within the Kullback-Leibler distance rho of equal weights. Gradient descent on
    tau_i seeks the dual's least value: many near negatives give a high temperature, few a low one.

    temperature   where every tau_i starts (cosine units)
    floor         the least tau_i (> 0)
    ceiling       the largest tau_i
    rho           how far the weights of negatives may be from equal (nats, >= 0). Those of titles
                  among 512 abstracts are 1.3 away at temperature .05, 0.3 at .1 (medians, static
                  table)
    rate          step of tau_i, once for each visit of its query
    memory        weight of the past, in [0, 1), in each query's moving averages of
                  E[e^{h/tau}] and of the gradient of tau_i

    The moving averages stand in for negatives outside the batch, so large batches are not needed;
    the gradient is then that of tau E[e^{h/tau}] / average. At memory 0 it is that of the formula.
    State moves only where gradients are recorded; a query twice in a batch keeps one of its two.
    Source: Not All Semantics are Created Equal: Contrastive Self-supervised Learning with
    Automatic Temperature Individualization.
    """

    temperature: float = 0.05
    floor: float = 0.01
    ceiling: float = 0.5
    rho: float = 1.0
    rate: float = 0.01
    memory: float = 0.2
    name: ClassVar[str] = "individual_temperatures"
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = 0 < self.floor <= self.temperature <= self.ceiling
        require(ordered, self, "not 0 < floor <= temperature <= ceiling")
        require(self.rho >= 0, self, f"rho is {self.rho}", "Set it to 0 or above.")
        require(self.rate >= 0, self, f"rate is {self.rate}", "Set it to 0 or above.")
        require(0 <= self.memory < 1, self, f"memory is {self.memory}", "Set it in [0, 1).")

    @property
    def state(self) -> dict[str, Tensor]:
        """temperatures, log_averages (of E[e^{h/tau}]; NaN before the first) and slopes, by anchor.

        Empty before the first step.
        """
        return dict(self._kept)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave, in place of what is there."""
        self._kept.clear()
        self._kept.update(state)

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        similarities, negatives = batch.similarities, batch.negatives
        gaps = similarities - mean(similarities, batch.relevance)[:, None]
        usable = negatives.any(dim=1) & batch.positives.any(dim=1)
        kept = self._grown(int(batch.anchors.max()) + 1 if len(batch.anchors) else 0, gaps)
        tau = kept["temperatures"][batch.anchors]
        before = kept["log_averages"][batch.anchors]

        scaled = gaps / tau[:, None]
        counts = negatives.sum(dim=1).clamp(min=1).to(gaps)
        log_now = log_sum(scaled, negatives) - counts.log()
        log_now = torch.where(usable, log_now, torch.zeros_like(log_now))
        fixed = log_now.detach()
        average = fixed
        if self.memory:
            blended = torch.logaddexp(
                before + math.log(self.memory), fixed + math.log1p(-self.memory)
            )
            average = torch.where(before.isnan(), fixed, blended)
        ratio = torch.exp(fixed - average)  # how much of the average this batch is
        # the value is the formula's; the gradient is ratio * tau * d log E / d similarities
        values = tau * (average + ratio * (log_now - fixed)) + tau * self.rho
        if torch.is_grad_enabled():
            near = (scaled.detach() - fixed[:, None]).masked_fill(~negatives, -math.inf)
            tilted = (near.exp() * scaled.detach()).sum(dim=1) / counts
            slope = average + self.rho - ratio * tilted
            self._learn(batch.anchors[usable], average[usable], slope[usable])
        return torch.where(usable, values, torch.zeros_like(values))

    def _grown(self, size: int, like: Tensor) -> dict[str, Tensor]:
        """Return the state with room for `size` anchors, as tensors like the similarities."""
        import torch

        starts = {"temperatures": self.temperature, "log_averages": math.nan, "slopes": math.nan}
        for name, start in starts.items():
            old = self._kept.get(name)
            if old is None:
                old = torch.empty(0, dtype=like.dtype, device=like.device)
            if len(old) < size:
                # doubled, so that a growing training set is not copied at every step
                more = old.new_full((max(size, 2 * len(old)) - len(old),), start)
                old = torch.cat([old, more])
            self._kept[name] = old.to(like.device, like.dtype)
        return self._kept

    def _learn(self, anchors: Tensor, averages: Tensor, slopes: Tensor) -> None:
        import torch

        kept = self._kept
        kept["log_averages"][anchors] = averages
        before = kept["slopes"][anchors]
        blended = self.memory * before + (1 - self.memory) * slopes
        slopes = torch.where(before.isnan(), slopes, blended)
        kept["slopes"][anchors] = slopes
        moved = kept["temperatures"][anchors] - self.rate * slopes
        kept["temperatures"][anchors] = moved.clamp(self.floor, self.ceiling)
