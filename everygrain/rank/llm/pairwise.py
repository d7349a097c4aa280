"""Pairwise prompting: the model is shown two passages and says which is more relevant.

Source: Large Language Models are Effective Text Rankers with Pairwise Ranking Prompting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from everygrain.endpoint import Completion
from everygrain.errors import QueryError
from everygrain.rank.llm import comparisons, prompts
from everygrain.rank.llm.asking import Answers, Plan, Question
from everygrain.rank.llm.base import LanguageModelReranker, usable
from everygrain.rank.llm.comparisons import FIRST, SECOND, TIE, Comparing, Pair
from everygrain.rank.llm.parsing import read_choice, read_likelihoods
from everygrain.rank.llm.spent import Spent

LABELS = ("A", "B")


@dataclass(frozen=True, repr=False)
class Pairwise(LanguageModelReranker):
    """Compares documents two by two, each pair in both orders.

        u(i, j) = 1    both answers name i
                  0    both answers name j
                  1/2  they name different ones, or one of them cannot be read

    method   how comparisons become an order, for n documents:
             "all"      all n (n - 1) / 2 pairs; s(i) = sum over j of u(i, j), and equal sums keep
                        the retriever's order
             "heap"     heapsort until `top` are out: O(n + top log n) pairs
             "sliding"  `passes` passes of bubble sort, back to front: n - k pairs in pass k
    mode     "generation": the reply is read; "scoring": the likelier of the tokens A and B counts,
             where the endpoint tells log-probabilities, and the reply where it does not
    passes   of "sliding"; each settles one more rank
    top      of "heap"

    A pair is two requests; a pair that was compared before is remembered. `most_calls` says what
    a query can cost at most: 290 with these settings, and 1,890 with the published depth of 100.
    """

    method: Literal["all", "heap", "sliding"] = "sliding"
    mode: Literal["generation", "scoring"] = "generation"
    depth: int = field(default=20, kw_only=True)
    passes: int = field(default=10, kw_only=True)
    top: int = field(default=10, kw_only=True)
    most_tokens: int = field(default=16, kw_only=True)

    LEAST: ClassVar[dict[str, int]] = LanguageModelReranker.LEAST | {
        "passes": 1, "top": 1, "most_tokens": 1,
    }  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in ("all", "heap", "sliding"):
            raise QueryError(f"There is no method '{self.method}'.", "Use all, heap or sliding.")
        if self.mode not in ("generation", "scoring"):
            raise QueryError(f"There is no mode '{self.mode}'.", "Use generation or scoring.")

    def most_calls(self, documents: int) -> int:
        """Return the requests that a query of so many results takes at most."""
        count = min(documents, self.depth)
        return 2 * comparisons.most_comparisons(self.method, count, self.passes, self.top)

    def plan(self, query: str, texts: Sequence[str], spent: Spent) -> Plan[list[int]]:
        strategy = self._strategy(len(texts))
        known: dict[Pair, float] = {}
        try:
            pairs = next(strategy)
            while True:
                fresh = [pair for pair in pairs if pair not in known and pair[::-1] not in known]
                spent.remembered += 2 * (len(pairs) - len(fresh))
                answers = yield [q for pair in fresh for q in self._questions(query, texts, pair)]
                for i, pair in enumerate(fresh):
                    known[pair] = self._preference(answers[2 * i : 2 * i + 2], spent)
                pairs = strategy.send([_known(known, pair) for pair in pairs])
        except StopIteration as stop:
            order: list[int] = stop.value
            return order

    def _strategy(self, count: int) -> Comparing:
        if self.method == "all":
            return comparisons.all_pairs(count)
        if self.method == "heap":
            return comparisons.heap(count, self.top)
        return comparisons.sliding(count, self.passes)

    def _questions(self, query: str, texts: Sequence[str], pair: Pair) -> list[Question]:
        scoring = self.mode == "scoring"
        form = prompts.PAIR_IN_A_LETTER if scoring else prompts.PAIR_IN_WORDS
        options = {"logprobs": True, "top_logprobs": 5} if scoring else {}
        return [
            Question(prompts.pair(query, texts[i], texts[j], form), self.most_tokens, options)
            for i, j in (pair, pair[::-1])
        ]

    def _preference(self, answers: Answers, spent: Spent) -> float:
        """Return u of a pair from the answers to both orders."""
        spent.decisions += 1
        straight, swapped = (self._read(answer, spent) for answer in answers)
        if straight is None or swapped is None:
            spent.undecided += 1
            return TIE
        spent.pairs += 1
        if straight == swapped:  # the same place, so not the same document
            return TIE
        spent.consistent += 1
        return FIRST if straight == "A" else SECOND

    def _read(self, completion: Completion | None, spent: Spent) -> str | None:
        answer = usable(completion, spent)
        if answer is None:
            return None
        if self.mode == "scoring":
            likelihoods = read_likelihoods(answer.logprobs, LABELS)
            if likelihoods is not None and not math.isclose(likelihoods["A"], likelihoods["B"]):
                return "A" if likelihoods["A"] > likelihoods["B"] else "B"
            if not answer.logprobs:
                spent.unusable["no log-probabilities"] += 1
        label = read_choice(answer.text, LABELS)
        if label is None:
            spent.unusable["names no passage"] += 1
        return label


def _known(known: dict[Pair, float], pair: Pair) -> float:
    return known[pair] if pair in known else 1 - known[pair[::-1]]
