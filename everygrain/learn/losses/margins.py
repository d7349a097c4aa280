"""The student copies how far the teacher sets a positive above a negative, not the scores.

Source: Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MarginMSE(Written):
    """The mean squared difference of margins over all pairs of a positive and a negative.

        loss_i = mean_{p, j} ( scale (s_ip - s_ij) - (t_ip - t_ij) )^2

    over positives p and counted negatives j whose teacher scores t are known; 0 without such.

    scale   student's unit in the teacher's: 1 where both are cosines

    Source: Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
    Distillation.
    """

    scale: float = 1.0
    name: ClassVar[str] = "margin_mse"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0.")

    def __call__(self, batch: Batch) -> Tensor:
        teacher, known = batch.taught(self)
        errors = self.scale * batch.similarities - teacher
        positives = (batch.positives & known).to(errors)
        negatives = (batch.negatives & known).to(errors)
        # (e_p - e_j)^2 averaged over all pairs is the two variances plus the squared difference
        # of means: no array of all pairs is needed
        above, below = mean(errors, positives), mean(errors, negatives)
        spread_above = mean((errors - above[:, None]).square(), positives)
        spread_below = mean((errors - below[:, None]).square(), negatives)
        both = positives.any(dim=1) & negatives.any(dim=1)
        return ((above - below).square() + spread_above + spread_below) * both
