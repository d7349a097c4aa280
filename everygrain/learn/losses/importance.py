"""A teacher's whole ranking to copy, its first places above all.

Source: Sliding Windows Are Not the End: Exploring Full Ranking with Long-Context Large Language
Models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.divergence import against_lower
from everygrain.learn.losses.masking import mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ImportanceAware(Written):
    """The likelihood of the teacher's ranking, place by place, in which first places count more.

        loss_i = - sum_j w_j log( e^{s_ij} / (e^{s_ij} + sum_{k: t_ik < t_ij} e^{s_ik} + rest_i) )
                 / sum_j w_j
        w_j = 1 + emphasis / log2(1 + r_j)
        r_j = 1 + number of documents that the teacher scores above j
        rest_i = sum of e^{s_ik} over negatives of unknown t

    over the counted documents j whose teacher score t is known: a complete list, where that of all
    is. Documents with the same score are at one place and not set against one another.

    scale      inverse temperature of the cosines (> 0)
    emphasis   of the first places (>= 0); 0 counts all places alike: the Plackett-Luce likelihood
               of the ranking

    In the paper a language model writes the ids of the passages in order, and its loss weighs the
    ids' tokens by their place. Here scores stand for the model: the chance of the next id, given
    those that are written, is Plackett and Luce's. That the weight falls as nDCG's discount does is
    assumed: the formula is rebuilt from the description, not checked against the paper.
    Source: Sliding Windows Are Not the End: Exploring Full Ranking with Long-Context Large Language
    Models.
    """

    scale: float = 20.0
    emphasis: float = 1.0
    name: ClassVar[str] = "importance_aware"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0; 20 is usual.")
        require(self.emphasis >= 0, self, f"emphasis is {self.emphasis}", "Set it to 0 or more.")

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        teacher, known = batch.taught(self)
        scores, taken, losses = against_lower(batch, self.scale, teacher, known)
        not_above = torch.searchsorted(scores, scores, right=True)
        above = (taken.sum(dim=1, keepdim=True) - not_above).clamp(min=0)
        weights = 1 + self.emphasis / torch.log2(2.0 + above.to(losses))
        return mean(losses, weights * taken)
