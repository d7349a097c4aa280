"""Texts and an objective -> a small pretrained encoder in a sentence-transformers folder."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError
from everygrain.learn.pretrain.base import Ids, Objective, Pieces, Size, Task
from everygrain.learn.pretrain.body import learned_tokenizer, new_body, pieces_of, saved
from everygrain.learn.train.checkpoint import replaced
from everygrain.learn.train.fine_tuning import Progress

_LEAST = 3  # tokens of a text that something can be hidden in: one, and the two at the ends


@dataclass(frozen=True)
class Pretraining:
    """How long and how fast.

    steps           at most, >= 1
    batch           texts in a step, >= 1
    learning_rate   the highest, after a tenth of the steps; it falls to zero
    seed            of the weights, the order and the masks
    budget          seconds at most; None for all steps. The rate then falls with the time
    held_out        share of the texts that only the final losses are measured on, in (0, 1)

    Raises InputError for a value out of its range.
    """

    steps: int = 1000
    batch: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    budget: float | None = None
    held_out: float = 0.02

    def __post_init__(self) -> None:
        fine = self.steps >= 1 and self.batch >= 1 and self.learning_rate > 0
        fine = fine and 0 < self.held_out < 1 and (self.budget is None or self.budget > 0)
        if not fine:
            raise InputError(
                f"No pretraining can follow {self}.",
                "Use 1 step, text and second or more, a rate above 0 and a share within (0, 1).",
            )


@dataclass(frozen=True)
class Pretrained:
    """What came of it.

    encoder     as saved
    losses      name of a term -> mean on the texts held out, in nats
    baselines   the same for answers by frequency alone
    steps       that were done
    seconds     that training took, without the tokenizer's
    """

    encoder: Transformer
    losses: Mapping[str, float]
    baselines: Mapping[str, float]
    steps: int
    seconds: float


def pretrain(
    texts: Sequence[str],
    objective: Objective,
    folder: Path,
    *,
    size: Size | None = None,
    settings: Pretraining | None = None,
    tokenizer: Any = None,
    progress: Callable[[Progress], None] | None = None,
) -> Pretrained:
    """Learn word pieces and an encoder from texts alone.

    tokenizer   of transformers, with a mask; without one it is learned from the texts. The library
                breaks ties between word pieces at random, so that only a training whose tokenizer
                is given follows from its seed

    A folder that is there already is replaced when the new model is written whole.
    Raises InputError if fewer than two texts hold three tokens, StorageError if the disk refuses.
    """
    size, settings = size or Size(), settings or Pretraining()
    tokenizer = tokenizer or learned_tokenizer(texts, size)
    pieces = pieces_of(tokenizer)
    encoded = tokenizer(list(texts), truncation=True, max_length=size.tokens)["input_ids"]
    ids = [text for text in encoded if len(text) >= _LEAST]
    random.Random(settings.seed).shuffle(ids)
    held = max(1, round(settings.held_out * len(ids)))
    if len(ids) <= held:
        raise InputError(f"{len(ids)} texts hold words.", "Give at least 2; thousands are usual.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        body = new_body(size, pieces.count)
        task: Any = objective.task(body, pieces, ids[held:])
        begun = time.monotonic()
        steps = _train(task, pieces, ids[held:], settings, progress)
        seconds = time.monotonic() - begun
        losses, baselines = measured(task, pieces, ids[:held], settings)
    with replaced(folder) as made:
        saved(body, tokenizer, task.pooling(), size.tokens, made)
    return Pretrained(Transformer(str(folder)), losses, baselines, steps, seconds)


def measured(
    task: Any, pieces: Pieces, ids: Ids, settings: Pretraining
) -> tuple[dict[str, float], dict[str, float]]:
    """Return losses and baselines on texts, the mean over batches, with masks from a fixed seed."""
    task.eval()
    generator = Generator().manual_seed(settings.seed)
    losses: dict[str, list[float]] = {}
    baselines: dict[str, list[float]] = {}
    with torch.inference_mode():
        for start in range(0, len(ids), settings.batch):
            batch = padded(ids[start : start + settings.batch], pieces)
            for name, term in task(*batch, generator).items():
                losses.setdefault(name, []).append(float(term.loss))
                baselines.setdefault(name, []).append(float(term.baseline))
    return _means(losses), _means(baselines)


def padded(ids: Ids, pieces: Pieces) -> tuple[Tensor, Tensor]:
    """Return (n, l) ids and which of them are no padding."""
    longest = max(map(len, ids))
    rows = [[*text, *[pieces.padding] * (longest - len(text))] for text in ids]
    lengths = torch.tensor([len(text) for text in ids])
    return torch.tensor(rows), torch.arange(longest) < lengths.unsqueeze(1)


def _train(
    task: Task,
    pieces: Pieces,
    ids: Ids,
    settings: Pretraining,
    progress: Callable[[Progress], None] | None,
) -> int:
    module: Any = task
    module.train()
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    begun = time.monotonic()
    generator = Generator().manual_seed(settings.seed)
    for step, batch in enumerate(_batches(ids, settings), 1):
        elapsed = time.monotonic() - begun
        share = (step - 0.5) / settings.steps
        if settings.budget is not None:
            share = max(share, elapsed / settings.budget)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * min(10 * share, max(0.0, (1 - share) / 0.9))
        terms = task(*padded(batch, pieces), generator)
        loss = torch.stack([term.weight * term.loss for term in terms.values()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        elapsed = time.monotonic() - begun
        share = max(step / settings.steps, elapsed / (settings.budget or float("inf")))
        if progress is not None:
            left = elapsed * (1 - share) / share if share < 1 else 0.0
            progress(Progress(step, settings.steps, float(loss.detach()), left))
        if share >= 1:
            break
    return step


def _batches(ids: Ids, settings: Pretraining) -> Iterator[Ids]:
    """Yield batches without end, in an order of their own in every pass."""
    numbers = list(range(len(ids)))
    shuffler = random.Random(settings.seed)
    while True:
        shuffler.shuffle(numbers)
        for start in range(0, len(ids), settings.batch):
            yield [ids[i] for i in numbers[start : start + settings.batch]]


def _means(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: sum(each) / len(each) for name, each in values.items()}
