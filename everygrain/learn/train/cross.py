"""Contests -> a small cross-encoder, saved as sentence-transformers saves one.

Steps are numbered, and all that is random in one follows from the seed and its number: a training
that goes on after an interrupt ends with the weights of one that was never interrupted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from everygrain.errors import InputError
from everygrain.learn.train.checkpoint import Checkpoint, recover, replaced
from everygrain.learn.train.cross_contests import Contest
from everygrain.learn.train.cross_start import Start
from everygrain.learn.train.fine_tuning import Progress
from everygrain.learn.train.running import run
from everygrain.learn.train.transformer import order
from everygrain.rank.cross import CrossEncoderScorer, open_cross_encoder

if TYPE_CHECKING:
    from torch import Tensor

_TIMED_STEPS = 10  # after these the number of steps that fit the budget is known


class ContestLoss(Protocol):
    """Scores of contests in, one number per contest out."""

    def __call__(self, scores: Tensor) -> Tensor:
        """Return (n,) losses of (n, m) scores; the first of a row should win, -inf is no pair."""


@dataclass(frozen=True)
class Hinge:
    """loss = sum_j max(0, margin - s_1 + s_j), B-PROP's for two sets of words."""

    margin: float = 1.0

    def __call__(self, scores: Tensor) -> Tensor:
        return (self.margin - scores[:, :1] + scores[:, 1:]).clamp(min=0).sum(dim=1)


@dataclass(frozen=True)
class Softmax:
    """loss = -log( exp s_1 / sum_j exp s_j )."""

    def __call__(self, scores: Tensor) -> Tensor:
        return scores.logsumexp(dim=1) - scores[:, 0]


@dataclass(frozen=True)
class CrossTraining:
    """How a cross-encoder is trained.

    epochs            passes over the contests, >= 1
    batch             contests in a step, >= 1
    learning_rate     the highest, > 0; it rises over `warm_up` of the steps and falls to zero
    warm_up           share of the steps, in [0, 1)
    tokens            of a query and a text together, >= 8; longer texts are cut
    words             whether the vectors of words are trained too, which costs time
    seed              of the order, and of what the start draws
    budget            seconds of training at most, > 0; None for as long as the epochs take
    checkpoint_every  seconds between checkpoints, > 0

    Raises InputError for a value out of its range.
    """

    epochs: int = 1
    batch: int = 8
    learning_rate: float = 2e-4
    warm_up: float = 0.1
    tokens: int = 128
    words: bool = False
    seed: int = 0
    budget: float | None = None
    checkpoint_every: float = 60.0

    def __post_init__(self) -> None:
        allowed = {
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 1,
            "learning_rate": self.learning_rate > 0,
            "warm_up": 0 <= self.warm_up < 1,
            "tokens": self.tokens >= 8,
            "budget": self.budget is None or self.budget > 0,
            "checkpoint_every": self.checkpoint_every > 0,
        }
        for name, fine in allowed.items():
            if not fine:
                raise InputError(
                    f"The setting '{name}' of a cross-encoder's training is {getattr(self, name)}.",
                    "Give a value in the range that CrossTraining's description tells.",
                )


