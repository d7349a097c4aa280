"""A teacher's preferences among the documents of a batch, as a distribution to copy.

Source: Retrieve Anything To Augment Large Language Models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import log_sum, mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Divergence(Written):
    """The Kullback-Leibler divergence of the student's softmax from the teacher's.

        loss_i = sum_j P_ij log(P_ij / Q_ij)    P = softmax(teacher_scale t), Q = softmax(scale s)

    over the counted documents whose teacher score is known; 0 with fewer than two.

    scale           inverse temperature of the student's cosines (> 0)
    teacher_scale   inverse temperature of the teacher's scores (> 0): 1 for log-likelihoods
    """

    scale: float = 20.0
    teacher_scale: float = 20.0
    name: ClassVar[str] = "divergence"

    def __post_init__(self) -> None:
        _check_scales(self)

    def __call__(self, batch: Batch) -> Tensor:
        teacher, known = batch.taught(self)
        return divergence(self.teacher_scale * teacher, self.scale * batch.similarities, known)


@dataclass(frozen=True)
class StabilisedDistillation(Written):
    """Each document against those that the teacher ranks below it, weighted by its reward.

        loss_i = - sum_j w_ij log( e^{s_ij} / (e^{s_ij} + sum_{k: t_ik < t_ij} e^{s_ik} + rest_i) )
        w = softmax(teacher_scale t)       rest_i = sum of e^{s_ik} over negatives of unknown t

    over the counted documents j whose reward t is known. Where one reward stands out, it is
    InfoNCE with a hard positive; where rewards are alike, their order is still learned, but
    weakly: that is what a plain divergence from a flat distribution loses.

    scale           inverse temperature of the student's cosines (> 0)
    teacher_scale   inverse temperature of the rewards (> 0)

    Rewards are log-likelihoods of the right answer with the document in the prompt, or any other
    teacher's scores. The formula is rebuilt from the description, not checked against the paper.
    Source: Retrieve Anything To Augment Large Language Models.
    """

    scale: float = 20.0
    teacher_scale: float = 20.0
    name: ClassVar[str] = "stabilised_distillation"

    def __post_init__(self) -> None:
        _check_scales(self)

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        teacher, known = batch.taught(self)
        rewards, taken, losses = against_lower(batch, self.scale, teacher, known)
        weights = torch.softmax(
            (self.teacher_scale * rewards).masked_fill(~taken, torch.finfo(losses.dtype).min), dim=1
        )
        return mean(losses, weights * taken)


def against_lower(
    batch: Batch, scale: float, teacher: Tensor, known: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Set each document against those that a teacher ranks below it, and those it does not know.

    teacher, known   as `Batch.taught` gives them

    Returns, each (n, m) and all in the order of rising rewards: the rewards, inf where unknown;
    which are known; and -log( e^s / (e^s + sum of e^s over what is below + rest) ), which may be
    anything where unknown.
    """
    import torch
    from torch.nn.functional import logsigmoid

    logits = scale * batch.similarities
    rest = log_sum(logits, batch.negatives & ~known)
    # rewards rising; what has none comes last, so no running sum holds it
    rewards, order = teacher.masked_fill(~known, float("inf")).sort(dim=1)
    rising, taken = logits.gather(1, order), known.gather(1, order)
    running = torch.logcumsumexp(rising, dim=1)
    lower = torch.searchsorted(rewards, rewards)  # how many are strictly below, ties apart
    below = running.gather(1, (lower - 1).clamp(min=0))
    below = below.masked_fill(lower == 0, float("-inf"))
    both = torch.stack([below, rest[:, None].expand_as(below)])
    against = torch.logsumexp(both, dim=0)
    return rewards, taken, -logsigmoid(rising - against)


def divergence(target: Tensor, logits: Tensor, taken: Tensor) -> Tensor:
    """Return (n,) divergences of softmax(logits) from softmax(target), over the taken columns.

    Both (n, m); rows with fewer than two taken give 0.
    """
    wanted = target - log_sum(target, taken).nan_to_num(neginf=0.0)[:, None]
    given = logits - log_sum(logits, taken).nan_to_num(neginf=0.0)[:, None]
    shares = wanted.masked_fill(~taken, float("-inf")).exp()
    return mean(wanted - given, shares)


def _check_scales(loss: Divergence | StabilisedDistillation) -> None:
    require(loss.scale > 0, loss, f"scale is {loss.scale}", "Set it above 0; 20 is usual.")
    require(
        loss.teacher_scale > 0, loss, f"teacher_scale is {loss.teacher_scale}", "Set it above 0."
    )
