"""Multiple negatives ranking: the positive is picked out among the documents of the batch.

    loss_i = - sum_p r_ip log( e^{s_ip} / sum_j e^{s_ij} )       s = scale * cosine

with r the relevance scaled to sum 1 over a query's positives, and j over all counted documents.
Symmetric: the mean of this and of the same with queries and documents exchanged. The baseline of
all other losses; first written for e-mail replies by Henderson et al., 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import log_sum, mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MultipleNegatives(Written):
    """InfoNCE over the batch.

    scale       inverse temperature (> 0): cosines times this are logits
    symmetric   also pick the query out for each document that is somebody's positive
    """

    scale: float = 20.0
    symmetric: bool = True
    name: ClassVar[str] = "multiple_negatives"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0; 20 is usual.")

    def __call__(self, batch: Batch) -> Tensor:
        logits = self.scale * batch.similarities
        rows = cross_entropy(logits, batch.relevance, batch.counted)
        if not self.symmetric:
            return rows
        n = len(batch.queries)
        columns = cross_entropy(logits[:, :n].T, batch.relevance[:, :n].T, batch.counted[:, :n].T)
        return (rows + columns) / 2


def cross_entropy(logits: Tensor, relevance: Tensor, counted: Tensor) -> Tensor:
    """Return (n,) cross entropies between relevance, scaled to sum 1, and a softmax over counted.

    A row without positives gives 0.
    """
    return mean(log_sum(logits, counted)[:, None] - logits, relevance)
