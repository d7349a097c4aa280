"""Losses for what readers said of results: thumbs, and grades with preferences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, Written, require
from everygrain.learn.losses.masking import mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Thumbs(Written):
    """A classifier of thumbs up and down, whose logit is the reward above a moving shift.

        r_ij = scale * (s_ij - t_ij)
        shift = (mean r of thumbs up + mean r of thumbs down) / 2, moving averages
        loss_i = mean_j of  - log sigmoid(r_ij - shift)          for thumbs up
                            - v_i log sigmoid(shift - r_ij)      for thumbs down

    Counted documents are those with a thumb: up where relevance is at least 1/2, else down. The
    shift lets the classifier tell up from down wherever rewards lie, so it need not raise or lower
    all of them first.

    scale    of the reward (> 0)
    memory   weight of the past, in [0, 1), in the moving averages

    t is the similarity that the encoder gave before training, where the batch has it as teacher:
    the reward is then what the training changed, as in the paper; without a teacher it is 0.
    v_i is 1 unless `match` has set it: the paper's underlying distribution matching. A query
    without thumbs has loss 0. Averages move only where gradients are recorded.
    Source: Binary Classifier Optimization for Large Language Model Alignment.
    """

    scale: float = 20.0
    memory: float = 0.9
    name: ClassVar[str] = "thumbs"
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(self.scale > 0, self, f"scale is {self.scale}", "Set it above 0.")
        require(0 <= self.memory < 1, self, f"memory is {self.memory}", "Set it in [0, 1).")

    @property
    def state(self) -> dict[str, Tensor]:
        """up and down, the (), moving means of rewards, as far as seen; weights by anchor."""
        return dict(self._kept)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave, in place of what is there."""
        self._kept.clear()
        self._kept.update(state)

    def match(self, weights: npt.ArrayLike) -> None:
        """Weigh thumbs down by their query: (anchors,) weights > 0, as `matching_weights` gives.

        Raises InputError for weights that are not positive.
        """
        import torch

        given = np.asarray(weights, dtype=np.float32)
        if given.ndim != 1 or not (np.isfinite(given).all() and (given > 0).all()):
            raise InputError("Matching weights must be positive.", "Give one above 0 per query.")
        self._kept["weights"] = torch.from_numpy(given)

    def __call__(self, batch: Batch) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid

        rewards, known = self.scale * batch.similarities, batch.counted
        if batch.teacher is not None:
            before, known = batch.taught(self)
            rewards = rewards - self.scale * before
        up = known & (batch.relevance >= 0.5)
        down = known & ~up
        moved = self._moved(rewards.detach(), up, down)
        shift = sum(moved.values()) / max(len(moved), 1)
        weights = torch.ones_like(rewards[:, :1])
        if "weights" in self._kept:
            weights = self._kept["weights"].to(rewards)[batch.anchors][:, None]
        apart = rewards - shift
        losses = torch.where(up, -logsigmoid(apart), -weights * logsigmoid(-apart))
        return mean(losses, known.to(losses))

    def _moved(self, rewards: Tensor, up: Tensor, down: Tensor) -> dict[str, Tensor]:
        """Return the moving means of rewards after this batch."""
        import torch

        moved: dict[str, Tensor] = {k: v for k, v in self._kept.items() if k in ("up", "down")}
        for name, mask in (("up", up), ("down", down)):
            if bool(mask.any()):
                now = rewards[mask].mean()
                before = moved.get(name, now).to(now)
                moved[name] = self.memory * before + (1 - self.memory) * now
        if torch.is_grad_enabled():
            self._kept.update(moved)
        return moved


