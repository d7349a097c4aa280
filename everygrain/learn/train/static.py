"""Trains the rows of a static table: pairs by any loss, and a teacher's geometry beside them.

Every text is a weighed bag of rows, so a step costs a sparse product and a small matrix product:
thousands of pairs a second on two cores. Steps take turns between batches of pairs, of one source
(and one domain, where domains are told) each, and batches of taught texts, whose cosines to each
other are to be the teacher's; see `static_run`. A run can be interrupted and gone on with from its
checkpoint: the result is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from everygrain.encode.base import Vectors
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.fine_tuning import Progress
from everygrain.learn.train.static_run import StaticRun


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


def train_static(
    encoder: Static,
    pairs: Sequence[Pair],
    *,
    loss: Loss | None = None,
    taught: Taught | None = None,
    settings: StaticTraining | None = None,
    domains: Sequence[str | None] | None = None,
    checkpoint: Checkpoint | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a fitted encoder's rows; the weights of words stay.

    pairs        may be empty where texts are taught
    loss         of the pairs; multiple negatives ranking if None
    domains      of the pairs, None for none: a batch is then of one domain, too, and its negatives
                 are the harder ones
    checkpoint   gone on from if it is of the same training; removed at the end

    Documents that are a query's own, or share the text of its positive, are never its negatives.
    Raises InputError without two pairs or two taught texts, ModelError without torch.
    """
    need_torch("Training a static table")
    check(pairs, taught, domains)
    chosen = settings or StaticTraining()
    run = StaticRun(encoder, pairs, loss or MultipleNegatives(), taught, chosen, domains)
    run.work(checkpoint, on_progress)
    if checkpoint is not None:
        checkpoint.remove()
    return Trained(run.result(), run.curve, len(run.curve))


def check(
    pairs: Sequence[Pair], taught: Taught | None, domains: Sequence[str | None] | None
) -> None:
    """Raise InputError without two pairs or two taught texts, or with another number of domains."""
    if len(pairs) < 2 and (taught is None or len(taught.texts) < 2):
        raise InputError(
            f"There are {len(pairs)} pairs to train on.", "Give at least two, or taught texts."
        )
    if domains is not None and len(domains) != len(pairs):
        raise InputError(
            f"{len(pairs)} pairs and {len(domains)} domains.",
            "Give the domain of each pair, None where it has none.",
        )


def training_key(
    encoder: Static, pairs: Sequence[Pair], loss: Loss, taught: Taught | None,
    settings: StaticTraining, domains: Sequence[str | None] | None = None,
) -> str:  # fmt: skip
    """Name a training by all that its result follows from, apart from its budget."""
    digest = hashlib.blake2b(encoder.fingerprint.encode(), digest_size=8)
    told = asdict(replace(settings, budget=None, checkpoint_every=1.0)) | {"loss": str(loss)}
    digest.update(json.dumps(told, sort_keys=True).encode())
    for pair in pairs:
        digest.update(f"{pair.query}\0{pair.positive}\0{pair.source}\n".encode())
    for text in taught.texts if taught else ():
        digest.update(f"{text}\n".encode())
    if domains is not None:
        digest.update(json.dumps(list(domains)).encode())
    return digest.hexdigest()
