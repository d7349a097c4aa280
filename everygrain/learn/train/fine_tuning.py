"""How a transformer is trained on pairs, and what the training tells as it goes."""

from __future__ import annotations

from dataclasses import dataclass

from everygrain.errors import InputError


@dataclass(frozen=True)
class FineTuning:
    """How a transformer is trained on pairs.

    epochs            passes over the pairs, >= 1
    batch             pairs in a step, >= 2: the others' documents are the negatives
    learning_rate     the highest, > 0; it rises over `warm_up` of the steps and falls to zero
    warm_up           share of the steps, in [0, 1)
    tokens            longer texts are cut, >= 3
    early_tokens      where texts are cut in the first `early_share` of the steps
    early_share       in [0, 1]; 0 cuts all alike
    layers            number of top layers that are trained; None for all, with the embeddings
    rank              of low-rank adapters; 0 trains the weights themselves
    seed              of the order of the pairs, of dropout and of the adapters' start
    budget            seconds of training at most, > 0; None for as long as the epochs take
    checkpoint_every  seconds between checkpoints, > 0

    Raises InputError for a value out of its range.
    """

    epochs: int = 1
    batch: int = 32
    learning_rate: float = 2e-5
    warm_up: float = 0.1
    tokens: int = 128
    early_tokens: int = 32
    early_share: float = 0.0
    layers: int | None = None
    rank: int = 0
    seed: int = 0
    budget: float | None = None
    checkpoint_every: float = 60.0

    def __post_init__(self) -> None:
        allowed = {
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 2,
            "learning_rate": self.learning_rate > 0,
            "warm_up": 0 <= self.warm_up < 1,
            "tokens": self.tokens >= 3,
            "early_tokens": self.early_tokens >= 3,
            "early_share": 0 <= self.early_share <= 1,
            "layers": self.layers is None or self.layers >= 1,
            "rank": self.rank >= 0,
            "budget": self.budget is None or self.budget > 0,
            "checkpoint_every": self.checkpoint_every > 0,
        }
        for name, fine in allowed.items():
            if not fine:
                raise InputError(
                    f"The setting '{name}' of a fine-tuning is {getattr(self, name)}.",
                    "Give a value in the range that FineTuning's description tells.",
                )


@dataclass(frozen=True)
class Progress:
    """What a training tells after each step.

    step, steps    steps done, and planned
    loss           mean loss of the step's queries
    seconds_left   at the speed so far
    """

    step: int
    steps: int
    loss: float
    seconds_left: float