@dataclass(frozen=True)
class GradesAndPairs(Written):
    """Grades by regression and preferences by Bradley-Terry, through one reward.

        reward = slope * s + intercept, in steps of the grade
        loss_i = (mean_p (reward_p - g_p)^2 + mean_j reward_j^2) / 2
                 + weight * mean_{a, b: g_a > g_b} - (g_a - g_b) log sigmoid(reward_a - reward_b)

    with grades g = steps * relevance, p over graded documents and j over counted ones of grade 0.
    Each preference weighs as much as the grades differ (scaled Bradley-Terry).

    steps    the highest grade (> 0): 4 where readers give 0 to 4
    weight   of the preferences (>= 0); 0 leaves the regression

    slope and intercept are learned with the encoder (`parameters`), from steps and 0. Halving
    between graded documents and those of grade 0 is ours: in a batch the latter are a hundred
    times as many.
    Source: HelpSteer2-Preference: Complementing Ratings with Preferences.
    """

    steps: float = 4.0
    weight: float = 1.0
    name: ClassVar[str] = "grades_and_pairs"
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(self.steps > 0, self, f"steps is {self.steps}", "Set it above 0.")
        require(self.weight >= 0, self, f"weight is {self.weight}", "Set it to 0 or above.")

    @property
    def parameters(self) -> list[Tensor]:
        """slope and intercept: float32 leaves of shape ()."""
        import torch

        if not self._kept:
            start = [torch.tensor(float(self.steps)), torch.tensor(0.0)]
            self._kept["parameters"] = [each.requires_grad_() for each in start]
        return list(self._kept["parameters"])

    def __call__(self, batch: Batch) -> Tensor:
        from torch.nn.functional import logsigmoid

        similarities = batch.similarities
        slope, intercept = (each.to(similarities) for each in self.parameters)
        rewards = slope * similarities + intercept
        grades = self.steps * batch.relevance.to(rewards)
        errors = (rewards - grades).square()
        regression = mean(errors, batch.positives.to(errors))
        regression = (regression + mean(errors, batch.negatives.to(errors))) / 2
        # pairs are few: one row of comparisons per graded document, not one per document
        rows, columns = batch.positives.nonzero(as_tuple=True)
        ahead = grades[rows, columns][:, None] - grades[rows]
        preferred = (ahead > 0) & batch.counted[rows]
        chosen = rewards[rows, columns][:, None]
        costs = (-ahead * logsigmoid(chosen - rewards[rows]) * preferred).sum(dim=1)
        counts = preferred.sum(dim=1).to(costs)
        zeros = rewards.new_zeros(len(rewards))
        total = zeros.index_add(0, rows, costs)
        pairs = zeros.index_add(0, rows, counts)
        return regression + self.weight * total / pairs.clamp(min=1)


def matching_weights(
    up: npt.ArrayLike, down: npt.ArrayLike, ridge: float = 1.0, steps: int = 30
) -> npt.NDArray[np.float64]:
    """Return (n_down,) weights that make queries with thumbs down look like those with up.

    up, down   (n_up, d) and (n_down, d) vectors of the queries that got such thumbs
    ridge      how strongly the classifier that tells them apart is held back (> 0)

    A logistic classifier gives P(up | x); by Bayes the ratio of densities is
    P(up | x) / P(down | x) * n_down / n_up. Weights have the mean 1.
    Raises InputError where one of the two is empty or their dimensions differ.
    Source: Binary Classifier Optimization for Large Language Model Alignment.
    """
    first, second = np.asarray(up, dtype=np.float64), np.asarray(down, dtype=np.float64)
    if first.ndim != 2 or first.shape[1:] != second.shape[1:] or not len(first) or not len(second):
        raise InputError(
            f"Vectors of queries with thumbs up {first.shape} and down {second.shape} do not fit.",
            "Give at least one of each, of the same dimensions.",
        )
    points = np.vstack([first, second])
    points = np.hstack([points - points.mean(axis=0), np.ones((len(points), 1))])
    labels = np.r_[np.ones(len(first)), np.zeros(len(second))]
    held = np.full(points.shape[1], ridge)
    held[-1] = 1e-9
    weights = np.zeros(points.shape[1])
    for _ in range(steps):  # Newton's method
        chances = 1 / (1 + np.exp(-np.clip(points @ weights, -30, 30)))
        slope = points.T @ (chances - labels) + held * weights
        curvature = (points.T * (chances * (1 - chances))) @ points + np.diag(held)
        weights -= np.linalg.solve(curvature, slope)
    odds = np.exp(np.clip(points[len(first) :] @ weights, -30, 30))
    shares: npt.NDArray[np.float64] = odds / odds.mean()
    return shares
