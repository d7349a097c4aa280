"""Questions to a language model: within a budget, every loss counted by its reason.

A question goes out through an Endpoint, or through a CachedEndpoint, which answers what was asked
before without a call: a run that was interrupted is run again and pays only for what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from everygrain.endpoint import Answerer, Budget, Completion
from everygrain.endpoint.budget import metered, taken
from everygrain.errors import InputError, ModelError
from everygrain.learn.replies import UnusableReplyError

Read = TypeVar("Read")


class BudgetSpentError(ModelError):
    """A budget of calls or tokens is spent. Caught by `Asking`, which then asks no more."""


@dataclass
class Tally:
    """What was asked, what it cost and what became of it.

    calls               requests that were sent; an answer from the cache costs none
    prompt_tokens, completion_tokens   as the service tells them
    estimated           calls whose tokens were estimated, at four characters each
    usable              replies that could be used, those from the cache included
    dropped             reason -> number of replies, or parts of replies, that could not
    stopped             why no more is asked; "" while all is well
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: int = 0
    usable: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    stopped: str = ""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __str__(self) -> str:
        about = "about " if self.estimated else ""
        told = [
            f"{self.calls:,} calls",
            f"{about}{self.prompt_tokens:,} + {self.completion_tokens:,} tokens",
            f"{self.usable:,} usable replies",
        ]
        if self.dropped:
            reasons = sorted(self.dropped.items(), key=lambda each: (-each[1], each[0]))
            told.append("dropped: " + ", ".join(f"{n:,} {reason}" for reason, n in reasons))
        if self.stopped:
            told.append(self.stopped)
        return "; ".join(told)


@dataclass(frozen=True)
class Metered:
    """An answerer that counts what it is asked, and refuses what is beyond a budget."""

    answerer: Answerer
    budget: Budget
    tally: Tally

    @property
    def address(self) -> str:
        return str(getattr(self.answerer, "address", ""))

    @property
    def model(self) -> str:
        return str(getattr(self.answerer, "model", ""))

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        """Return the answer. Raises BudgetSpentError, and what the answerer raises."""
        for name, spent in (("calls", self.tally.calls), ("tokens", self.tally.tokens)):
            bound = getattr(self.budget, name)
            if bound is not None and spent >= bound:
                raise BudgetSpentError(
                    f"The budget of {bound:,} {name} is spent.",
                    "Raise it and run again: what was answered is in the cache.",
                )
        self.tally.calls += 1
        completion = self.answerer.complete(messages, **options)
        self._count(messages, completion)
        return completion

    def _count(self, messages: Sequence[Mapping[str, Any]], completion: Completion) -> None:
        told = sum(len(str(message.get("content", ""))) for message in messages)
        tokens = taken(told, completion)
        self.tally.estimated += tokens.estimated
        self.tally.prompt_tokens += tokens.prompt
        self.tally.completion_tokens += tokens.completion


class Asking:
    """Asks a language model, and reads its replies.

    answerer      an Endpoint, or better a CachedEndpoint, so that nothing is asked twice
    budget        calls and tokens that may be spent
    temperature   0 or more; the source of few-shot queries samples at 0.7
    seed          of the first attempt; the next attempt has the next seed
    again         how often a question is put again after a reply that cannot be used
    most_tokens   of a reply; a longer one is cut off by the service and dropped as truncated
    patience      questions in a row without any answer after which no more are asked

    The same settings, questions and replies give the same values in the same order.
    Raises InputError for a setting that is out of range.
    """

    def __init__(
        self,
        answerer: Answerer,
        budget: Budget | None = None,
        *,
        temperature: float = 0.7,
        seed: int = 0,
        again: int = 1,
        most_tokens: int = 400,
        patience: int = 3,
    ) -> None:
        if not temperature >= 0 or again < 0 or most_tokens < 1 or patience < 1:
            raise InputError(
                f"temperature={temperature}, again={again}, most_tokens={most_tokens} and "
                f"patience={patience} cannot be asked with.",
                "Give 0 or more for the first two, 1 or more for the others.",
            )
        if budget is not None and budget.money is not None:
            raise InputError(
                "A budget in money was given, but no prices are known here.",
                "Bound the calls or the tokens.",
            )
        self.tally = Tally()
        self.temperature, self.seed, self.again = temperature, seed, again
        self.most_tokens, self.patience = most_tokens, patience
        self._misses = 0
        self._questions = 0
        meter = partial(Metered, budget=budget or Budget(), tally=self.tally)
        self._model = metered(answerer, meter)

    def ask(self, prompt: str, read: Callable[[str], Read]) -> Read | None:
        """Return what `read` makes of the reply; None where no reply could be used.

        read   raises UnusableReplyError for a reply that it cannot use; the question is then put
               again with another seed, `again` times

        Raises the ModelError of the endpoint where it has failed `patience` times in a row and
        nothing was ever had from it; later it stops asking instead (`tally.stopped`).
        """
        self._questions += 1
        for attempt in range(self.again + 1):
            if self.tally.stopped:
                self.drop("not asked")
                return None
            try:
                completion = self._model.complete(
                    [{"role": "user", "content": prompt}],
                    temperature=self.temperature,
                    max_tokens=self.most_tokens,
                    seed=self.seed + attempt,
                )
            except BudgetSpentError as error:
                self.tally.stopped = str(error)
                self.drop("not asked")
                return None
            except ModelError as error:
                self._miss(error)
                return None  # the client has repeated the request where that could help
            self._misses = 0
            try:
                if completion.finish_reason == "length":
                    raise UnusableReplyError("truncated")
                value = read(completion.text)
            except UnusableReplyError as error:
                self.drop(str(error))
                continue
            self.tally.usable += 1
            return value
        return None

    def drop(self, reason: str, count: int = 1) -> None:
        """Count replies, or parts of replies, that are not used."""
        self.tally.dropped[reason] += count

    def require_some(self) -> None:
        """Raise ModelError if questions were put and no reply to any of them was of use."""
        if self._questions and not self.tally.usable:
            raise ModelError(
                f"The language model gave nothing that can be used ({self.tally}).",
                "Try one question by hand; then use a model that follows instructions, or raise "
                "the budget or the tokens of a reply.",
            )

    def _miss(self, error: ModelError) -> None:
        self.drop("no answer")
        self._misses += 1
        if self._misses >= self.patience:
            if not self.tally.usable:
                raise error
            self.tally.stopped = f"Stopped after {self._misses} failures in a row: {error}"
