"""A small head on two vectors says what a teacher that reads both texts at once would say.

Source: Scalable Attentive Sentence-Pair Modeling via Distilled Sentence Embedding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import generator, mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DistilledSentenceEmbedding(Written):
    """The squared error of a head over [u, v, |u - v|, u * v] against the teacher's score.

        x = [u, v, |u - v|, u * v]
        score(u, v) = a . x + b + c . max(0, W x)
        loss_i = mean_j ( score(q_i, d_j) - t_ij )^2

    over at most `most` documents j per query whose score t_ij is known: positives first, then
    others by lot.

    dimensions   d of the vectors
    hidden       rows of W; 0 leaves a linear head
    most         pairs taken per query, for each costs 4 d numbers

    The head starts as the cosine (a is 1 on u * v, c is 0), so that the vectors do not have to
    unlearn it; that start is ours. It is trained with the vectors: see `parameters`.
    Source: Scalable Attentive Sentence-Pair Modeling via Distilled Sentence Embedding.
    """

    dimensions: int = 256
    hidden: int = 32
    most: int = 8
    seed: int = 0
    name: ClassVar[str] = "distilled_sentence_embedding"
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(self.dimensions > 0, self, f"dimensions is {self.dimensions}", "Set it above 0.")
        require(self.hidden >= 0, self, f"hidden is {self.hidden}", "Set it to 0 or above.")
        require(self.most > 0, self, f"most is {self.most}", "Set it above 0.")

    @property
    def parameters(self) -> list[Tensor]:
        """a (4 d,), b (1,), W (hidden, 4 d), c (hidden,): float32 leaves to optimise."""
        import torch

        if not self._kept:
            width = 4 * self.dimensions
            linear = torch.zeros(width)
            linear[3 * self.dimensions :] = 1.0
            drawn = np.random.default_rng(self.seed).standard_normal((self.hidden, width))
            weights = torch.from_numpy((drawn / np.sqrt(width)).astype(np.float32))
            start = [linear, torch.zeros(1), weights, torch.zeros(self.hidden)]
            self._kept["parameters"] = [each.requires_grad_() for each in start]
        return list(self._kept["parameters"])

    def score(self, queries: Tensor, documents: Tensor) -> Tensor:
        """Return (n, k) scores of (n, d) queries for their own (n, k, d) documents."""
        import torch

        linear, bias, weights, outer = (each.to(queries) for each in self.parameters)
        first = queries[:, None].expand_as(documents)
        parts = [first, documents, (first - documents).abs(), first * documents]
        features = torch.cat(parts, dim=2)
        scores: Tensor = features @ linear + bias + torch.relu(features @ weights.T) @ outer
        return scores

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        found = batch.queries.shape[1]
        require(
            found == self.dimensions,
            self,
            f"the vectors have {found} dimensions and the head {self.dimensions}",
            f"Write {self.name}(dimensions={found}).",
        )
        teacher, known = batch.taught(self)
        drawn = generator(self.seed, batch).random(tuple(known.shape))
        order = torch.from_numpy(drawn).to(batch.queries.device)
        order = (order + batch.positives).masked_fill(~known, -1.0)
        chosen = order.topk(min(self.most, order.shape[1]), dim=1).indices
        errors = self.score(batch.queries, batch.documents[chosen]) - teacher.gather(1, chosen)
        return mean(errors.square(), known.gather(1, chosen).to(errors))
