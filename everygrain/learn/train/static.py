"""Trains the rows of a static table: pairs by any loss, and a teacher's geometry beside them.

Every text is a weighed bag of rows, so a step costs a sparse product and a small matrix product:
thousands of pairs a second on two cores. Steps take turns between batches of pairs, of one source
each, and batches of taught texts, whose cosines to each other are to be the teacher's:

    loss = mean_{i != j} (s_i . s_j - t_i . t_j)^2 * 100

A run can be interrupted and gone on with from its checkpoint: the result is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Vectors
from everygrain.encode.static import Static, Table
from everygrain.errors import InputError
from everygrain.learn.batches import Homogeneous, Shuffled
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Batch, LearnedLoss, Loss, averages_of, restore_averages
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.bags import Bags
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.fine_tuning import Progress

if TYPE_CHECKING:
    from torch import Tensor

Rows = npt.NDArray[np.int64]
_WARM = 20
_TIMED = 5
_GEOMETRY = 100.0


@dataclass(frozen=True)
class StaticTraining:
    """How a static table is trained.

    epochs            passes over the pairs and the taught texts, > 0
    batch             texts in a step, >= 2
    learning_rate     the highest, in root mean squares of the table, > 0; it falls to zero
    seed              of the order of the batches
    budget            seconds of training at most, > 0; None for as long as the epochs take
    checkpoint_every  seconds between checkpoints, > 0

    Raises InputError for a value out of its range.
    """

    epochs: float = 2.0
    batch: int = 1024
    learning_rate: float = 0.05
    seed: int = 0
    budget: float | None = None
    checkpoint_every: float = 30.0

    def __post_init__(self) -> None:
        fine = {
            "epochs": self.epochs > 0,
            "batch": self.batch >= 2,
            "learning_rate": self.learning_rate > 0,
            "budget": self.budget is None or self.budget > 0,
            "checkpoint_every": self.checkpoint_every > 0,
        }
        for name, holds in fine.items():
            if not holds:
                raise InputError(
                    f"The setting '{name}' of a training is {getattr(self, name)}.",
                    "Give a value in the range that StaticTraining's description tells.",
                )


@dataclass(frozen=True, eq=False)
class Taught:
    """Texts and what a teacher makes of them.

    vectors   (texts, any d) float32, rows of length 1
    """

    texts: Sequence[str]
    vectors: Vectors


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained table.

    curve    (step, loss of the pairs or of the taught texts) of every step done
    steps    steps done; fewer than planned where the budget ended it
    """

    encoder: Static
    curve: list[tuple[str, float]] = field(default_factory=list)
    steps: int = 0


@dataclass(frozen=True, eq=False)
class _Work:
    """One step: pairs or taught texts, by their numbers."""

    kind: str
    rows: Rows


def train_static(
    encoder: Static,
    pairs: Sequence[Pair],
    *,
    loss: Loss | None = None,
    taught: Taught | None = None,
    settings: StaticTraining | None = None,
    checkpoint: Checkpoint | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a fitted encoder's rows; the weights of words stay.

    pairs        may be empty where texts are taught
    loss         of the pairs; multiple negatives ranking if None
    checkpoint   gone on from if it is of the same training; removed at the end

    Documents that are a query's own, or share the text of its positive, are never its negatives.
    Raises InputError without two pairs or two taught texts, ModelError without torch.
    """
    need_torch("Training a static table")
    chosen = settings or StaticTraining()
    if len(pairs) < 2 and (taught is None or len(taught.texts) < 2):
        raise InputError(
            f"There are {len(pairs)} pairs to train on.", "Give at least two, or taught texts."
        )
    run = _Run(encoder, pairs, loss or MultipleNegatives(), taught, chosen)
    run.work(checkpoint, on_progress)
    if checkpoint is not None:
        checkpoint.remove()
    return Trained(run.result(), run.curve, len(run.curve))


def training_key(
    encoder: Static, pairs: Sequence[Pair], loss: Loss, taught: Taught | None,
    settings: StaticTraining,
) -> str:  # fmt: skip
    """Name a training by all that its result follows from, apart from its budget."""
    digest = hashlib.blake2b(encoder.fingerprint.encode(), digest_size=8)
    told = asdict(replace(settings, budget=None, checkpoint_every=1.0)) | {"loss": str(loss)}
    digest.update(json.dumps(told, sort_keys=True).encode())
    for pair in pairs:
        digest.update(f"{pair.query}\0{pair.positive}\0{pair.source}\n".encode())
    for text in taught.texts if taught else ():
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


class _Run:
    """The state of a training between steps."""

    def __init__(
        self, encoder: Static, pairs: Sequence[Pair], loss: Loss, taught: Taught | None,
        settings: StaticTraining,
    ) -> None:  # fmt: skip
        import torch

        self.encoder, self.loss, self.settings = encoder, loss, settings
        self.queries = Bags.of(encoder, [pair.query for pair in pairs])
        self.positives = Bags.of(encoder, [pair.positive for pair in pairs])
        self.sources = [pair.source for pair in pairs]
        self.clusters = _clusters(pairs)
        self.taught = Bags.of(encoder, taught.texts) if taught else None
        self.vectors = torch.from_numpy(taught.vectors) if taught else None
        matrix = torch.from_numpy(encoder.table.matrix.astype(np.float32))
        self.size = max(float(matrix.pow(2).mean().sqrt()), 1e-9)
        self.table: Any = torch.nn.EmbeddingBag.from_pretrained(
            matrix / self.size, freeze=False, mode="sum", sparse=True
        )
        self.optimiser: Any = torch.optim.SparseAdam(
            list(self.table.parameters()), lr=settings.learning_rate
        )
        own = loss.parameters if isinstance(loss, LearnedLoss) else []
        self.head: Any = torch.optim.Adam(own, lr=1e-3) if own else None
        self.curve: list[tuple[str, float]] = []
        self.key = training_key(encoder, pairs, loss, taught, settings)

    def schedule(self) -> list[_Work]:
        """Return all steps of the epochs, pairs and taught texts in random turns."""
        settings = self.settings
        steps: list[_Work] = []
        whole = int(np.ceil(settings.epochs))
        for epoch in range(whole):
            made = [
                _Work("pairs", rows)
                for rows in Homogeneous(settings.batch, settings.seed).epoch(self.sources, epoch)
                if len(rows) > 1
            ]
            if self.taught is not None:
                shuffled = Shuffled(settings.batch, settings.seed).epoch(len(self.taught), epoch)
                made += [_Work("taught", rows) for rows in shuffled if len(rows) > 1]
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

    def _take(self, work: _Work, progress: float, step: int) -> float:
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
            self.queries.embedded(self.table, rows),
            self.positives.embedded(self.table, rows),
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
        kept = {"table": self.table.weight.detach(), "optimiser": self.optimiser.state_dict()}
        kept |= {"planned": planned, "curve": [list(each) for each in self.curve]}
        kept["averages"] = averages_of(self.loss)
        if self.head is not None:
            own = self.loss.parameters  # type: ignore[attr-defined]
            kept |= {"own": [each.detach() for each in own], "head": self.head.state_dict()}
        return kept

    def _restore(self, state: dict[str, Any]) -> int:
        import torch

        with torch.no_grad():
            self.table.weight.copy_(state["table"])
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
