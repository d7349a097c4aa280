"""What a loss is: similarities and what is known of them in, one number per query out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step of training sees: n queries and m >= n documents in d dimensions.

    queries     (n, d) rows of length 1
    documents   (m, d) rows of length 1; document i < n is the positive of query i, the others are
                negatives of all
    relevance   (n, m) float: 1 for a positive (or its grade in (0, 1]), 0 for a negative
    counted     (n, m) bool: False for a document that may be a false negative, which no loss sees;
                always True for positives
    teacher     (n, m) float scores of a teacher in any unit; NaN where it was not asked. None
                without a teacher
    anchors     (n,) int64: the stable number of each query in the training set
    progress    share of the training that is done, in [0, 1]
    """

    queries: Tensor
    documents: Tensor
    relevance: Tensor
    counted: Tensor
    anchors: Tensor
    teacher: Tensor | None = None
    progress: float = 0.0


@runtime_checkable
class Loss(Protocol):
    """A loss is a frozen value that prints as it is written: `MultipleNegatives(scale=20)`.

    One that keeps state between steps (a moving average, learned temperatures) keeps it in
    tensors that `parameters` or `state` tells of, and starts afresh when it is made.
    """

    def __call__(self, batch: Batch) -> Tensor:
        """Return (n,) losses, one per query, with gradients; their weighted mean is minimised."""
