"""Which training pairs weigh how much, and when: wrappers around any loss.

`Eased` lets the easy come first, `Reweighted` makes the redundant weigh less.

Source: Training Curricula for Open Domain Answer Re-Ranking.
Source: Dynamic Loss-Based Sample Reweighting for Improved Large Language Model Pretraining.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, Loss, averages_of, plain, restore_averages

if TYPE_CHECKING:
    from torch import Tensor

Values = npt.NDArray[np.float64]
Mapping = Literal["upper", "quadratic", "extremes", "uniform"]


@dataclass(frozen=True)
class Eased:
    """Weighs easy pairs in full from the start, and difficult ones ever more until `until`.

        weight = ease + progress / until * (1 - ease)     up to progress = until, then 1

    loss    any loss; its (n,) values are multiplied by the weights
    ease    (anchors,) in [0, 1], 1 for the easiest: by `ease_by_rank` or `ease_by_score`
    until   share of the training after which all weigh alike, in (0, 1]

    Raises InputError for values out of range; a batch with an anchor without ease too.
    Source: Training Curricula for Open Domain Answer Re-Ranking.
    """

    loss: Loss
    ease: Values = field(repr=False, compare=False)
    until: float = 0.5

    def __post_init__(self) -> None:
        ease = np.asarray(self.ease, dtype=np.float64)
        if ease.ndim != 1 or not ((ease >= 0) & (ease <= 1)).all():
            raise InputError("Ease must be between 0 and 1.", "Give one such number per pair.")
        if not 0 < self.until <= 1:
            raise InputError(f"until is {self.until}.", "Set it above 0 and at most 1.")
        object.__setattr__(self, "ease", ease)

    def __str__(self) -> str:
        return f"eased({self.loss}, until={plain(self.until)})"

    @property
    def parameters(self) -> list[Tensor]:
        """Those of the loss inside."""
        return list(getattr(self.loss, "parameters", []))

    @property
    def state(self) -> dict[str, Tensor]:
        """What the loss inside keeps between steps."""
        return averages_of(self.loss)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Let the loss inside go on from its state."""
        restore_averages(self.loss, state)

    def weights(self, anchors: npt.ArrayLike, progress: float) -> Values:
        """Return (n,) weights in [0, 1] of the pairs at a share of the training."""
        asked = np.asarray(anchors)
        if asked.size and not (asked.min() >= 0 and asked.max() < len(self.ease)):
            raise InputError(
                f"Pair {asked.max()} has no ease: there are {len(self.ease)}.",
                "Give one number per pair of the training set.",
            )
        ease = self.ease[asked]
        weights: Values = ease + min(progress / self.until, 1.0) * (1 - ease)
        return weights

    def __call__(self, batch: Batch) -> Tensor:
        import torch

        losses = self.loss(batch)
        weights = self.weights(batch.anchors.cpu().numpy(), batch.progress)
        return losses * torch.from_numpy(weights).to(losses)


def ease_by_rank(positive: npt.ArrayLike, negative: npt.ArrayLike | None = None) -> Values:
    """Return (n,) ease of pairs from ranks that a first stage gave, counted from 1.

    positive   (n,) ranks of the positives; inf where it was not found
    negative   (n,) ranks of a negative of each, if pairs of documents are trained on

    Reciprocal ranks: 1 / positive; with negatives (1 / positive - 1 / negative + 1) / 2.
    Raises InputError for a rank below 1.
    """
    reciprocal = _reciprocal(positive)
    return reciprocal if negative is None else (reciprocal - _reciprocal(negative) + 1) / 2


