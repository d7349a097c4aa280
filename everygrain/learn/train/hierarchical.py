"""Trains the transformer over blocks: first to tell hidden blocks, then on pairs.

    pre-training   some blocks of each text are hidden. What the transformer makes of their places
                   is to be nearer to the block that was there than to the others that are hidden
                   in the batch: cross entropy of softmax_j(scale * guess_i . b_j)
    fine-tuning    any loss over pairs, both sides through the same network

The encoder of the blocks stays as it is, so its vectors are made once, and a step costs little more
than a product of small matrices. (The paper trains both levels, and masks words beside blocks.)

Source: Beyond 512 Tokens: Siamese Multi-depth Transformer-based Hierarchical Encoder for Long-Form
Document Matching
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Kind, Vectors
from everygrain.encode.hierarchical import Hierarchical, weights_of
from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, LearnedLoss, Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.transformer import counted

if TYPE_CHECKING:
    from torch import Generator, Tensor

Told = Callable[[int, int, float], None]
Known = Mapping[tuple[Kind, str], Vectors]


@dataclass(frozen=True)
class HierarchicalTraining:
    """How long and how fast.

    steps    >= 0
    batch    pairs or texts in a step, >= 2
    rate     the highest learning rate of Adam, > 0; it rises for a tenth and falls to zero
    hidden   share of a text's blocks that pre-training hides, in (0, 1), one at least
    scale    of the cosines in pre-training, > 0
    longest  blocks of a text that training sees, from a place drawn by lot, >= 2
    seed     of the order, and of what is hidden

    Raises InputError for a value out of its range.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 1e-3
    hidden: float = 0.2
    scale: float = 20.0
    longest: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        fine = self.steps >= 0 and self.batch >= 2 and self.longest >= 2
        if not fine or self.rate <= 0 or self.scale <= 0 or not 0 < self.hidden < 1:
            raise InputError(
                f"No hierarchical encoder can be trained by {self}.",
                "Use 0 steps, 2 texts and 2 blocks or more, a rate and a scale above 0, and a "
                "share of hidden blocks within (0, 1).",
            )


@dataclass(frozen=True, eq=False)
class TrainedOverBlocks:
    """What came of a training.

    curve   loss of each step, in nats
    """

    encoder: Hierarchical
    curve: list[float] = field(default_factory=list)


def pretrain_blocks(
    encoder: Hierarchical,
    texts: Sequence[str],
    settings: HierarchicalTraining | None = None,
    told: Told | None = None,
    known: Known | None = None,
) -> TrainedOverBlocks:
    """Learn to tell hidden blocks from the rest of their texts.

    told    called after each step with the step, their number and the loss
    known   block vectors that were made before, by kind and text
    Raises InputError unless two texts have two blocks each.
    """
    import torch

    chosen = settings or HierarchicalTraining()
    made = known_blocks(encoder, [("document", text) for text in texts], known)
    blocks = [each for each in made.values() if len(each) > 1]
    if len(blocks) < 2:
        raise InputError(
            f"{len(blocks)} texts have two blocks or more.",
            "Give longer texts, or blocks of fewer words.",
        )

    def loss(module: Any, rows: npt.NDArray[np.int64], generator: Generator, share: float) -> Any:
        told_blocks, present = padded([blocks[i] for i in rows], chosen.longest, generator)
        hidden = hide(present, chosen.hidden, generator)
        guesses = module.guesses(told_blocks, present, hidden)
        logits = chosen.scale * guesses @ told_blocks[hidden].T
        return torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)))

    return _trained(encoder, len(blocks), loss, chosen, [], told)


