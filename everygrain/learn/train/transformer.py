"""Pairs and a loss -> a sentence-transformers model tuned to them, in a folder of its own.

All weights, those of the top layers only, or low-rank adapters of the attention. Steps are
numbered, and all that is random in one follows from the seed and its number: a training that goes
on after an interrupt ends with the weights of one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Batch, Loss, averages_of, restore_averages
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.adapters import LowRank, OwnWeights, Weights
from everygrain.learn.train.checkpoint import Checkpoint, recover, replaced
from everygrain.learn.train.fine_tuning import FineTuning, Progress
from everygrain.learn.train.running import run

if TYPE_CHECKING:
    from torch import Tensor

_TIMED_STEPS = 3  # after these the number of steps that fit the budget is known


def fine_tune(
    pairs: Sequence[Pair],
    loss: Loss,
    folder: Path,
    *,
    base: Transformer | None = None,
    settings: FineTuning | None = None,
    domains: Sequence[str | None] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Transformer:
    """Train a copy of a model and save it, as a plain sentence-transformers model, to a folder.

    base      the model to start from; the packaged MiniLM without it
    domains   of the pairs, None for none: a step is then of one domain, as far as they go round
    progress  called after every step; what it raises stops the training, which a later call with
              the same arguments goes on with

    A folder that is there already is replaced when the new model is written whole. With a budget
    the number of steps is planned after the first ones, and kept over interrupts.
    Raises InputError for fewer pairs than two or another number of domains, ModelError without
    torch or if the base cannot be loaded, and StorageError if the disk refuses.
    """
    need_torch("Training a transformer")
    if len(pairs) < 2 or (domains is not None and len(domains) != len(pairs)):
        raise InputError(
            f"{len(pairs)} pairs to train on, and {'no' if domains is None else len(domains)} "
            "domains.",
            "Give at least 2; thousands are usual; and the domain of each or none at all.",
        )
    import torch

    base, settings = base or Transformer("minilm"), settings or FineTuning()
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    with torch.random.fork_rng(devices=[]):
        model = open_model(base.folder)
        training = _Training.start(model, pairs, loss, settings, domains)
        key = _key(pairs, loss, settings, base, domains)
        run(
            training, Checkpoint.beside(folder, key), progress, budget=settings.budget,
            checkpoint_every=settings.checkpoint_every, timed=_TIMED_STEPS,
        )  # fmt: skip
        training.weights.write()
    with replaced(folder) as made:
        model.save(str(made), create_model_card=False)
    Checkpoint.beside(folder, key).remove()
    return Transformer(str(folder))


def open_model(folder: str | Path) -> Any:
    """Return a SentenceTransformer of its own in memory, with whichever pooling it has.

    Raises ModelError if it cannot be loaded.
    """
    return Transformer(str(folder)).model


def encoded(weights: Weights, texts: Sequence[str], tokens: int) -> Tensor:
    """Return (n, d) unit vectors with gradients, of texts cut after a number of tokens."""
    import torch

    model: Any = weights.model  # type: ignore[attr-defined]
    features = model.tokenizer(
        list(texts), padding=True, truncation=True, max_length=tokens, return_tensors="pt"
    )
    return torch.nn.functional.normalize(weights.encode(dict(features)), dim=-1)


def order(count: int, seed: int, epoch: int) -> list[int]:
    """Return the order of an epoch, which follows from the seed and the epoch's number."""
    numbers = list(range(count))
    random.Random(f"{seed}:{epoch}").shuffle(numbers)
    return numbers


def by_domain(
    whole: Sequence[int], domains: Sequence[str | None], size: int, seed: str
) -> list[int]:
    """Return an order whose stretches of `size` are each of one domain, in a random turn.

    What a domain has beyond its full stretches comes last, mixed as it stood.
    """
    members: dict[str | None, list[int]] = {}
    for number in whole:
        members.setdefault(domains[number], []).append(number)
    stretches, used = [], set[int]()
    for own in members.values():
        for start in range(0, len(own) - size + 1, size):
            stretches.append(own[start : start + size])
            used.update(stretches[-1])
    random.Random(seed).shuffle(stretches)
    return [n for stretch in stretches for n in stretch] + [n for n in whole if n not in used]


def counted(pairs: Sequence[Pair]) -> list[list[bool]]:
    """Return (n, n): whether document j may be called a negative of query i, or is its positive.

    Another pair's document may not where it is the same document or text, or the one that the
    query was taken from.
    """
    return [
        [
            i == j
            or not (
                a.positive == b.positive
                or a.positive_id == b.positive_id
                or a.query_id == b.positive_id
                or a.query == b.query
            )
            for j, b in enumerate(pairs)
        ]
        for i, a in enumerate(pairs)
    ]


