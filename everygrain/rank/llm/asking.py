"""Questions to a language model, several at once, within a budget, and never an exception for one.

What is to be asked comes from plans: generators that yield questions and are sent the answers, so
that those of several queries can be under way at once while each plan reads as if it were alone.

Questions go out in waves of at most `at_once`, in the order of the plans; the next wave starts when
the last has been answered. So the same questions are asked, and the same are left out by a bound of
calls, however fast the answers come.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from everygrain.endpoint import Answerer, Budget, Completion
from everygrain.endpoint.budget import metered, taken
from everygrain.errors import ModelError
from everygrain.rank.llm.spent import Prices, Spent

Result = TypeVar("Result")


@dataclass(frozen=True)
class Question:
    """A prompt, and how many tokens the reply may have.

    options   as the protocol names them, beside temperature (always 0) and max_tokens
    """

    prompt: str
    most_tokens: int
    options: Mapping[str, Any] = field(default_factory=dict)


Answers: TypeAlias = list[Completion | None]
Plan: TypeAlias = Generator[list[Question], Answers, Result]


class _RefusedError(ModelError):
    """No call is to be made any more; what is in the cache may still be had."""


class _Meter:
    """Stands between the cache and the service, and so knows which answers were called for."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer
        self.is_closed = False
        self.here = threading.local()

    def before(self, answerer: Answerer) -> _Meter:
        """Stand before a service."""
        self.answerer = answerer
        return self

    @property
    def address(self) -> str:
        return str(getattr(self.answerer, "address", ""))

    @property
    def model(self) -> str:
        return str(getattr(self.answerer, "model", ""))

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        if self.is_closed:
            raise _RefusedError("No more is asked.", "")
        self.here.called = True
        return self.answerer.complete(messages, **options)


@dataclass(frozen=True)
class _Told:
    completion: Completion | None
    called: bool
    error: ModelError | None


@dataclass
class _Open(Generic[Result]):
    """A plan under way: what it has asked, and the answers so far."""

    number: int
    plan: Plan[Result]
    asked: list[Question]
    answers: Answers = field(default_factory=list)


