"""Contrast that turns from all negatives to the hard ones as training goes on.

Source: Towards Robust Text Retrieval with Progressive Learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import log_sum, mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ProgressiveNegatives(Written):
    """InfoNCE whose negatives are weighted by their hardness, more and more.

        loss_i = - mean_p log( e^{s_ip} / (e^{s_ip} + sum_j w_ij e^{s_ij}) )
        w_ij = J e^{b s_ij} / sum_j e^{b s_ij}       b = hardness * progress

    over the J counted negatives j. All weights are 1 at the start of the training.

    scale      inverse temperature (> 0): cosines times this are the s
    hardness   b at the end of the training (>= 0)

    The weights are constants for the gradient. That training should move from easy to hard is the
    paper's; its abstract gives no formula, and this schedule and weighting are ours.
    Source: Towards Robust Text Retrieval with Progressive Learning.
    """

    scale: float = 20.0
    hardness: float = 0.5
    name: ClassVar[str] = "progressive_negatives"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0; 20 is usual.")
        require(self.hardness >= 0, self, f"hardness is {self.hardness}", "Set it to 0 or above.")

    def __call__(self, batch: Batch) -> Tensor:
        from torch.nn.functional import logsigmoid

        logits, negatives = self.scale * batch.similarities, batch.negatives
        power = self.hardness * batch.progress * logits.detach()
        counts = negatives.sum(dim=1).clamp(min=1).to(power)
        normal = log_sum(power, negatives) - counts.log()
        # a row without negatives has the normal -inf, and no column that would use it
        log_weights = power - normal.nan_to_num(neginf=0.0)[:, None]
        against = log_sum(logits + log_weights, negatives)
        return mean(-logsigmoid(logits - against[:, None]), batch.relevance)