def ease_by_score(
    scores: npt.ArrayLike, positive: npt.ArrayLike, negative: npt.ArrayLike | None = None
) -> Values:
    """Return (n,) ease of pairs from the scores that a first stage gave.

    scores     (n, k) scores of the documents retrieved for each query; NaN where fewer were
    positive   (n,) scores of the positives
    negative   (n,) scores of a negative of each, if pairs of documents are trained on

    Scores are scaled to [0, 1] between the least and the highest of the query; what lies outside
    is cut. Equal scores say nothing: 1/2. With negatives (positive - negative + 1) / 2.
    Raises InputError for a query without scores, or lengths that differ.
    """
    given = np.asarray(scores, dtype=np.float64)
    if given.ndim != 2 or not np.isfinite(given).any(axis=1).all():
        raise InputError(
            "A query has no first-stage scores.", "Give a row of at least one score per query."
        )
    low, high = np.nanmin(given, axis=1), np.nanmax(given, axis=1)

    def normal(values: npt.ArrayLike) -> Values:
        asked = np.asarray(values, dtype=np.float64)
        if asked.shape != low.shape:
            raise InputError(
                f"{asked.shape} scores for {len(low)} queries.", "Give one score per query."
            )
        halves = np.full_like(asked, 0.5)
        scaled = np.divide(asked - low, high - low, out=halves, where=high > low)
        clipped: Values = scaled.clip(0, 1)
        return clipped

    ease = normal(positive)
    return ease if negative is None else (ease - normal(negative) + 1) / 2


@dataclass(frozen=True)
class Reweighted:
    """Weighs the pairs of each batch by their own losses, anew at every step.

        h = 2 bound (loss - least) / (highest - least) - bound      in [-bound, bound]
        weight = n * softmax( mapping(h) / sharpness )

    upper      min(h + bound, bound): small losses, the redundant, weigh less; from the middle on
               all weigh alike, so that outliers win nothing
    quadratic  1 - h^2 / bound^2: both ends weigh less
    extremes   |h|: both ends weigh more
    uniform    all weigh alike

    loss        any loss; its (n,) values are multiplied by the weights, whose mean is 1
    sharpness   r (> 0): the lower, the more unequal
    bound       > 0
    start       share of the training before which all weigh alike, in [0, 1]

    Weights are constants for the gradient. Losses that are all equal keep weight 1.
    Raises InputError for settings out of range.
    Source: Dynamic Loss-Based Sample Reweighting for Improved Large Language Model Pretraining.
    """

    loss: Loss
    mapping: Mapping = "upper"
    sharpness: float = 1.0
    bound: float = 1.0
    start: float = 0.0

    def __post_init__(self) -> None:
        if self.mapping not in MAPPINGS:
            raise InputError(
                f"There is no mapping '{self.mapping}'.", f"There are {', '.join(MAPPINGS)}."
            )
        for name in ("sharpness", "bound"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}.", "Set it above 0.")
        if not 0 <= self.start <= 1:
            raise InputError(f"start is {self.start}.", "Set it between 0 and 1.")

    def __str__(self) -> str:
        return f"reweighted({self.loss}, {self.mapping}, sharpness={plain(self.sharpness)})"

    @property
    def parameters(self) -> list[Tensor]:
        """Those of the loss inside."""
        return list(getattr(self.loss, "parameters", []))

    @property
    def state(self) -> dict[str, Tensor]:
        """What the loss inside keeps between steps."""
        return averages_of(self.loss)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Let the loss inside go on from its state."""
        restore_averages(self.loss, state)

    def weights(self, losses: Tensor) -> Tensor:
        """Return (n,) weights of mean 1 for (n,) losses."""
        import torch

        fixed = losses.detach()
        if len(fixed) == 0:
            return fixed
        width = fixed.max() - fixed.min()
        if not width > 0:
            return torch.ones_like(fixed)
        h = 2 * self.bound * (fixed - fixed.min()) / width - self.bound
        mapped = MAPPINGS[self.mapping](h, self.bound)
        return len(fixed) * torch.softmax(mapped / self.sharpness, dim=0)

    def __call__(self, batch: Batch) -> Tensor:
        losses = self.loss(batch)
        return losses if batch.progress < self.start else losses * self.weights(losses)


MAPPINGS: dict[str, Callable[[Any, float], Any]] = {
    "upper": lambda h, bound: (h + bound).clamp(max=bound),
    "quadratic": lambda h, bound: 1 - h.square() / bound**2,
    "extremes": lambda h, bound: h.abs(),
    "uniform": lambda h, bound: h * 0,
}


def _reciprocal(ranks: npt.ArrayLike) -> Values:
    given = np.asarray(ranks, dtype=np.float64)
    if not (given >= 1).all():
        raise InputError("A rank is below 1.", "Count ranks from 1; inf where nothing was found.")
    reciprocal: Values = 1 / given
    return reciprocal