class Asker:
    """Carries out plans.

    answerer   an Endpoint or a CachedEndpoint
    spent      is added to, question by question
    before     what the budget was already used for
    at_once    calls at the same time, 1 or more
    patience   calls in a row that fail, after which no more are made: a service that is down
               costs a few time limits, not one for every question
    """

    def __init__(
        self,
        answerer: Answerer,
        spent: Spent,
        *,
        budget: Budget | None = None,
        before: Spent | None = None,
        prices: Prices | None = None,
        at_once: int = 1,
        patience: int = 3,
    ) -> None:
        self.spent = spent
        self._budget, self._before = budget or Budget(), before or Spent()
        self._prices, self._at_once, self._patience = prices, at_once, patience
        self._misses = 0
        # the first question goes alone: it opens the connections that the others share
        self._is_warm = False
        self._meter = _Meter(answerer)
        self._model = metered(answerer, self._meter.before)
        if prices is not None and spent.money is None:
            spent.money, spent.currency = 0.0, prices.currency

    def carry_out(self, plans: Iterable[Plan[Result]]) -> list[Result]:
        """Return what each plan returns, in order. A question without an answer gets None."""
        done: dict[int, Result] = {}
        open_plans: deque[_Open[Result]] = deque()
        waiting = enumerate(plans)
        with ThreadPoolExecutor(self._at_once) as pool:
            while wave := self._next_wave(open_plans, waiting, done):
                questions = [each.asked[i] for each, i in wave]
                for (each, _), answer in zip(wave, self._ask(questions, pool), strict=True):
                    each.answers.append(answer)
                for each in [one for one in open_plans if len(one.answers) == len(one.asked)]:
                    if not _advance(each, done):
                        open_plans.remove(each)
        return [done[number] for number in range(len(done))]

    def _next_wave(
        self,
        open_plans: deque[_Open[Result]],
        waiting: Iterator[tuple[int, Plan[Result]]],
        done: dict[int, Result],
    ) -> list[tuple[_Open[Result], int]]:
        """Return the next questions, as places in open plans; opens plans while there is room."""
        room = self._room()
        wave: list[tuple[_Open[Result], int]] = []
        for each in open_plans:
            wave += _unanswered(each, room - len(wave))
        while len(wave) < room and (upcoming := next(waiting, None)) is not None:
            opened = _Open(upcoming[0], upcoming[1], [])
            if _advance(opened, done):
                open_plans.append(opened)
                wave += _unanswered(opened, room - len(wave))
        return wave

    def _room(self) -> int:
        """Return how many questions the next wave may hold; closes the meter if none may call."""
        for name in ("calls", "tokens", "money"):
            bound = getattr(self._budget, name)
            used = (getattr(self._before, name) or 0) + (getattr(self.spent, name) or 0)
            if bound is not None and used >= bound and not self._meter.is_closed:
                told = f"{bound:,} {name}" if name != "money" else f"{bound:g} in money"
                self._close(f"The budget of {told} is spent.")
        room = self._at_once if self._is_warm else 1
        if self._budget.calls is not None and not self._meter.is_closed:
            room = min(room, self._budget.calls - self._before.calls - self.spent.calls)
        return room

    def _close(self, reason: str) -> None:
        self._meter.is_closed = True
        self.spent.stopped = reason

    def _ask(self, questions: Sequence[Question], pool: ThreadPoolExecutor) -> Answers:
        self._is_warm = True
        if len(questions) == 1:
            told: Iterable[_Told] = [self._answer(questions[0])]
        else:
            told = pool.map(self._answer, questions)
        return [self._counted(q, each) for q, each in zip(questions, told, strict=True)]

    def _answer(self, question: Question) -> _Told:
        """Ask one question; runs in any thread."""
        self._meter.here.called = False
        try:
            completion = self._model.complete(
                [{"role": "user", "content": question.prompt}],
                temperature=0,
                max_tokens=question.most_tokens,
                **question.options,
            )
        except ModelError as error:
            return _Told(None, self._meter.here.called, error)
        return _Told(completion, self._meter.here.called, None)

    def _counted(self, question: Question, told: _Told) -> Completion | None:
        spent = self.spent
        spent.calls += told.called
        if told.completion is None:
            if told.called:
                spent.unusable["no answer"] += 1
                spent.failure = str(told.error)
                self._misses += 1
                if self._misses == self._patience and not self._meter.is_closed:
                    self._close(f"Stopped after {self._misses} failures in a row: {told.error}")
            else:
                spent.unusable["not asked"] += 1
            return None
        if not told.called:
            spent.cached += 1
            return told.completion
        self._misses = 0
        tokens = taken(len(question.prompt), told.completion)
        spent.estimated += tokens.estimated
        spent.prompt_tokens += tokens.prompt
        spent.completion_tokens += tokens.completion
        if self._prices is not None:
            cost = self._prices.of(tokens.prompt, tokens.completion)
            spent.money = (spent.money or 0.0) + cost
        return told.completion


def _unanswered(each: _Open[Result], most: int) -> list[tuple[_Open[Result], int]]:
    """Return the places of a plan's next questions."""
    start = len(each.answers)
    return [(each, i) for i in range(start, min(len(each.asked), start + most))]


def _advance(each: _Open[Result], done: dict[int, Result]) -> bool:
    """Hand a plan its answers and take its next questions. Returns False where it is done."""
    answers: Answers | None = each.answers if each.asked else None
    while True:
        try:
            each.asked = next(each.plan) if answers is None else each.plan.send(answers)
        except StopIteration as stop:
            done[each.number] = stop.value
            return False
        each.answers = answers = []
        if each.asked:
            return True
