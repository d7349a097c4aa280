"""Queries -> other wordings of them: rewrites by rule, given paraphrases, without a model.

The rules keep the meaning and stop where they might not: singular and plural are left alone, as
telling them apart takes a lexicon ("physics", "species").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from everygrain.analyze.stopwords import stop_words
from everygrain.analyze.words import locate, of_text
from everygrain.errors import MeasureError

Variants: TypeAlias = dict[str, tuple[str, ...]]

_FRAME = re.compile(
    r"\s*(?:what\s+is\s+known\s+(?:of|about)"
    r"|(?:what|which|who|where|when|why)\s+(?:is|are|was|were|do|does|did)"
    r"|how\s+(?:do|does|did|is|are|can)|(?:tell\s+me|search\s+for|find)(?:\s+about)?)\b\s*",
    re.IGNORECASE,
)


def lower_case(text: str) -> str:
    """Return the text in small letters."""
    return text.lower()


def upper_case(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()


def without_punctuation(text: str) -> str:
    """Return the text with a space for every mark that is no part of a word."""
    return " ".join(text[start:end] for start, end, _ in locate(text))


def with_question_mark(text: str) -> str:
    """Return the text with a question mark for whatever mark it ends in."""
    return text.rstrip(" \t\n.?!") + "?"


def framed(text: str) -> str:
    """Return an English question about the text; a text that is a question stays as it is."""
    if text.rstrip().endswith("?") or _FRAME.match(text):
        return text
    return f"What is known about {text.strip().rstrip('.!')}?"


def unframed(text: str) -> str:
    """Return an English query without the frame that makes it a question: 'what is', 'how do'."""
    inner = text[frame.end() :] if (frame := _FRAME.match(text)) else text
    return inner.rstrip(" \t\n?") if of_text(inner) else text


def reordered(text: str) -> str:
    """Return an English keyword query with its words in reverse.

    A query with a function word is no mere list of keywords and stays as it is.
    """
    words = without_punctuation(text).split()
    if set(of_text(text)) & stop_words("en"):
        return text
    return " ".join(reversed(words))


REWRITES: dict[str, Callable[[str], str]] = {
    each.__name__: each
    for each in (lower_case, upper_case, without_punctuation, with_question_mark, framed, unframed,
                 reordered)
}  # fmt: skip


def vary(queries: Mapping[str, str], changes: Sequence[Callable[[str], str]]) -> Variants:
    """Return query id -> one variant per change, in their order, also where it changes nothing.

    changes   `Typos(...)`, values of REWRITES, or any function of a text
    """
    return {query: tuple(change(text) for change in changes) for query, text in queries.items()}


def paraphrases(queries: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> Variants:
    """Return query id -> its other wordings, from pairs (query id, wording), in their order.

    Queries without a pair are left out. Raises MeasureError for an id that is no query's.
    """
    found: dict[str, tuple[str, ...]] = {}
    for query, wording in pairs:
        if query not in queries:
            raise MeasureError(f"There is no query '{query}' to reword.", "Use the queries' ids.")
        found[query] = (*found.get(query, ()), wording)
    return found


def mutual(
    queries: Mapping[str, str], variants: Mapping[str, Sequence[str]],
    entails: Callable[[str, str], bool],
) -> Variants:  # fmt: skip
    """Keep the variants that say the same as their query: each entails the other.

    entails   (first, second) -> whether second follows from first, by the system's own judgement

    Queries left without a variant are left out.
    """
    kept = {
        query: tuple(
            each for each in wordings
            if entails(queries[query], each) and entails(each, queries[query])
        )
        for query, wordings in variants.items()
    }  # fmt: skip
    return {query: wordings for query, wordings in kept.items() if wordings}
