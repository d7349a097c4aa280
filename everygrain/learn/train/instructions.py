"""Trains one static table for several uses, with what each use has of its own.

    loss = L(pairs) + reward_weight * D(rewards)

with L any loss over pairs and D the stabilised distillation of rewards: scores, by any scorer, of
texts that were found for a query, such as a language model's log-likelihood of the right answer
with the text before it. Batches are of one use each, so that every negative is one of the same
task. Table, scales and offsets are trained together; `sides` says which of the latter there are.

Source: Retrieve Anything To Augment Large Language Models
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from everygrain.encode.instructions import Instructed, Use
from everygrain.encode.static import Static, Table
from everygrain.errors import InputError
from everygrain.learn.batches import Homogeneous, Shuffled
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Batch, Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.divergence import StabilisedDistillation
from everygrain.learn.train.bags import Bags

if TYPE_CHECKING:
    from torch import Tensor

Sides = Literal["none", "query", "both"]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rewarded:
    """A query of some use, the text that answers it, and others that were found for it.

    use        the name of the use
    query      what is asked
    positive   the text that answers
    others     texts that were found for it
    rewards    of the positive and of the others, in their order, in the scorer's unit; empty
               where no scorer was asked

    Raises InputError for another number of rewards, or one that is no number.
    """

    use: str
    query: str
    positive: str
    others: tuple[str, ...] = ()
    rewards: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        fits = len(self.rewards) in (0, 1 + len(self.others))
        if not fits or not np.isfinite(self.rewards).all():
            raise InputError(
                f"The {1 + len(self.others)} texts of the query '{self.query}' have the rewards "
                f"{self.rewards}.",
                "Give one finite reward for each text, or none at all.",
            )


@dataclass(frozen=True)
class InstructionTraining:
    """How long, how fast, and what is learned.

    epochs          passes over the examples, >= 1
    batch           examples in a step, >= 2
    learning_rate   the highest for the table, in root mean squares of it, > 0; it falls to zero
    own_rate        the highest for scales and offsets, > 0; it falls likewise
    reward_weight   of the distillation, >= 0
    sides           which sides of a use have a scale and an offset
    one_use         whether a batch is of one use; else uses are mixed
    seed            of the order

    Raises InputError for a value out of its range.
    """

    epochs: int = 4
    batch: int = 128
    learning_rate: float = 0.05
    own_rate: float = 3e-3
    reward_weight: float = 1.0
    sides: Sides = "both"
    one_use: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        fine = self.epochs >= 1 and self.batch >= 2 and self.reward_weight >= 0
        fine = fine and self.learning_rate > 0 and self.own_rate > 0
        if not fine or self.sides not in ("none", "query", "both"):
            raise InputError(
                f"No uses can be trained by {self}.",
                "Use 1 epoch and 2 examples or more, rates above 0, a weight of 0 or more, and "
                "sides of none, query or both.",
            )


@dataclass(frozen=True, eq=False)
class TrainedUses:
    """What came of a training: `curve` has the use of each step, or "mixed", and its loss."""

    encoder: Instructed
    curve: list[tuple[str, float]] = field(default_factory=list)


def train_instructions(
    encoder: Static,
    examples: Sequence[Rewarded],
    settings: InstructionTraining | None = None,
    *,
    loss: Loss | None = None,
    distillation: Loss | None = None,
) -> TrainedUses:
    """Train a fitted table for all uses of the examples at once.

    loss           of the pairs; multiple negatives if None
    distillation   of the rewards; stabilised, with the rewards as they are, if None

    A text that is the positive of several queries is never a negative of one of them. Raises
    InputError without two examples, ModelError without torch.
    """
    need_torch("Training for several uses")
    chosen = settings or InstructionTraining()
    if len(examples) < 2:
        raise InputError(f"There are {len(examples)} examples to train on.", "Give two or more.")
    run = _Run(encoder, examples, chosen)
    run.work(loss or MultipleNegatives(), distillation or StabilisedDistillation(teacher_scale=1.0))
    return TrainedUses(run.result(), run.curve)


class _Run:
    """The state of a training between steps."""

    def __init__(
        self, encoder: Static, examples: Sequence[Rewarded], settings: InstructionTraining
    ) -> None:
        import torch

        self.encoder, self.examples, self.settings = encoder, examples, settings
        self.uses = [each.use for each in examples]
        self.queries = Bags.of(encoder, [each.query for each in examples])
        texts = dict.fromkeys(t for each in examples for t in (each.positive, *each.others))
        self.texts = Bags.of(encoder, list(texts))
        self.places = {text: place for place, text in enumerate(texts)}
        matrix = torch.from_numpy(encoder.table.matrix.astype(np.float32))
        self.size = max(float(matrix.pow(2).mean().sqrt()), 1e-9)
        self.table: Any = torch.nn.EmbeddingBag.from_pretrained(
            matrix / self.size, freeze=False, mode="sum", sparse=True
        )
        kinds = {"none": (), "query": ("query",), "both": ("query", "document")}[settings.sides]
        self.own: dict[str, Tensor] = {
            f"{use}.{kind}": torch.zeros(2, encoder.dimensions, requires_grad=True)
            for use in sorted(set(self.uses))
            for kind in kinds
        }
        self.optimisers: list[tuple[Any, float]] = [
            (torch.optim.SparseAdam(list(self.table.parameters())), settings.learning_rate)
        ]
        if self.own:
            self.optimisers.append((torch.optim.Adam(list(self.own.values())), settings.own_rate))
        self.curve: list[tuple[str, float]] = []

    def schedule(self) -> list[Rows]:
        """Return the batches of all epochs."""
        size, seed = self.settings.batch, self.settings.seed
        found: list[Rows] = []
        for epoch in range(self.settings.epochs):
            if self.settings.one_use:
                found += Homogeneous(size, seed).epoch(self.uses, epoch)
            else:
                found += Shuffled(size, seed).epoch(len(self.uses), epoch)
        return [rows for rows in found if len(rows) > 1]

    def work(self, loss: Loss, distillation: Loss) -> None:
        steps = self.schedule()
        for step, rows in enumerate(steps):
            share = (step + 0.5) / len(steps)
            for optimiser, rate in self.optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = rate * min(10 * share, (1 - share) / 0.9)
                optimiser.zero_grad(set_to_none=True)
            batch = self.batch(rows, share)
            value = loss(batch).mean()
            if self.settings.reward_weight and bool(batch.teacher.isfinite().any()):  # type: ignore[union-attr]
                value = value + self.settings.reward_weight * distillation(batch).mean()
            value.backward()
            for optimiser, _ in self.optimisers:
                optimiser.step()
            told = {self.uses[row] for row in rows}
            name = next(iter(told)) if len(told) == 1 else "mixed"
            self.curve.append((name, float(value.detach())))

    def batch(self, rows: Rows, share: float) -> Batch:
        """Return queries, their positives, and after those the others of all of them."""
        import torch

        drawn = [self.examples[row] for row in rows]
        texts = [each.positive for each in drawn] + [t for each in drawn for t in each.others]
        owners = np.r_[
            np.arange(len(drawn)), np.repeat(np.arange(len(drawn)), [len(e.others) for e in drawn])
        ]
        uses = [each.use for each in drawn]
        queries = self._sided(self.queries.embedded(self.table, rows), uses, "query")
        places = np.array([self.places[text] for text in texts])
        documents = self.texts.embedded(self.table, places)
        documents = self._sided(documents, [uses[owner] for owner in owners], "document")
        counted = torch.tensor(
            [[j == i or t != each.positive for j, t in enumerate(texts)]
             for i, each in enumerate(drawn)]
        )  # fmt: skip
        # an answer of another query that asks the same in words is no negative either
        same = torch.tensor([[a.query == b.query for b in drawn] for a in drawn])
        counted[:, : len(drawn)] &= ~same | torch.eye(len(drawn), dtype=torch.bool)
        teacher = torch.full((len(drawn), len(texts)), float("nan"))
        for i, each in enumerate(drawn):
            if each.rewards:
                columns = np.r_[i, np.flatnonzero(owners[len(drawn) :] == i) + len(drawn)]
                teacher[i, torch.from_numpy(columns)] = torch.tensor(each.rewards)
        relevance = torch.eye(len(drawn), len(texts))
        numbers = torch.from_numpy(rows)
        return Batch(queries, documents, relevance, counted, numbers, teacher, share)

    def _sided(self, vectors: Tensor, uses: Sequence[str], kind: str) -> Tensor:
        """Return `Instructed`'s vectors, with gradients."""
        import torch

        if f"{uses[0]}.{kind}" not in self.own:
            return vectors
        sides = torch.stack([self.own[f"{use}.{kind}"] for use in uses])
        moved = (1 + sides[:, 0]) * vectors + sides[:, 1]
        return torch.nn.functional.normalize(moved, dim=1)

    def result(self) -> Instructed:
        table = self.encoder.table
        matrix = (self.table.weight.detach().numpy() * self.size).astype(np.float16)
        trained = replace(
            self.encoder,
            table=Table(table.tokenizer, matrix, table.words),
            original=None,
            source="",
        )
        learned = {name: each.detach().numpy().copy() for name, each in self.own.items()}
        return Instructed(trained, {use: Use() for use in sorted(set(self.uses))}, learned)