def train_over_blocks(
    encoder: Hierarchical,
    pairs: Sequence[Pair],
    loss: Loss | None = None,
    settings: HierarchicalTraining | None = None,
    told: Told | None = None,
    known: Known | None = None,
) -> TrainedOverBlocks:
    """Fine-tune on pairs whose positives are whole texts (`everygrain.learn.pairs.whole`).

    loss    multiple negatives ranking if None
    told    called after each step with the step, their number and the loss
    known   block vectors that were made before, by kind and text

    Documents that are a query's own are never its negatives.
    Raises InputError without two pairs that hold something known.
    """
    import torch

    chosen, measure = settings or HierarchicalTraining(), loss or MultipleNegatives()
    wanted: list[tuple[Kind, str]] = [("query", pair.query) for pair in pairs]
    wanted += [("document", pair.positive) for pair in pairs]
    blocks = known_blocks(encoder, wanted, known)
    kept = [
        pair
        for pair in pairs
        if len(blocks["query", pair.query]) and len(blocks["document", pair.positive])
    ]
    if len(kept) < 2:
        raise InputError(f"There are {len(kept)} pairs to train on.", "Give at least two.")

    def mean_loss(
        module: Any, rows: npt.NDArray[np.int64], generator: Generator, share: float
    ) -> Any:
        drawn = [kept[i] for i in rows]
        asked = [blocks["query", pair.query] for pair in drawn]
        answers = [blocks["document", pair.positive] for pair in drawn]
        batch = Batch(
            _unit(module(*padded(asked, chosen.longest, generator))),
            _unit(module(*padded(answers, chosen.longest, generator))),
            torch.eye(len(rows)),
            torch.tensor(counted(drawn)),
            torch.from_numpy(rows),
            None,
            share,
        )
        return measure(batch).mean()

    own = list(measure.parameters) if isinstance(measure, LearnedLoss) else []
    return _trained(encoder, len(kept), mean_loss, chosen, own, told)


def padded(
    blocks: Sequence[Vectors], longest: int, generator: Generator
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return (n, b, d) block vectors and which are no padding (n, b).

    Of a text with more than `longest` blocks, so many in a row are taken, from a place drawn by
    lot.
    """
    import torch

    taken = []
    for each in blocks:
        spare = max(len(each) - longest, 0)
        start = int(torch.randint(spare + 1, (1,), generator=generator))
        taken.append(each[start : start + longest])
    most = max(map(len, taken))
    found = torch.zeros(len(taken), most, taken[0].shape[1])
    for row, each in enumerate(taken):
        found[row, : len(each)] = torch.from_numpy(np.ascontiguousarray(each))
    lengths = torch.tensor([len(each) for each in taken])
    return found, torch.arange(most) < lengths.unsqueeze(1)


def hide(present: Tensor, share: float, generator: Generator) -> Tensor:
    """Return (n, b) bool: a share of each text's blocks, rounded, one at least, never all."""
    import torch

    counts = present.sum(1)
    wanted = (share * counts).round().clamp(min=1).minimum(counts - 1)
    lots = torch.rand(present.shape, generator=generator).masked_fill(~present, 2.0)
    return lots.argsort(1).argsort(1) < wanted.unsqueeze(1)


def _trained(
    encoder: Hierarchical,
    count: int,
    loss: Callable[[Any, npt.NDArray[np.int64], Generator, float], Any],
    settings: HierarchicalTraining,
    own: Sequence[Tensor],
    told: Told | None,
) -> TrainedOverBlocks:
    """Take the steps of either training over so many examples."""
    import torch

    module = replace(encoder).module.train()
    optimiser: Any = torch.optim.AdamW([*module.parameters(), *own], weight_decay=0.01)
    generator = torch.Generator().manual_seed(settings.seed)
    order, curve = torch.empty(0, dtype=torch.int64), []
    for step in range(settings.steps):
        if len(order) < min(settings.batch, count):
            order = torch.randperm(count, generator=generator)
        rows, order = order[: settings.batch].numpy(), order[settings.batch :]
        share = (step + 0.5) / settings.steps
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * min(10 * share, (1 - share) / 0.9)
        value = loss(module, rows, generator, share)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        curve.append(float(value.detach()))
        if told is not None:
            told(step + 1, settings.steps, curve[-1])
    return TrainedOverBlocks(replace(encoder, weights=weights_of(module)), curve)


def known_blocks(
    encoder: Hierarchical, wanted: Sequence[tuple[Kind, str]], known: Known | None = None
) -> dict[tuple[Kind, str], Vectors]:
    """Return the (blocks, d) vectors of (kind, text)s, each once; those known are not made anew."""
    found = {key: known[key] for key in wanted if known and key in known}
    for kind in ("query", "document"):
        texts = list(
            dict.fromkeys(text for k, text in wanted if k == kind and (k, text) not in found)
        )
        made = encoder.block_vectors(texts, kind)
        found |= {(kind, text): each for text, each in zip(texts, made, strict=True)}
    return found


def _unit(vectors: Tensor) -> Tensor:
    import torch

    return torch.nn.functional.normalize(vectors, dim=-1)
