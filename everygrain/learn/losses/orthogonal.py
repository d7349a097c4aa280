"""A loss that needs no other query: long documents can be trained on one pair at a time.

Source: Benchmarking and Building Long-Context Retrieval Models with LoCo and M2-BERT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OrthogonalProjection(Written):
    """Positives should be parallel to the query, negatives orthogonal to it.

        loss_i = mean_p (1 - s_ip)^2 + weight * mean_j s_ij^2        s = cosine

    No softmax ties the documents together, so a query's loss, and its gradient, are the same
    alone as in any batch with the same documents: batches of one, with gradients added up, give
    what a large batch gives.

    weight   of the negatives (>= 0)

    That cosines are driven to one and zero is the paper's; the squares are our choice.
    Source: Benchmarking and Building Long-Context Retrieval Models with LoCo and M2-BERT.
    """

    weight: float = 1.0
    name: ClassVar[str] = "orthogonal_projection"

    def __post_init__(self) -> None:
        require(self.weight >= 0, self, f"weight is {self.weight}", "Set it to 0 or above.")

    def __call__(self, batch: Batch) -> Tensor:
        similarities = batch.similarities
        parallel = mean((1 - similarities).square(), batch.relevance)
        orthogonal = mean(similarities.square(), batch.negatives.to(similarities))
        return parallel + self.weight * orthogonal