@dataclass(eq=False)
class _Training:
    """One training in memory: what it moves, and how far it is.

    whole      whether the weights are those after `step` steps
    averages   what the loss has kept between steps, after `step` steps
    """

    pairs: Sequence[Pair]
    domains: Sequence[str | None] | None
    loss: Loss
    settings: FineTuning
    weights: Weights
    prompts: tuple[str, str]
    optimiser: Any
    planned: int
    step: int = 0
    elapsed: float = 0.0
    whole: bool = True
    averages: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(
        cls, model: Any, pairs: Sequence[Pair], loss: Loss, settings: FineTuning,
        domains: Sequence[str | None] | None = None,
    ) -> _Training:  # fmt: skip
        import torch

        # an incomplete last batch is left out: it would have fewer negatives
        settings = replace(settings, batch=min(settings.batch, len(pairs)))
        weights: Weights
        if settings.rank:
            weights = LowRank.of(model, settings.rank, settings.layers, settings.seed)
        else:
            weights = OwnWeights.of(model, settings.layers)
        model.train()
        leaves = [*weights.tensors.values(), *_learned(loss)]
        optimiser = torch.optim.AdamW(leaves, lr=settings.learning_rate, weight_decay=0.01)
        told = getattr(model, "prompts", None) or {}
        prompts = (told.get("query") or "", told.get("document") or told.get("passage") or "")
        planned = settings.epochs * (len(pairs) // settings.batch)
        return cls(pairs, domains, loss, settings, weights, prompts, optimiser, planned)

    def done(self) -> None:
        self.averages = averages_of(self.loss)

    def batches(self) -> Iterator[Sequence[int]]:
        size = self.settings.batch
        each = len(self.pairs) // size
        while self.step < self.planned:
            epoch, place = divmod(self.step, each)
            whole = order(len(self.pairs), self.settings.seed, epoch)
            if self.domains is not None:
                whole = by_domain(whole, self.domains, size, f"{self.settings.seed}:{epoch}:order")
            yield whole[place * size :][:size]

    def take(self, batch: Sequence[int]) -> float:
        import torch

        share = self.step / self.planned
        settings = self.settings
        tokens = settings.early_tokens if share < settings.early_share else settings.tokens
        torch.manual_seed(settings.seed * 1_000_003 + self.step)
        chosen = [self.pairs[i] for i in batch]
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * _height(share, settings.warm_up, self.planned)
        self.optimiser.zero_grad(set_to_none=True)
        seen = Batch(
            encoded(self.weights, [self.prompts[0] + p.query for p in chosen], tokens),
            encoded(self.weights, [self.prompts[1] + p.positive for p in chosen], tokens),
            torch.eye(len(chosen)),
            torch.tensor(counted(chosen)),
            torch.tensor(list(batch)),
            None,
            share,
        )
        mean = self.loss(seen).mean()
        mean.backward()
        torch.nn.utils.clip_grad_norm_(list(self.weights.tensors.values()), 1.0)
        self.whole = False  # an interrupt from here on leaves weights between two steps
        self.optimiser.step()
        return float(mean.detach())

    def state(self) -> dict[str, Any]:
        return {
            "tensors": {name: leaf.detach() for name, leaf in self.weights.tensors.items()},
            "learned": [leaf.detach() for leaf in _learned(self.loss)],
            "optimiser": self.optimiser.state_dict(),
            "averages": self.averages,
            "numbers": {"step": self.step, "planned": self.planned, "elapsed": self.elapsed},
        }

    def restore(self, state: dict[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, leaf in self.weights.tensors.items():
                leaf.copy_(state["tensors"][name])
            for leaf, kept in zip(_learned(self.loss), state["learned"], strict=True):
                leaf.copy_(kept)
        self.optimiser.load_state_dict(state["optimiser"])
        restore_averages(self.loss, state["averages"])
        self.averages = state["averages"]
        self.step, self.planned = state["numbers"]["step"], state["numbers"]["planned"]
        self.elapsed = state["numbers"]["elapsed"]


def _height(share: float, warm_up: float, steps: int) -> float:
    """Return the share of the highest learning rate: up over the warm-up, then down to zero."""
    middle = share + 0.5 / steps
    return middle / warm_up if middle < warm_up else (1 - middle) / (1 - warm_up)


def _learned(loss: Loss) -> list[Any]:
    """Return the tensors that a loss learns, where it learns any."""
    found = getattr(loss, "parameters", ())
    return list(found() if callable(found) else found)


def _key(
    pairs: Sequence[Pair], loss: Loss, settings: FineTuning, base: Transformer,
    domains: Sequence[str | None] | None,
) -> str:  # fmt: skip
    """Name a training by all that its weights follow from."""
    digest = hashlib.blake2b(f"{loss!r}\0{settings!r}\0{base.fingerprint}".encode())
    for pair in pairs:
        digest.update(f"{pair.query}\0{pair.positive}\0{pair.positive_id}\0".encode())
    digest.update(repr(None if domains is None else list(domains)).encode())
    return digest.hexdigest()