def train_cross(
    contests: Sequence[Contest],
    folder: Path,
    *,
    start: Start | CrossEncoderScorer,
    loss: ContestLoss | None = None,
    settings: CrossTraining | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> CrossEncoderScorer:
    """Train a cross-encoder and save it to a folder that any CrossEncoder user can load.

    start      an untrained one, or one that was trained before, such as on sets of words
    loss       `Softmax()` without it
    progress   called after every step; what it raises stops the training, which a later call
               with the same arguments goes on with

    A folder that is there already is replaced when the new model is written whole.
    Raises InputError without contests, ModelError if the start cannot be loaded, StorageError if
    the disk refuses.
    """
    if not contests:
        raise InputError("No contests to train on.", "Give one or more; thousands are usual.")
    loss, settings = loss or Softmax(), settings or CrossTraining()
    import torch

    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        if isinstance(start, CrossEncoderScorer):
            model = open_cross_encoder(start.name)
        else:
            model = start.model(max(settings.tokens, 256))
        key = _key(contests, loss, settings, start)
        training = _Training.of(model, contests, loss, settings)
        run(
            training, Checkpoint.beside(folder, key), progress, budget=settings.budget,
            checkpoint_every=settings.checkpoint_every, timed=_TIMED_STEPS,
        )  # fmt: skip
    model.eval()
    with replaced(folder) as made:
        model.save_pretrained(str(made), create_model_card=False)
    Checkpoint.beside(folder, key).remove()
    return CrossEncoderScorer(str(folder))


@dataclass(eq=False)
class _Training:
    """One training in memory: what it moves, and how far it is.

    whole   whether the weights are those after `step` steps
    """

    model: Any
    contests: Sequence[Contest]
    loss: ContestLoss
    settings: CrossTraining
    leaves: dict[str, Any]
    optimiser: Any
    planned: int
    step: int = 0
    elapsed: float = 0.0
    whole: bool = True

    @classmethod
    def of(
        cls,
        model: Any,
        contests: Sequence[Contest],
        loss: ContestLoss,
        settings: CrossTraining,
    ) -> _Training:
        import torch

        classifier = model.model
        kept = [] if settings.words else [classifier.get_input_embeddings().weight]
        leaves = {
            name: leaf
            for name, leaf in classifier.named_parameters()
            if not any(leaf is each for each in kept)
        }
        for each in kept:
            each.requires_grad_(False)
        classifier.train()
        optimiser = torch.optim.AdamW(leaves.values(), lr=settings.learning_rate, weight_decay=0.01)
        planned = settings.epochs * -(-len(contests) // settings.batch)
        return cls(model, contests, loss, settings, leaves, optimiser, planned)

    def done(self) -> None:
        """Nothing goes with the weights."""

    def batches(self) -> Iterator[Sequence[int]]:
        size = self.settings.batch
        each = -(-len(self.contests) // size)
        while self.step < self.planned:
            epoch, place = divmod(self.step, each)
            yield order(len(self.contests), self.settings.seed, epoch)[place * size :][:size]

    def take(self, batch: Sequence[int]) -> float:
        import torch

        settings = self.settings
        torch.manual_seed(settings.seed * 1_000_003 + self.step)
        share, rise = (self.step + 0.5) / self.planned, settings.warm_up
        height = share / rise if share < rise else (1 - share) / (1 - rise)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * height
        self.optimiser.zero_grad(set_to_none=True)
        mean = self.loss(self._scores([self.contests[i] for i in batch])).mean()
        mean.backward()
        torch.nn.utils.clip_grad_norm_(list(self.leaves.values()), 1.0)
        self.whole = False  # an interrupt from here on leaves weights between two steps
        self.optimiser.step()
        return float(mean.detach())

    def _scores(self, contests: Sequence[Contest]) -> Tensor:
        """Return (n, m) scores with gradients; -inf where a contest has fewer pairs."""
        import torch

        pairs = [pair for contest in contests for pair in contest.pairs]
        features = self.model.tokenizer(
            [query for query, _ in pairs],
            [text for _, text in pairs],
            padding=True,
            truncation="longest_first",
            max_length=self.settings.tokens,
            return_tensors="pt",
        )
        found = self.model.model(**features).logits[:, 0]
        parts = found.split([len(contest.pairs) for contest in contests])
        return torch.nn.utils.rnn.pad_sequence(
            list(parts), batch_first=True, padding_value=float("-inf")
        )

    def state(self) -> dict[str, Any]:
        return {
            "tensors": {name: leaf.detach() for name, leaf in self.leaves.items()},
            "optimiser": self.optimiser.state_dict(),
            "numbers": {"step": self.step, "planned": self.planned, "elapsed": self.elapsed},
        }

    def restore(self, state: dict[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, leaf in self.leaves.items():
                leaf.copy_(state["tensors"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        numbers = state["numbers"]
        self.step, self.planned = numbers["step"], numbers["planned"]
        self.elapsed = numbers["elapsed"]


def _key(
    contests: Sequence[Contest],
    loss: ContestLoss,
    settings: CrossTraining,
    start: Start | CrossEncoderScorer,
) -> str:
    """Name a training by all that its weights follow from."""
    told = start.fingerprint if isinstance(start, CrossEncoderScorer) else repr(start)
    digest = hashlib.blake2b(f"{loss!r}\0{settings!r}\0{told}".encode())
    for contest in contests:
        digest.update(f"{contest.pairs!r}\0".encode())
    return digest.hexdigest()
