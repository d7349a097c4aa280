"""Trains a static table and an expert per domain together, on pairs and on a teacher's geometry.

Batches of pairs are of one domain, and reach the shared table and that domain's expert; taught
texts reach the shared table alone, as texts of no domain do. Domains, checkpoints, budget and turns
are those of `train_static`, where `experts.train_static_experts` is a training of pairs alone.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from everygrain.encode.experts.static import StaticExperts
from everygrain.encode.static import Static
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.bags import Bags
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.experts import ExpertTables, by_name, middles
from everygrain.learn.train.fine_tuning import Progress
from everygrain.learn.train.static import StaticTraining, Taught, check
from everygrain.learn.train.static_run import Rows, StaticRun

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class TrainedExperts:
    """Trained experts; `curve` has (step, loss of the pairs or of the taught texts) of each."""

    encoder: StaticExperts
    curve: list[tuple[str, float]] = field(default_factory=list)


def train_with_experts(
    encoder: Static,
    pairs: Sequence[Pair],
    domains: Sequence[str | None],
    *,
    loss: Loss | None = None,
    taught: Taught | None = None,
    settings: StaticTraining | None = None,
    checkpoint: Checkpoint | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> TrainedExperts:
    """Train a fitted encoder's rows and what each domain adds to them; see `train_static`.

    domains      of the pairs; None trains the shared table alone
    checkpoint   of `training_key(..., domains)`; removed at the end

    The domain of a text is read from the text when it is encoded: see `StaticExperts`.
    """
    need_torch("Training experts")
    check(pairs, taught, domains)
    chosen = settings or StaticTraining()
    run = _Run(encoder, pairs, loss or MultipleNegatives(), taught, chosen, domains)
    run.work(checkpoint, on_progress)
    if checkpoint is not None:
        checkpoint.remove()
    shared = run.result()
    centroids = middles(shared, pairs, run.names, run.places, seed=chosen.seed)
    return TrainedExperts(StaticExperts(shared, centroids, run.deltas()), run.curve)


class _Run(StaticRun):
    """The state of the training of a table and its experts.

    names    of the domains, in order
    places   of the pairs' domains among the names, -1 for none
    """

    def __init__(
        self, encoder: Static, pairs: Sequence[Pair], loss: Loss, taught: Taught | None,
        settings: StaticTraining, domains: Sequence[str | None],
    ) -> None:  # fmt: skip
        self.names, self.places = by_name(pairs, domains)
        super().__init__(encoder, pairs, loss, taught, settings, domains)

    def further_weights(self) -> list[Any]:
        self.tables = ExpertTables(self.table, len(self.names))
        return [each.weight for each in self.tables.experts]

    def embedded(self, bags: Bags, rows: Rows) -> Tensor:
        return self.tables.encode(bags, rows, self.places[rows])

    def deltas(self) -> Any:
        """Return (domains, rows of the table, d) float16: what each expert adds."""
        found = np.zeros((len(self.names), *self.encoder.table.matrix.shape), dtype=np.float16)
        for place, expert in enumerate(self.tables.experts):
            found[place] = expert.weight.detach().numpy() * self.size
        return found
