"""Documents between a positive and a negative, relevant in part.

Source: It Takes Two to Tango: Mixup for Deep Metric Learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import generator, log_sum

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MetricMixup(Written):
    """Multi-similarity loss on documents as they are and on mixed ones, with mixed labels.

        L(s, y) = log(1 + sum_j y_j e^{-b (s_j - m)}) / b
                  + log(1 + sum_j (1 - y_j) e^{c (s_j - m)}) / c
        loss_i = L(cosines, relevance) + weight * L(cosines of mixed documents, mixed labels)

    A mixed document is z d_p + (1 - z) d_j scaled to length 1, of a positive p and a counted
    negative j of the query, drawn by lot; its label is z times the positive's relevance, with z
    drawn from Beta(alpha, alpha). With labels 0 and 1 the first L is multi-similarity itself.

    weight           of the mixed term (>= 0)
    alpha            shape of the shares (> 0): 1 draws them evenly from [0, 1]
    mixes            mixed documents per query (> 0)
    positive_scale   b (> 0)
    negative_scale   c (> 0)
    margin           m, a cosine
    seed             of the draws; they follow from it, the batch's anchors and its progress

    Embeddings are mixed, not texts or hidden layers; scaling the mixture to length 1 is ours.
    Source: It Takes Two to Tango: Mixup for Deep Metric Learning.
    """

    weight: float = 1.0
    alpha: float = 1.0
    mixes: int = 4
    positive_scale: float = 2.0
    negative_scale: float = 50.0
    margin: float = 0.5
    seed: int = 0
    name: ClassVar[str] = "metric_mixup"

    def __post_init__(self) -> None:
        require(self.weight >= 0, self, f"weight is {self.weight}", "Set it to 0 or above.")
        for name in ("alpha", "mixes", "positive_scale", "negative_scale"):
            value = getattr(self, name)
            require(value > 0, self, f"{name} is {value}", "Set it above 0.")

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        labels = batch.relevance.to(batch.queries)
        clean = self._similarity(batch.similarities, labels, batch.counted)
        positives, negatives, shares = self.draw(batch)
        share = shares[..., None]
        mixed = share * batch.documents[positives] + (1 - share) * batch.documents[negatives]
        mixed = torch.nn.functional.normalize(mixed, dim=2)
        cosines = (mixed @ batch.queries[:, :, None]).squeeze(2)
        usable = batch.positives.any(dim=1) & batch.negatives.any(dim=1)
        taken = usable[:, None].expand_as(cosines)
        return clean + self.weight * self._similarity(
            cosines, shares * labels.gather(1, positives), taken
        )

    def draw(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return the columns of positives and of negatives, and the shares: each (n, mixes).

        For a query without positives or without negatives the columns mean nothing.
        """
        import torch

        lot = generator(self.seed, batch)
        shape = (self.mixes, *batch.relevance.shape)
        # one mix at a time: a query's mixes are drawn independently of one another
        columns: list[list[Tensor]] = [[], []]
        for keys in lot.random(shape):
            order = torch.from_numpy(keys).to(batch.queries.device)
            for among, mask in zip(columns, (batch.positives, batch.negatives), strict=True):
                among.append(order.masked_fill(~mask, -1.0).argmax(dim=1))
        shares = lot.beta(self.alpha, self.alpha, size=(shape[1], self.mixes))
        positives, negatives = (torch.stack(each, dim=1) for each in columns)
        return positives, negatives, torch.from_numpy(shares).to(batch.queries)

    def _similarity(self, cosines: Tensor, labels: Tensor, taken: Tensor) -> Tensor:
        """Return (n,) multi-similarity losses for labels in [0, 1]."""
        from torch.nn.functional import logsigmoid

        apart = cosines - self.margin
        low = -self.positive_scale * apart + labels.clamp(min=1e-38).log()
        high = self.negative_scale * apart + (1 - labels).clamp(min=1e-38).log()
        pull = log_sum(low, taken & (labels > 0))
        push = log_sum(high, taken & (labels < 1))
        # log(1 + e^x) = -logsigmoid(-x), which is 0 at x = -inf
        return -logsigmoid(-pull) / self.positive_scale - logsigmoid(-push) / self.negative_scale
