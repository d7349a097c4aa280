"""Steps towards minima that stay low around them: sharpness-aware minimisation.

Source: Improving Multi-task Learning via Seeking Task-based Flat Regions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from everygrain.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Closure = Callable[[], "Tensor"]
Combine = Literal["mean", "projected"]


@dataclass(frozen=True, eq=False)
class SharpnessAware:
    """Wraps a torch optimiser: its step follows the gradient at the worst point near by.

        e = radius * g / |g|          g = gradient at w
        the optimiser steps from w with the gradient at w + e

    optimiser   any torch optimiser; one that takes sparse gradients where tables give them
    radius      how far to climb, in the unit of the weights (>= 0; 0 leaves the optimiser as it is)

    A step costs two gradients. Weights without a gradient stay.
    Raises InputError for a negative radius.
    """

    optimiser: Any
    radius: float = 0.05

    def __post_init__(self) -> None:
        _check(self.radius)

    def step(self, closure: Closure) -> Tensor:
        """Make one step. The closure returns the loss (a scalar), with gradients attached.

        Returns the loss at the weights before the step. Where it draws at random, as dropout
        does, let it draw the same twice.
        """
        weights = weights_of(self.optimiser)
        loss = _differentiate(self.optimiser, closure)
        if self.radius:
            gradients = [each.grad for each in weights]
            with _Climbed(weights, gradients, self.radius):
                _differentiate(self.optimiser, closure)
        self.optimiser.step()
        return loss


@dataclass(frozen=True, eq=False)
class TaskSharpnessAware:
    """The step for several tasks: each task climbs for itself, and its parts are combined apart.

        for each task i:  g_i at w,  f_i = (gradient at w + radius g_i / |g_i|) - g_i
        the optimiser steps with combine(g_1, g_2, ...) + combine(f_1, f_2, ...)

    g_i lowers a task's loss and f_i makes its neighbourhood flatter: they conflict differently,
    so conflicts between tasks are settled for each on its own.

    optimiser   any torch optimiser for dense gradients
    radius      how far each task climbs, in the unit of the weights (>= 0)
    combine     mean: the average; projected: from each task's gradient the part that points
                against another's is removed, in order of the tasks, then the average

    Projecting is PCGrad (Yu et al., Gradient Surgery for Multi-Task Learning), here without its
    random order. A step costs two gradients per task.
    Raises InputError for a negative radius or an unknown combination.
    Source: Improving Multi-task Learning via Seeking Task-based Flat Regions.
    """

    optimiser: Any
    radius: float = 0.05
    combine: Combine = "mean"

    def __post_init__(self) -> None:
        _check(self.radius)
        if self.combine not in ("mean", "projected"):
            raise InputError(
                f"There is no way '{self.combine}' to combine tasks.", "Use mean or projected."
            )

    def step(self, closures: Sequence[Closure]) -> list[Tensor]:
        """Make one step. Each closure returns the loss of one task, with gradients attached.

        Returns the losses at the weights before the step. Raises InputError without a task.
        """
        import torch

        if not closures:
            raise InputError("A step was asked of no task.", "Give at least one closure.")
        weights = weights_of(self.optimiser)
        losses, low, flat = [], [], []
        for closure in closures:
            losses.append(_differentiate(self.optimiser, closure))
            gradients = [each.grad for each in weights]
            here = _joined(weights, gradients)
            low.append(here)
            with _Climbed(weights, gradients, self.radius):
                _differentiate(self.optimiser, closure)
                flat.append(_joined(weights, [each.grad for each in weights]) - here)
        joined = combined(torch.stack(low), self.combine) + combined(
            torch.stack(flat), self.combine
        )
        used = 0
        for each in weights:
            each.grad = joined[used : used + each.numel()].reshape(each.shape).to(each.dtype)
            used += each.numel()
        self.optimiser.step()
        return losses


def combined(gradients: Tensor, combine: Combine) -> Tensor:
    """Return the (p,) direction that (tasks, p) gradients are combined to."""
    if combine == "mean":
        return gradients.mean(dim=0)
    projected = gradients.clone()
    for i in range(len(gradients)):
        for j in range(len(gradients)):
            if i == j:
                continue
            against = projected[i] @ gradients[j]
            if against < 0:
                projected[i] -= against / gradients[j].square().sum() * gradients[j]
    return projected.mean(dim=0)


def weights_of(optimiser: Any) -> list[Tensor]:
    """Return all tensors that an optimiser steps."""
    return [each for group in optimiser.param_groups for each in group["params"]]


class _Climbed:
    """Inside `with`, the weights are radius further up along their joint gradient.

    They come back to the last bit, also after an error: what was there is kept, not computed.
    """

    def __init__(
        self, weights: Sequence[Tensor], gradients: Sequence[Tensor | None], radius: float
    ) -> None:
        self.moves = [
            (weight, gradient.detach().coalesce() if gradient.is_sparse else gradient.detach())
            for weight, gradient in zip(weights, gradients, strict=True)
            if gradient is not None
        ]
        squares = sum(float(_values(gradient).square().sum()) for _, gradient in self.moves)
        self.factor = radius / squares**0.5 if squares > 0 else 0.0
        self.kept: list[Tensor] = []

    def __enter__(self) -> None:
        import torch

        with torch.no_grad():
            for weight, gradient in self.moves:
                if gradient.is_sparse:  # a table: only its touched rows
                    rows = gradient.indices()[0]
                    self.kept.append(weight[rows].clone())
                    weight[rows] += self.factor * gradient.values()
                else:
                    self.kept.append(weight.clone())
                    weight.add_(gradient, alpha=self.factor)

    def __exit__(self, *error: object) -> None:
        import torch

        with torch.no_grad():
            for (weight, gradient), before in zip(self.moves, self.kept, strict=True):
                if gradient.is_sparse:
                    weight[gradient.indices()[0]] = before
                else:
                    weight.copy_(before)


def _differentiate(optimiser: Any, closure: Closure) -> Tensor:
    """Set the gradients of the closure's loss, and return its value."""
    optimiser.zero_grad(set_to_none=True)
    loss = closure()
    loss.backward()
    return loss.detach()


def _values(gradient: Tensor) -> Tensor:
    return gradient.values() if gradient.is_sparse else gradient


def _joined(weights: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> Tensor:
    import torch

    parts = []
    for weight, gradient in zip(weights, gradients, strict=True):
        dense = torch.zeros_like(weight) if gradient is None else gradient
        parts.append((dense.to_dense() if dense.is_sparse else dense).detach().reshape(-1))
    return torch.cat(parts)


def _check(radius: float) -> None:
    if not radius >= 0:
        raise InputError(f"The radius is {radius}.", "Set it to 0 or above; .05 is usual.")
