"""What an objective of pretraining is: token ids in, named losses with their baselines out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from everygrain.errors import InputError

if TYPE_CHECKING:
    from torch import Generator, Tensor

Ids = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Size:
    """How large an encoder is.

    layers       transformer layers, >= 1
    width        of the hidden states, a multiple of heads
    heads        of attention
    vocabulary   word pieces that are learned, >= 100
    tokens       longer texts are cut, >= 8

    Raises InputError for a size that no encoder can have.
    """

    layers: int = 2
    width: int = 128
    heads: int = 4
    vocabulary: int = 8000
    tokens: int = 64

    def __post_init__(self) -> None:
        fine = self.layers >= 1 and self.heads >= 1 and self.width >= self.heads
        if not fine or self.width % self.heads or self.vocabulary < 100 or self.tokens < 8:
            raise InputError(
                f"No encoder can have {self}.",
                "Use a width that the number of heads divides, 100 word pieces or more, and 8 "
                "tokens or more.",
            )


@dataclass(frozen=True)
class Pieces:
    """Ids of the special word pieces, and the number of all."""

    padding: int
    opening: int
    closing: int
    mask: int
    count: int


class Term(NamedTuple):
    """One part of a loss.

    loss       () mean over what is predicted, in nats, with gradients
    baseline   () what one gets who knows only how frequent each answer is
    weight     of the loss in the sum that is minimised
    """

    loss: Tensor
    baseline: Tensor
    weight: float


class Task(Protocol):
    """An objective at work on one body: a torch module."""

    def __call__(self, ids: Tensor, attended: Tensor, generator: Generator) -> dict[str, Term]:
        """Return the terms of a batch: ids (n, l) int64, attended (n, l) bool, False at padding."""

    def pooling(self) -> list[Any]:
        """Return the sentence-transformers modules that make vectors of the hidden states."""


class Objective(Protocol):
    """What a pretraining asks of an encoder. An objective is a frozen value."""

    def task(self, body: Any, pieces: Pieces, ids: Ids) -> Task:
        """Prepare for the texts of a training, which are given as token ids."""
