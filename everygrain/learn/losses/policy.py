"""nDCG itself as the goal: the scores are a policy that draws rankings.

Source: Policy-Gradient Training of Language Models for Ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import generator

if TYPE_CHECKING:
    from torch import Tensor

ENUMERATED = 6  # 720 rankings


@dataclass(frozen=True)
class PolicyGradient(Written):
    """One minus the expected nDCG of rankings drawn from a Plackett-Luce policy.

        P(ranking r) = prod_k e^{s_{r_k}} / sum_{l >= k} e^{s_{r_l}}       s = scale * cosine
        loss_i = 1 - E[nDCG@depth]

    The value is the mean over drawn rankings (Gumbel noise, then sorting); the gradient is
    REINFORCE's, each ranking's utility set against the mean of the others':

        gradient = - mean_b (U_b - mean_{c != b} U_c) grad log P(first `depth` places of r_b)

    Only the places that nDCG@depth sees enter the probability: the rest adds noise, nothing else.

    scale        inverse temperature (> 0)
    samples      rankings drawn per query (>= 2); 0: all are enumerated, exactly
    depth        cut-off of nDCG; gains are the relevance as it is
    candidates   documents ranked per query: its positives, then the best-scored negatives

    A query without positives has loss 0; so has one whose candidates are all positives of a kind.
    Source: Policy-Gradient Training of Language Models for Ranking.
    """

    scale: float = 20.0
    samples: int = 16
    depth: int = 10
    candidates: int = 32
    seed: int = 0
    name: ClassVar[str] = "policy_gradient"

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0; 20 is usual.")
        require(
            self.samples == 0 or self.samples >= 2,
            self,
            f"samples is {self.samples}",
            "Draw 2 or more, for each is set against the others; 0 enumerates all rankings.",
        )
        require(self.depth > 0, self, f"depth is {self.depth}", "Set it above 0.")
        require(self.candidates > 0, self, f"candidates is {self.candidates}", "Set it above 0.")
        require(
            self.samples > 0 or self.candidates <= ENUMERATED,
            self,
            f"all rankings of {self.candidates} candidates are too many",
            f"Set candidates to {ENUMERATED} or below, or draw samples.",
        )

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        similarities = batch.similarities
        lot = similarities.detach() + 4.0 * batch.positives  # cosines lie in [-1, 1]
        lot = lot.masked_fill(~batch.counted, float("-inf"))
        best = lot.topk(min(self.candidates, lot.shape[1]), dim=1)
        real = best.values > float("-inf")
        gains = batch.relevance.gather(1, best.indices).to(similarities)
        logits = self.scale * similarities.gather(1, best.indices)
        # what is no candidate sorts last, with a weight below rounding, and finite for gradients
        least = logits.detach().amin(dim=1, keepdim=True) - 50.0
        logits = torch.where(real, logits, least)
        rankings = self._rankings(batch, logits.detach(), real)
        utilities = ndcg(gains, rankings, self.depth)
        chances = log_probability(logits, real, rankings, self.depth)
        usable = (gains > 0).any(dim=1)
        if self.samples == 0:
            # rankings that differ only in what is no candidate are one ranking; each is listed
            # as often, so shares are scaled to sum 1
            shares = chances.exp()
            shares = shares / shares.sum(dim=0).detach()
            return (1 - (shares * utilities).sum(dim=0)) * usable
        count = len(utilities)
        others = (utilities.sum(dim=0) - utilities) / (count - 1)
        surrogate = ((utilities - others) * chances).mean(dim=0)
        losses = 1 - utilities.mean(dim=0) - (surrogate - surrogate.detach())
        return losses * usable

    def _rankings(self, batch: Batch, logits: Tensor, real: Tensor) -> Tensor:
        """Return (rankings, n, candidates) columns in the order of each ranking."""
        import torch

        n, width = logits.shape
        if self.samples == 0:
            listed = torch.tensor(list(permutations(range(width))), device=logits.device)
            # a permutation that puts what is no candidate early is repaired by a stable sort
            ahead = (
                real[None]
                .expand(len(listed), n, width)
                .gather(2, listed[:, None].expand(len(listed), n, width))
            )
            order = (~ahead).to(torch.int8).argsort(dim=2, stable=True)
            return listed[:, None].expand(len(listed), n, width).gather(2, order)
        noise = generator(self.seed, batch).gumbel(size=(self.samples, n, width))
        keys = logits + torch.from_numpy(noise).to(logits)
        return keys.masked_fill(~real, float("-inf")).argsort(dim=2, descending=True)


def ndcg(gains: Tensor, rankings: Tensor, depth: int) -> Tensor:
    """Return (rankings, n) nDCG at a depth; 0 for a query without gains.

    gains      (n, c) >= 0
    rankings   (rankings, n, c) columns of the gains, best first
    """
    import torch

    depth = min(depth, gains.shape[1])
    places = torch.arange(2, depth + 2, device=gains.device)
    discounts = 1 / torch.log2(places.to(gains))
    ordered = gains[None].expand(rankings.shape).gather(2, rankings[..., :depth].contiguous())
    ideal = (gains.sort(dim=1, descending=True).values[:, :depth] * discounts).sum(dim=1)
    return (ordered * discounts).sum(dim=2) / torch.where(ideal > 0, ideal, torch.ones_like(ideal))


def log_probability(logits: Tensor, real: Tensor, rankings: Tensor, depth: int) -> Tensor:
    """Return (rankings, n) log-probabilities of the first `depth` places, with gradients.

    logits     (n, c), finite
    real       (n, c) bool: False for columns that are no candidate; they stand last in a ranking
    rankings   (rankings, n, c)
    """
    import torch

    ordered = logits[None].expand(rankings.shape).gather(2, rankings)
    remaining = ordered.flip(2).logcumsumexp(dim=2).flip(2)
    places = torch.arange(logits.shape[1], device=logits.device)
    seen = (places < real.sum(dim=1, keepdim=True)) & (places < depth)
    return ((ordered - remaining) * seen).sum(dim=2)
