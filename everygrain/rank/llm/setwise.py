"""Setwise ranking: the model is shown a few passages and names the best one.

One question settles what several pairs would, so that a sort needs fewer of them (Zhuang, Zhuang,
Koopman and Zuccon, A Setwise Approach for Effective and Highly Efficient Zero-shot Ranking with
Large Language Models).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import ClassVar, Literal

from everygrain.endpoint import Completion
from everygrain.errors import QueryError
from everygrain.rank.llm import choices, prompts
from everygrain.rank.llm.asking import Plan, Question
from everygrain.rank.llm.base import LanguageModelReranker, usable
from everygrain.rank.llm.parsing import read_choice
from everygrain.rank.llm.spent import Spent


@dataclass(frozen=True, repr=False)
class Setwise(LanguageModelReranker):
    """Sorts documents by choosing the best of a few.

    method    "heap": a heap whose nodes have size - 1 children; "sliding": bubble sort with
              windows of `size` that move by size - 1
    size      passages in a question, 2 to 26
    top       how many ranks are settled

    A choice is one request in one order, so that a model's liking for a place is not seen: pairs
    are compared in both.
    """

    method: Literal["heap", "sliding"] = "heap"
    size: int = 4
    top: int = field(default=10, kw_only=True)
    most_tokens: int = field(default=16, kw_only=True)

    LEAST: ClassVar[dict[str, int]] = LanguageModelReranker.LEAST | {
        "size": 2, "top": 1, "most_tokens": 1,
    }  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in ("heap", "sliding"):
            raise QueryError(f"There is no method '{self.method}'.", "Use heap or sliding.")
        if self.size > len(ascii_uppercase):
            raise QueryError(f"There are no {self.size} letters.", "Show at most 26 passages.")

    def plan(self, query: str, texts: Sequence[str], spent: Spent) -> Plan[list[int]]:
        strategy = choices.heap if self.method == "heap" else choices.sliding
        sorting = strategy(len(texts), self.size, self.top)
        known: dict[tuple[int, ...], int | None] = {}
        try:
            groups = next(sorting)
            while True:
                fresh = [group for group in groups if tuple(group) not in known]
                spent.remembered += len(groups) - len(fresh)
                answers = yield [self._question(query, [texts[i] for i in g]) for g in fresh]
                for group, answer in zip(fresh, answers, strict=True):
                    known[tuple(group)] = self._read(answer, len(group), spent)
                groups = sorting.send([known[tuple(group)] for group in groups])
        except StopIteration as stop:
            order: list[int] = stop.value
            return order

    def _question(self, query: str, texts: Sequence[str]) -> Question:
        return Question(
            prompts.choice(query, texts, ascii_uppercase[: len(texts)]), self.most_tokens
        )

    def _read(self, completion: Completion | None, count: int, spent: Spent) -> int | None:
        spent.decisions += 1
        answer = usable(completion, spent)
        label = None
        if answer is not None:
            label = read_choice(answer.text, ascii_uppercase[:count])
            if label is None:
                spent.unusable["names no passage"] += 1
        if label is None:
            spent.undecided += 1
            return None
        return ascii_uppercase.index(label)
