"""Views of a sentence in its abstract: features of different kinds that can vote.

    words        words and pairs of words of the sentence
    characters   pieces of 3 to 5 characters
    neighbours   words of the sentences before and after
    cues         what the hand-written rules score its neighbours, and its marks
    vectors      frozen sentence vectors of it and its neighbours

Each view also has the sentence's place, and what the rules score the sentence: it begins as the
rules and learns what they miss. All rows are sparse (sentences of all abstracts, features); the
last 19 features are those that all views share. Terms are weighted by inverse document frequency
and scaled to length 1 within a view; places are indicators of a fixed weight.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix, hstack

from everygrain import Encoder
from everygrain_papers.functions.base import FUNCTIONS, Floats
from everygrain_papers.functions.linear import Rows
from everygrain_papers.functions.rules import scores

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_LONGEST = 3000  # characters of a sentence that are looked at
MOST_TERMS = 30_000
_PLACE = 0.5
_TRUST_IN_RULES = 0.6
_TONE = 0.2  # the lower, the stiffer the rules hold against the labels
SHARED = len(FUNCTIONS) + 14  # features that all views have

Abstract = Sequence[str]
Terms = list[set[str]]


def tokens(sentence: str) -> list[str]:
    """Return lower-case words, marks, and "0" for any number."""
    found = _TOKEN.findall(sentence[:_LONGEST].lower())
    return ["0" if each.isdigit() else each for each in found]


def word_terms(abstract: Abstract) -> Terms:
    """Return words, pairs of words, and the sentence's beginning, of each sentence."""
    told: Terms = []
    for sentence in abstract:
        words = ["^", *tokens(sentence)]
        pairs = (f"{a} {b}" for a, b in pairwise(words))
        told.append({*words[1:], *pairs})
    return told


def character_terms(abstract: Abstract) -> Terms:
    """Return pieces of 3 to 5 characters of each sentence, spaces made one."""
    told: Terms = []
    for sentence in abstract:
        text = f" {' '.join(sentence[:_LONGEST].lower().split())} "
        told.append({text[i : i + n] for n in (3, 4, 5) for i in range(len(text) - n + 1)})
    return told


def neighbour_terms(abstract: Abstract) -> Terms:
    """Return words and pairs of the sentence before, marked "<", and of the one after, ">"."""
    own = word_terms(abstract)
    return [
        {
            *(f"< {term}" for term in (own[i - 1] if i else {"none"})),
            *(f"> {term}" for term in (own[i + 1] if i + 1 < len(own) else {"none"})),
        }
        for i in range(len(own))
    ]


_TERMS: dict[str, Callable[[Abstract], Terms]] = {
    "words": word_terms,
    "characters": character_terms,
    "neighbours": neighbour_terms,
}
TERM_VIEWS = tuple(_TERMS)


def places(count: int) -> Floats:
    """Return (count, 14) indicators: from the start, from the end, which fifth; and the count."""
    told = np.zeros((count, 14))
    for i in range(count):
        told[i, min(i, 3)] = 1
        told[i, 4 + min(count - 1 - i, 3)] = 1
        told[i, 8 + min(4, 5 * i // max(1, count - 1))] = 1
        told[i, 13] = min(count, 20) / 20
    return told * _PLACE


def shared_rows(abstracts: Sequence[Abstract]) -> Floats:
    """Return (sentences, 19): the rules' scores within bounds and toned down, and places."""
    parts = [np.zeros((0, SHARED))]
    for abstract in abstracts:
        if len(abstract):
            told = np.clip(scores(abstract), -6, 6) * _TONE  # a bound, lest many cues rule
            parts.append(np.hstack([told, places(len(abstract))]))
    return np.concatenate(parts)


def prior(features: int) -> Floats:
    """Return (features, 5) coefficients that repeat the rules: where each view begins."""
    told = np.zeros((features, len(FUNCTIONS)))
    first = features - SHARED
    told[first : first + len(FUNCTIONS)] = np.eye(len(FUNCTIONS)) * _TRUST_IN_RULES / _TONE
    return told


@dataclass(frozen=True, eq=False)
class TermView:
    """Terms of one kind.

    name         "words", "characters" or "neighbours"
    vocabulary   the terms that count, each a column in order
    rarity       (terms,) inverse document frequencies, natural logs
    """

    name: str
    vocabulary: tuple[str, ...]
    rarity: Floats
    _columns: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        columns = {term: i for i, term in enumerate(self.vocabulary)}
        object.__setattr__(self, "_columns", columns)

    @classmethod
    def seen(cls, name: str, abstracts: Iterable[Abstract], most: int = MOST_TERMS) -> TermView:
        """Take the terms of at least two sentences, the most frequent first, at most `most`."""
        counts: Counter[str] = Counter()
        sentences = 0
        for abstract in abstracts:
            for terms in _TERMS[name](abstract):
                counts.update(terms)
                sentences += 1
        kept = sorted((t for t, c in counts.items() if c > 1), key=lambda t: (-counts[t], t))[:most]
        often = np.array([counts[term] for term in kept], dtype=np.float64)
        return cls(name, tuple(kept), np.log((1 + sentences) / (1 + often)) + 1)

    def rows(self, abstracts: Sequence[Abstract], shared: Floats) -> Rows:
        """Return (sentences, terms + 19)."""
        columns: list[int] = []
        ends = [0]
        for abstract in abstracts:
            for terms in _TERMS[self.name](abstract):
                found = [self._columns[term] for term in terms if term in self._columns]
                columns += sorted(found)
                ends.append(len(columns))
        values = self.rarity[columns] if columns else np.zeros(0)
        shape = (len(ends) - 1, len(self.vocabulary))
        terms_part = csr_matrix((values, columns, ends), shape=shape)
        lengths = np.sqrt(np.asarray(terms_part.multiply(terms_part).sum(axis=1)).ravel())
        terms_part.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(ends))
        return hstack([terms_part, csr_matrix(shared)], format="csr")


def _beside(rows: Floats, abstracts: Sequence[Abstract]) -> Floats:
    """Return each row, the one before and the one after in its abstract; zeros where none is."""
    before, after = np.zeros_like(rows), np.zeros_like(rows)
    first = 0
    for abstract in abstracts:
        last = first + len(abstract)
        before[first + 1 : last] = rows[first : max(first, last - 1)]
        after[first : max(first, last - 1)] = rows[first + 1 : last]
        first = last
    return np.hstack([rows, before, after])


def cue_rows(abstracts: Sequence[Abstract], shared: Floats) -> Rows:
    """Return (sentences, 16 + 19): the rules' scores of the neighbours, and marks."""
    beside = _beside(shared[:, : len(FUNCTIONS)], abstracts)[:, len(FUNCTIONS) :]
    marks = np.array(
        [
            (
                any(c.isdigit() for c in sentence), "%" in sentence, "?" in sentence,
                ":" in sentence, " we " in f" {sentence.lower()} ", len(sentence) < 60,
            )
            for abstract in abstracts
            for sentence in abstract
        ],
        dtype=np.float64,
    ).reshape(len(shared), 6)  # fmt: skip
    return csr_matrix(np.hstack([beside, marks * _PLACE, shared]))


def vector_rows(abstracts: Sequence[Abstract], shared: Floats, encoder: Encoder) -> Rows:
    """Return (sentences, 3 d + 19): vectors of a sentence and its neighbours."""
    vectors = encoder.encode([sentence for abstract in abstracts for sentence in abstract])
    return csr_matrix(np.hstack([_beside(vectors.astype(np.float64), abstracts), shared]))
