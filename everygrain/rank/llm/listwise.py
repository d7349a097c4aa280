"""Listwise ranking: the model is shown a window of passages, or all, and gives their order.

Source: Sliding Windows Are Not the End: Exploring Full Ranking with Long-Context Large Language
Models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from everygrain.endpoint import Completion
from everygrain.errors import QueryError
from everygrain.rank.llm import prompts, windows
from everygrain.rank.llm.asking import Plan, Question
from everygrain.rank.llm.base import LanguageModelReranker, usable
from everygrain.rank.llm.parsing import read_order
from everygrain.rank.llm.spent import Spent
from everygrain.rank.llm.windows import Ordering

TOKENS_PER_PLACE = 8  # "[100] > " and what a tokenizer may make of it


@dataclass(frozen=True, repr=False)
class Listwise(LanguageModelReranker):
    """Orders documents by windows, from the back of the list to its front.

    window     documents in a question; None for all of them at once: full ranking, one request
    step       how far a window moves (1 <= step < window); the best window - step go on
    passes     over the whole list
    complete   pass after pass, each over what is not settled yet, to an order of all n: what
               labels for training need; `passes` is then not used

    One pass over n documents asks ceil((n - window) / step) + 1 questions, and settles the best
    window - step. The published full ranking wins after fine-tuning; without, measure both.
    A reply with ids missing, repeated or out of range is repaired, and counted.
    """

    window: int | None = 20
    step: int = 10
    passes: int = field(default=1, kw_only=True)
    complete: bool = field(default=False, kw_only=True)
    most_tokens: int | None = field(default=None, kw_only=True)

    LEAST: ClassVar[dict[str, int]] = LanguageModelReranker.LEAST | {"step": 1, "passes": 1}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window is None:
            return
        if type(self.window) is not int or self.window < 2 or self.step >= self.window:
            raise QueryError(
                f"A window of {self.window!r} that moves by {self.step} lets nothing go on.",
                "Give a window of 2 or more, and a step below it.",
            )

    def most_calls(self, documents: int) -> int:
        """Return the requests that a query of so many results takes."""
        count = min(documents, self.depth)
        size = self.window or max(count, 2)
        one_pass = len(windows.bounds(count, size, self.step))
        if not self.complete:
            return self.passes * one_pass
        total, settled = one_pass, 0
        while count - settled > size:
            settled += size - self.step
            total += len(windows.bounds(count, size, self.step, settled))
        return total

    def plan(self, query: str, texts: Sequence[str], spent: Spent) -> Plan[list[int]]:
        strategy = self._strategy(len(texts))
        try:
            asked = next(strategy)
            while True:
                answers = yield [
                    Question(prompts.window(query, [texts[i] for i in each]), self._tokens(each))
                    for each in asked
                ]
                orders = [
                    self._read(a, each, spent) for a, each in zip(answers, asked, strict=True)
                ]
                asked = strategy.send(orders)
        except StopIteration as stop:
            order: list[int] = stop.value
            return order

    def _strategy(self, count: int) -> Ordering:
        size = self.window or max(count, 2)
        if self.complete:
            return windows.complete(count, size, min(self.step, size - 1))
        return windows.sliding(count, size, self.step, self.passes)

    def _tokens(self, window: Sequence[int]) -> int:
        return self.most_tokens or TOKENS_PER_PLACE * len(window) + 32

    def _read(
        self, completion: Completion | None, window: list[int], spent: Spent
    ) -> list[int] | None:
        spent.decisions += 1
        answer = usable(completion, spent)
        order = None
        if answer is not None:
            order = read_order(answer.text, len(window))
            if order is None:
                spent.unusable["gives no order"] += 1
        if order is None:
            spent.undecided += 1
            return None
        spent.repaired += order.repaired
        return [window[place] for place in order.places]
