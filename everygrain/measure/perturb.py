"""Queries -> the same queries worded, or typed, another way; without a model."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from everygrain.analyze.stopwords import stop_words
from everygrain.analyze.words import locate, of_text
from everygrain.errors import MeasureError

Variants: TypeAlias = dict[str, tuple[str, ...]]
Kind = Literal["substitution", "deletion", "transposition", "insertion"]
KINDS: tuple[Kind, ...] = ("substitution", "deletion", "transposition", "insertion")

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_FRAME = re.compile(
    r"\s*(?:(?:what|which|who|where|when|why)\s+(?:is|are|was|were|do|does|did)\b"
    r"|how\s+(?:do|does|did|is|are|can)\b|what\s+is\s+known\s+(?:of|about)\b"
    r"|(?:tell\s+me|find|search\s+for)(?:\s+about)?\b)\s*",
    re.IGNORECASE,
)


def _neighbours() -> dict[str, str]:
    """Return key -> the keys that touch it; every row starts half a key right of the one above."""
    found: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for c, key in enumerate(row):
            near = [(r, c - 1), (r, c + 1), (r - 1, c), (r - 1, c + 1), (r + 1, c - 1), (r + 1, c)]
            found[key] = "".join(
                _ROWS[i][j] for i, j in near if 0 <= i < len(_ROWS) and 0 <= j < len(_ROWS[i])
            )
    return found


NEIGHBOURS = _neighbours()


@dataclass(frozen=True)
class Typos:
    """Slips of the hand on a QWERTY keyboard: one per word that is hit.

    rate       chance that a word is hit, in [0, 1]
    seed       another seed, other slips; a query's slips depend on nothing but seed and text
    kinds      what may happen: a key beside the right one, a letter left out, two letters swapped,
               a key beside the right one hit as well; all are equally likely
    shortest   words of fewer characters are left alone

    Raises MeasureError for a rate or a kind that makes no sense.
    """

    rate: float = 0.1
    seed: int = 0
    kinds: tuple[Kind, ...] = KINDS
    shortest: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise MeasureError(f"The rate is {self.rate}.", "Use a share of words such as 0.1.")
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise MeasureError(f"The kinds are {self.kinds}.", f"Use some of {', '.join(KINDS)}.")
        if self.shortest < 2:
            raise MeasureError(f"Words of {self.shortest} would be hit.", "Use 2 or more.")

    def __call__(self, text: str) -> str:
        """Return the text with slips; every other character stays as it is."""
        told = f"{self.seed}\n{text}".encode("utf-8", "surrogatepass")
        chance = random.Random(hashlib.blake2b(told, digest_size=16).digest())
        pieces, end = [], 0
        for start, stop, _ in locate(text):
            word = text[start:stop]
            if start < end or len(word) < self.shortest or chance.random() >= self.rate:
                continue
            pieces += [text[end:start], self._slip(word, chance)]
            end = stop
        return "".join([*pieces, text[end:]])

    def _slip(self, word: str, chance: random.Random) -> str:
        """Return the word with one slip; as it is where no kind is possible."""
        near = [i for i, c in enumerate(word) if c.lower() in NEIGHBOURS]
        unlike = [i for i in range(len(word) - 1) if word[i] != word[i + 1]]
        places = {"substitution": near, "insertion": near, "transposition": unlike,
                  "deletion": list(range(len(word)))}  # fmt: skip
        possible = [kind for kind in self.kinds if places[kind]]
        if not possible:
            return word
        kind = chance.choice(possible)
        i = chance.choice(places[kind])
        if kind == "deletion":
            return word[:i] + word[i + 1 :]
        if kind == "transposition":
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        key = chance.choice(NEIGHBOURS[word[i].lower()])
        key = key.upper() if word[i].isupper() else key
        return word[:i] + key + word[i + (kind == "substitution") :]


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
