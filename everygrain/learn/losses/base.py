"""What a loss is: similarities and what is known of them in, one number per query out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from everygrain.errors import InputError

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

    Raises InputError where the shapes do not fit together, or a positive is not counted.
    """

    queries: Tensor
    documents: Tensor
    relevance: Tensor
    counted: Tensor
    anchors: Tensor
    teacher: Tensor | None = None
    progress: float = 0.0

    def __post_init__(self) -> None:
        n, m = len(self.queries), len(self.documents)
        expected = {"relevance": (n, m), "counted": (n, m), "anchors": (n,)}
        if self.teacher is not None:
            expected["teacher"] = (n, m)
        for name, shape in expected.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise InputError(
                    f"{name} of a batch of {n} queries and {m} documents has the shape {found}.",
                    f"Give it the shape {shape}.",
                )
        if self.queries.shape[1:] != self.documents.shape[1:]:
            raise InputError(
                f"Queries of {self.queries.shape[1:]} and documents of "
                f"{self.documents.shape[1:]} dimensions are in one batch.",
                "Encode both with one encoder.",
            )
        if bool(((self.relevance > 0) & ~self.counted).any()):
            raise InputError(
                "A positive of the batch is not counted.",
                "Leave out negatives only: counted must be True wherever relevance is above 0.",
            )

    @property
    def similarities(self) -> Tensor:
        """(n, m) dot products: cosines, as rows have length 1."""
        return self.queries @ self.documents.T

    @property
    def positives(self) -> Tensor:
        """(n, m) bool: what is relevant to some degree."""
        return self.relevance > 0

    @property
    def negatives(self) -> Tensor:
        """(n, m) bool: what counts and is not relevant."""
        return self.counted & (self.relevance <= 0)

    def taught(self, loss: object) -> tuple[Tensor, Tensor]:
        """Return the teacher's scores (n, m), 0 where unknown, and where they are known and count.

        Raises InputError without a teacher, naming the loss that needs one.
        """
        if self.teacher is None:
            raise InputError(
                f"{loss} needs a teacher's scores and the batch has none.",
                "Give the trainer a teacher, or choose a loss that needs none.",
            )
        known = self.teacher.isfinite() & self.counted
        return self.teacher.to(self.queries).masked_fill(~known, 0.0), known


@runtime_checkable
class Loss(Protocol):
    """A loss is a frozen value that prints as it is written: `multiple_negatives(scale=20)`.

    One that keeps state between steps (a moving average, learned temperatures) keeps it in
    tensors that `parameters` or `state` tells of, and starts afresh when it is made.
    """

    def __call__(self, batch: Batch) -> Tensor:
        """Return (n,) losses, one per query, with gradients; their weighted mean is minimised."""


@runtime_checkable
class LearnedLoss(Loss, Protocol):
    """A loss with weights of its own, which the trainer's optimiser steps beside the encoder's."""

    @property
    def parameters(self) -> list[Tensor]: ...


@runtime_checkable
class StatefulLoss(Loss, Protocol):
    """A loss with moving averages of its own, which a checkpoint keeps beside the weights."""

    @property
    def state(self) -> dict[str, Tensor]: ...

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave, in place of what is there."""


def averages_of(loss: Loss) -> dict[str, Tensor]:
    """Return copies of what a loss keeps between steps; empty for one that keeps nothing."""
    if not isinstance(loss, StatefulLoss):
        return {}
    return {name: each.detach().clone() for name, each in loss.state.items()}


def restore_averages(loss: Loss, averages: dict[str, Tensor]) -> None:
    """Let a loss go on from what `averages_of` gave."""
    if isinstance(loss, StatefulLoss):
        loss.restore({name: each.clone() for name, each in averages.items()})


class Written:
    """Gives a frozen dataclass the form in which `parse_loss` reads it: settings not at defaults.

    name   the loss's name in LOSSES
    """

    name: ClassVar[str]

    def __str__(self) -> str:
        own = [each for each in fields(self) if each.init]  # type: ignore[arg-type]
        told = [
            f"{each.name}={plain(getattr(self, each.name))}"
            for each in own
            if getattr(self, each.name) != each.default
        ]
        return f"{self.name}({', '.join(told)})" if told else self.name


def plain(value: object) -> str:
    """Write a setting: 20.0 as 20."""
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def require(holds: bool, loss: object, told: str, remedy: str = "") -> None:
    """Raise InputError about a setting of a loss unless it holds."""
    if not holds:
        raise InputError(f"{type(loss).__name__}: {told}.", remedy or "Change that setting.")
