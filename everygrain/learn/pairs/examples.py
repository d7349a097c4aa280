"""Which examples to put into the prompt: those whose queries turn out best on held-out documents.

Examples of a prompt differ much in what they make a model write. Each candidate is tried alone:
with it as the prompt's one example the model writes a query for each held-out document, and the
candidate's score is the mean of what the queries are worth. The best k become the prompt.

The source first tunes a soft prompt, vectors that stand before the words, by gradients through
the model, and filters examples by the loss that they give under it. Neither the vectors nor the
loss of a given text can be had through an endpoint: only the filter is built, with a score of the
written queries in the place of the loss.

Source: Soft Prompt Tuning for Augmenting Dense Retrieval with Large Language Models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.asking import Asking
from everygrain.learn.pairs.synthetic import MOST_EXAMPLES, Example, Prompt, Synthetic
from everygrain.rank.base import Retriever


@dataclass(frozen=True)
class HeldOut:
    """A document that candidates are tried on.

    query   one that it answers, where a person gave one; needed by `Likeness` alone
    """

    document: Document
    query: str = ""


class Worth(Protocol):
    """Says what written queries are worth."""

    def of(self, held_out: Sequence[HeldOut], queries: Sequence[str]) -> list[float]:
        """Return for each query, written for the held-out document at its place, a number in
        [0, 1]; 0 for "", which stands for a query that could not be had."""


@dataclass(frozen=True)
class Found:
    """A query is worth 1 / the rank at which a retriever finds its document; 0 beyond `depth`."""

    retriever: Retriever
    depth: int = 10

    def of(self, held_out: Sequence[HeldOut], queries: Sequence[str]) -> list[float]:
        asked = {str(i): query for i, query in enumerate(queries) if query}
        found = self.retriever.retrieve(asked, self.depth).by_query() if asked else {}
        worth = []
        for i, each in enumerate(held_out):
            ids = [identity for identity, _ in found.get(str(i), [])]
            rank = ids.index(each.document.id) + 1 if each.document.id in ids else 0
            worth.append(1 / rank if rank else 0.0)
        return worth


@dataclass(frozen=True)
class Likeness:
    """A query is worth its F1 of words with the query that a person gave."""

    def of(self, held_out: Sequence[HeldOut], queries: Sequence[str]) -> list[float]:
        """Raises InputError where a held-out document has no query."""
        for each in held_out:
            if not of_text(each.query):
                raise InputError(
                    f"The held-out document '{each.document.id}' has no query.",
                    "Give one for each, or judge by retrieval.",
                )
        return [_f1(query, each.query) for query, each in zip(queries, held_out, strict=True)]


@dataclass(frozen=True)
class Tried:
    """A candidate, its mean worth in [0, 1], and how many held-out documents got a query."""

    example: Example
    score: float
    answered: int


def try_examples(
    candidates: Sequence[Example],
    held_out: Sequence[HeldOut],
    task: str,
    asking: Asking,
    worth: Worth,
) -> list[Tried]:
    """Return the candidates with their scores, best first; equal ones in the order given.

    It costs a call for each candidate and held-out document. A query that could not be had
    counts as 0; where the budget ends, the candidates that were not tried on every held-out
    document are left out, since their scores would not compare.
    Source: Soft Prompt Tuning for Augmenting Dense Retrieval with Large Language Models.
    Raises InputError for no candidates, nothing held out, or a candidate that is itself held
    out; ModelError where the model gave nothing of use, or the budget was spent on the first.
    """
    if not candidates or not held_out:
        raise InputError(
            f"{len(candidates)} candidates and {len(held_out)} held-out documents.",
            "Give at least one of each.",
        )
    texts = {_key(each.document.text) for each in held_out}
    for candidate in candidates:
        if _key(candidate.document) in texts:
            raise InputError(
                f"The example with the query {candidate.query[:60]!r} is held out as well.",
                "Hold out documents that no candidate comes from.",
            )
    tried = []
    for candidate in candidates:
        source = Synthetic(asking, Prompt(task, (candidate,), queries=1))
        queries = [
            next(iter(source.queries(f"{each.document.title}\n{each.document.text}".strip())), "")
            for each in held_out
        ]
        if asking.tally.stopped:
            break
        values = worth.of(held_out, queries)
        answered = sum(bool(query) for query in queries)
        tried.append(Tried(candidate, sum(values) / len(values), answered))
    asking.require_some()
    if not tried:
        raise InputError(
            f"The budget was spent before one candidate was tried ({asking.tally}).",
            f"Allow {len(held_out):,} calls for each candidate.",
        )
    return sorted(tried, key=lambda each: -each.score)


def with_best_examples(prompt: Prompt, tried: Sequence[Tried], k: int = MOST_EXAMPLES) -> Prompt:
    """Return the prompt with the k best of the examples that were tried.

    Raises InputError for k outside 1 to 8, or where nothing that an example led to was of use.
    """
    if not 1 <= k <= MOST_EXAMPLES:
        raise InputError(f"{k} examples.", f"Choose 1 to {MOST_EXAMPLES}.")
    useful = [each.example for each in tried if each.score > 0]
    if not useful:
        raise InputError(
            "No candidate led to a query of any worth.",
            "Give other examples, or look at what the model answers.",
        )
    return replace(prompt, examples=tuple(useful[:k]))


def _f1(first: str, second: str) -> float:
    one, other = Counter(of_text(first)), Counter(of_text(second))
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
