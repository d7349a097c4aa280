"""What a language model may cost, and what it did cost."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from everygrain.errors import QueryError, counted

MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """Money for a million tokens of prompts and of completions (both >= 0).

    Raises QueryError for a number that is no price.
    """

    prompt: float
    completion: float
    currency: str = "USD"

    def __post_init__(self) -> None:
        for name in ("prompt", "completion"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise QueryError(f"The price {value!r} is no number.", "Give money as a number.")
            if not (math.isfinite(value) and value >= 0):
                raise QueryError(f"A price of {value} makes no sense.", "Give 0 or more.")

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what so many tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / MILLION


@dataclass
class Spent:
    """What was asked of a language model, what it cost, and what became of it.

    calls               requests that were sent, those that failed included
    cached              questions that the cache answered, without a call
    remembered          questions that had been put before in the same ranking, and were not again
    prompt_tokens, completion_tokens   of the calls, as the service tells them
    estimated           calls whose tokens were estimated, at four characters each
    money               of the calls; None without prices
    decisions           pairs, windows, choices or queries that the model was to decide
    undecided           those it did not: the retriever's order, or the plain query, stands
    repaired            orders in which ids were missing, repeated or out of range: what was right
                        is kept, the rest follows in the order before
    pairs               pairs that were answered in both orders
    consistent          those of them in which both answers name one document
    unusable            reason -> number of replies that could not be used
    failure             what the service's last failure said; "" without one
    stopped             why no more was asked; "" while all is well
    """

    calls: int = 0
    cached: int = 0
    remembered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: int = 0
    money: float | None = None
    currency: str = ""
    decisions: int = 0
    undecided: int = 0
    repaired: int = 0
    pairs: int = 0
    consistent: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    stopped: str = ""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def consistency(self) -> float | None:
        """Share of pairs that keep their order when it is swapped in the prompt; None without."""
        return self.consistent / self.pairs if self.pairs else None

    @property
    def is_complete(self) -> bool:
        """Whether the model decided all that it was to decide."""
        return not self.undecided

    def add(self, other: Spent) -> None:
        """Add another's figures; the other's reason for stopping, where it has one, is taken."""
        for each in fields(self):
            mine, more = getattr(self, each.name), getattr(other, each.name)
            if each.name == "money":
                self.money = more if mine is None else mine + (more or 0.0)
            elif isinstance(mine, str):
                setattr(self, each.name, more or mine)
            else:
                setattr(self, each.name, mine + more)

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "unusable": dict(self.unusable),
            "consistency": self.consistency,
        }

    def __str__(self) -> str:
        about = "about " if self.estimated else ""
        told = [
            f"{counted(self.calls, 'call')} ({self.cached:,} more from the cache)",
            f"{about}{self.prompt_tokens:,} + {self.completion_tokens:,} tokens",
        ]
        if self.money is not None:
            told.append(f"{about}{self.money:.4f} {self.currency}")
        told.append(f"{self.decisions - self.undecided:,} of {self.decisions:,} decided")
        if self.repaired:
            told.append(f"{self.repaired:,} repaired")
        if self.consistency is not None:
            told.append(f"{self.consistency:.0%} of pairs consistent when swapped")
        if self.unusable:
            reasons = sorted(self.unusable.items(), key=lambda each: (-each[1], each[0]))
            told.append("not used: " + ", ".join(f"{n:,} {reason}" for reason, n in reasons))
        if self.stopped or self.failure:
            told.append(self.stopped or f"the service failed: {self.failure}")
        return "; ".join(told)
