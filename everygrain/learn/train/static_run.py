"""The state of a static table's training between steps.

Steps take turns between batches of pairs and batches of taught texts, whose cosines to each other
are to be the teacher's:

    loss = mean_{i != j} (s_i . s_j - t_i . t_j)^2 * 100
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.static import Static, Table
from everygrain.learn.batches import Homogeneous, Shuffled
from everygrain.learn.losses.base import Batch, LearnedLoss, Loss, averages_of, restore_averages
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.bags import Bags
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.fine_tuning import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from everygrain.learn.train.static import StaticTraining, Taught

Rows = npt.NDArray[np.int64]
_WARM = 20
_TIMED = 5
_GEOMETRY = 100.0


@dataclass(frozen=True, eq=False)
class Work:
    """One step: pairs or taught texts, by their numbers."""

    kind: str
    rows: Rows


class StaticRun:
    """The state of a training between steps."""

    def __init__(
        self, encoder: Static, pairs: Sequence[Pair], loss: Loss, taught: Taught | None,
        settings: StaticTraining, domains: Sequence[str | None] | None = None,
    ) -> None:  # fmt: skip
        import torch

        self.encoder, self.loss, self.settings = encoder, loss, settings
        self.queries = Bags.of(encoder, [pair.query for pair in pairs])
        self.positives = Bags.of(encoder, [pair.positive for pair in pairs])
        self.groups = [pair.source for pair in pairs]
        if domains is not None:
            self.groups = [
                f"{pair.source} of {of}" for pair, of in zip(pairs, domains, strict=True)
            ]
        self.clusters = _clusters(pairs)
        self.taught = Bags.of(encoder, taught.texts) if taught else None
        self.vectors = torch.from_numpy(taught.vectors) if taught else None
        matrix = torch.from_numpy(encoder.table.matrix.astype(np.float32))
        self.size = max(float(matrix.pow(2).mean().sqrt()), 1e-9)
        self.table: Any = torch.nn.EmbeddingBag.from_pretrained(
            matrix / self.size, freeze=False, mode="sum", sparse=True
        )
        self.weights: list[Any] = [self.table.weight, *self.further_weights()]
        self.optimiser: Any = torch.optim.SparseAdam(self.weights, lr=settings.learning_rate)
        own = loss.parameters if isinstance(loss, LearnedLoss) else []
        self.head: Any = torch.optim.Adam(own, lr=1e-3) if own else None
        self.curve: list[tuple[str, float]] = []

    def further_weights(self) -> list[Any]:
        """Return what is trained beside the table: nothing here."""
        return []

    def embedded(self, bags: Bags, rows: Rows) -> Tensor:
        """Return (rows, d) vectors of length 1 of a side of the pairs."""
        return bags.embedded(self.table, rows)

    def schedule(self) -> list[Work]:
        """Return all steps of the epochs, pairs and taught texts in random turns."""
        settings = self.settings
        steps: list[Work] = []
        whole = int(np.ceil(settings.epochs))
        for epoch in range(whole):
            made = [
                Work("pairs", rows)
                for rows in Homogeneous(settings.batch, settings.seed).epoch(self.groups, epoch)
                if len(rows) > 1
            ]
            if self.taught is not None:
                shuffled = Shuffled(settings.batch, settings.seed).epoch(len(self.taught), epoch)
                made += [Work("taught", rows) for rows in shuffled if len(rows) > 1]
            turns = np.random.default_rng([settings.seed, epoch, 1]).permutation(len(made))
            steps += [made[turn] for turn in turns]
        return steps[: max(1, round(len(steps) * settings.epochs / whole))]

    def work(
        self, checkpoint: Checkpoint | None, on_progress: Callable[[Progress], None] | None
    ) -> None:
        steps = self.schedule()
        planned, spent = len(steps), 0.0
        state = checkpoint.read() if checkpoint else None
        if state is not None:
            planned = self._restore(state)
        begun = kept = monotonic()
        first = len(self.curve)
        while len(self.curve) < planned:
            step = len(self.curve)
            value = self._take(steps[step], step / planned, step)
            self.curve.append((steps[step].kind, value))
            spent = monotonic() - begun
            done = step + 1 - first
            budget = self.settings.budget
            if budget is not None and state is None and done == min(_TIMED, planned):
                # planned once, early, so that the rate falls to zero at the end that there will be
                planned = min(planned, max(_TIMED, int(budget / (spent / done))))
            if checkpoint and monotonic() - kept > self.settings.checkpoint_every:
                checkpoint.write(self._state(planned))
                kept = monotonic()
            if on_progress:
                left = spent / done * (planned - step - 1)
                on_progress(Progress(step + 1, planned, value, left))

    def _take(self, work: Work, progress: float, step: int) -> float:
        rate = self.settings.learning_rate * min(1.0, (step + 1) / _WARM) * (1 - progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        if self.head is not None:
            self.head.zero_grad()
        if work.kind == "pairs":
            value = self.loss(self._batch(work.rows, progress)).mean()
        else:
            value = self._geometry(work.rows)
        value.backward()
        self.optimiser.step()
        if self.head is not None and work.kind == "pairs":
            self.head.step()
        return float(value.detach())

    def _batch(self, rows: Rows, progress: float) -> Batch:
        import torch

        clusters = self.clusters[rows]
        same = torch.from_numpy(clusters[:, None] == clusters[None, :])
        counted = ~same | torch.eye(len(rows), dtype=torch.bool)
        return Batch(
            self.embedded(self.queries, rows),
            self.embedded(self.positives, rows),
            torch.eye(len(rows)),
            counted,
            torch.from_numpy(rows),
            None,
            progress,
        )

    def _geometry(self, rows: Rows) -> Tensor:
        import torch

        assert self.taught is not None
        assert self.vectors is not None
        mine = self.taught.embedded(self.table, rows)
        theirs = self.vectors[torch.from_numpy(rows)]
        gaps = (mine @ mine.T - theirs @ theirs.T).fill_diagonal_(0.0)
        count = len(rows)
        return _GEOMETRY * gaps.pow(2).sum() / (count * (count - 1))

    def _state(self, planned: int) -> dict[str, Any]:
        kept: dict[str, Any] = {"tables": [each.detach() for each in self.weights]}
        kept["optimiser"] = self.optimiser.state_dict()
        kept |= {"planned": planned, "curve": [list(each) for each in self.curve]}
        kept["averages"] = averages_of(self.loss)
        if self.head is not None:
            own = self.loss.parameters  # type: ignore[attr-defined]
            kept |= {"own": [each.detach() for each in own], "head": self.head.state_dict()}
        return kept

    def _restore(self, state: dict[str, Any]) -> int:
        import torch

        with torch.no_grad():
            for mine, stored in zip(self.weights, state["tables"], strict=True):
                mine.copy_(stored)
            if self.head is not None:
                own = self.loss.parameters  # type: ignore[attr-defined]
                for mine, stored in zip(own, state["own"], strict=True):
                    mine.copy_(stored)
                self.head.load_state_dict(state["head"])
        self.optimiser.load_state_dict(state["optimiser"])
        restore_averages(self.loss, state["averages"])
        self.curve = [(str(kind), float(value)) for kind, value in state["curve"]]
        return int(state["planned"])

    def result(self) -> Static:
        table = self.encoder.table
        matrix = (self.table.weight.detach().numpy() * self.size).astype(np.float16)
        return replace(
            self.encoder,
            table=Table(table.tokenizer, matrix, table.words),
            original=None,
            source="",
        )


def _clusters(pairs: Sequence[Pair]) -> Rows:
    """Number the positives: alike where the document or the text is the same."""
    numbers: dict[str, int] = {}
    found = np.zeros(len(pairs), dtype=np.int64)
    for i, pair in enumerate(pairs):
        keys = [f"t{pair.positive}"] + ([f"d{pair.positive_id}"] if pair.positive_id else [])
        known = next((numbers[key] for key in keys if key in numbers), i)
        found[i] = known
        for key in keys:
            numbers[key] = known
    return found
