"""Trains the layers of a long encoder, in the memory of one document at a time.

A step first encodes its texts without gradients and asks the loss how each vector should change.
Then each text is encoded anew, alone, and passes its vector's change on to the weights. The sum is
the gradient of the whole batch at once, to rounding, whatever the loss:

    dL/dw = sum_i dL/dv_i dv_i/dw

The default loss asks that positives be parallel to their query and negatives orthogonal, each by
itself, so that it needs no large batch either. The table of words stays as it is.

Source: Benchmarking and Building Long-Context Retrieval Models with LoCo and M2-BERT
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import split
from everygrain.encode.base import Vectors
from everygrain.encode.long import Long, weights_of
from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, LearnedLoss, Loss
from everygrain.learn.losses.orthogonal import OrthogonalProjection
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.transformer import counted

if TYPE_CHECKING:
    from torch import Tensor

Told = Callable[[int, int, float], None]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LongTraining:
    """How long and how fast.

    steps     >= 0
    batch     pairs in a step, >= 2
    at_once   texts that are encoded together, >= 1; the gradient is the same for any number
    words     of a text that training sees, in a row from a place drawn by lot, >= 2
    rate      the highest learning rate of Adam, > 0; it rises for a tenth and falls to zero
    seed      of the order and the places

    Raises InputError for a value out of its range.
    """

    steps: int = 200
    batch: int = 32
    at_once: int = 1
    words: int = 1024
    rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        fine = self.steps >= 0 and self.batch >= 2 and self.at_once >= 1 and self.words >= 2
        if not fine or self.rate <= 0:
            raise InputError(
                f"No long encoder can be trained by {self}.",
                "Use 0 steps, 2 pairs and words, 1 text at once or more, and a rate above 0.",
            )


@dataclass(frozen=True, eq=False)
class TrainedOverWords:
    """What came of a training: `curve` has the loss of each step."""

    encoder: Long
    curve: list[float] = field(default_factory=list)


def train_long(
    encoder: Long,
    pairs: Sequence[Pair],
    loss: Loss | None = None,
    settings: LongTraining | None = None,
    told: Told | None = None,
) -> TrainedOverWords:
    """Train on pairs whose positives are whole texts (`everygrain.learn.pairs.whole`).

    loss   orthogonal projection if None
    told   called after each step with the step, their number and the loss

    Raises InputError without two pairs that hold known words.
    """
    import torch

    chosen, measure = settings or LongTraining(), loss or OrthogonalProjection()
    sequences = _sequences(encoder, pairs)
    kept = [p for p in pairs if len(sequences[p.query]) and len(sequences[p.positive])]
    if len(kept) < 2:
        raise InputError(f"There are {len(kept)} pairs to train on.", "Give at least two.")
    module = replace(encoder).module.train()
    own = list(measure.parameters) if isinstance(measure, LearnedLoss) else []
    optimiser: Any = torch.optim.AdamW([*module.parameters(), *own], weight_decay=0.01)
    curve: list[float] = []
    lot = np.random.default_rng(chosen.seed)
    for step, rows in enumerate(_orders(len(kept), chosen)):
        share = (step + 0.5) / chosen.steps
        for group in optimiser.param_groups:
            group["lr"] = chosen.rate * min(10 * share, (1 - share) / 0.9)
        drawn = [kept[i] for i in rows]
        asked = [_piece(sequences[pair.query], chosen.words, lot) for pair in drawn]
        answers = [_piece(sequences[pair.positive], chosen.words, lot) for pair in drawn]
        optimiser.zero_grad(set_to_none=True)
        allowed = torch.tensor(counted(drawn))
        curve.append(
            accumulate(module, asked, answers, allowed, rows, measure, chosen.at_once, share)
        )
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        if told is not None:
            told(step + 1, chosen.steps, curve[-1])
    return TrainedOverWords(replace(encoder, weights=weights_of(module)), curve)


def accumulate(
    module: Any,
    queries: Sequence[Vectors],
    documents: Sequence[Vectors],
    allowed: Tensor,
    rows: Rows,
    loss: Loss,
    at_once: int,
    share: float = 0.0,
) -> float:
    """Add the gradient of a batch's mean loss to the module, a few texts at a time.

    queries, documents   (words, d) word vectors of each text; document i answers query i
    allowed              (n, n) whether document j counts for query i
    at_once              texts in memory with their gradients

    Returns the mean loss.
    """
    import torch

    texts, n = [*queries, *documents], len(queries)
    with torch.no_grad():
        flat = torch.cat([_vectors(module, texts[i : i + at_once])
                          for i in range(0, len(texts), at_once)])  # fmt: skip
    flat.requires_grad_()
    anchors = torch.from_numpy(rows)
    batch = Batch(flat[:n], flat[n:], torch.eye(n), allowed, anchors, None, share)
    value = loss(batch).mean()
    value.backward()
    for i in range(0, len(texts), at_once):
        _vectors(module, texts[i : i + at_once]).backward(flat.grad[i : i + at_once])
    return float(value.detach())


def padded(sequences: Sequence[Vectors]) -> tuple[Tensor, Tensor]:
    """Return (n, length, d) word vectors and which are no padding (n, length)."""
    import torch

    most = max(map(len, sequences))
    found = torch.zeros(len(sequences), most, sequences[0].shape[1])
    for row, each in enumerate(sequences):
        found[row, : len(each)] = torch.from_numpy(np.ascontiguousarray(each))
    lengths = torch.tensor([len(each) for each in sequences])
    return found, torch.arange(most) < lengths.unsqueeze(1)


def _vectors(module: Any, sequences: Sequence[Vectors]) -> Tensor:
    import torch

    return torch.nn.functional.normalize(module(*padded(sequences)), dim=-1)


def _piece(sequence: Vectors, words: int, lot: np.random.Generator) -> Vectors:
    start = int(lot.integers(max(len(sequence) - words, 0) + 1))
    return sequence[start : start + words]


def _orders(count: int, settings: LongTraining) -> Iterator[Rows]:
    """Yield the pairs of each step, every pair once before any comes again."""
    lot = np.random.default_rng([settings.seed, 1])
    order = np.zeros(0, dtype=np.int64)
    for _ in range(settings.steps):
        if len(order) < min(settings.batch, count):
            order = lot.permutation(count)
        yield order[: settings.batch]
        order = order[settings.batch :]


def _sequences(encoder: Long, pairs: Sequence[Pair]) -> dict[str, Vectors]:
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.query, pair.positive)))
    return dict(zip(texts, encoder.sequences(split(texts)), strict=True))
