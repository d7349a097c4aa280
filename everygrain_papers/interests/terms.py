"""Texts of papers -> rows of weighted terms: words and pairs of neighbouring words, by stem."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags, vstack

from everygrain_papers.interests.stop_words import STOP_WORDS
from everygrain_papers.paper import Paper

Floats: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.int64]

LONGEST = 8_000  # characters read of one abstract; what comes after says little that is new
FEWEST_HOLDERS = 2  # papers that hold a pair of words, for it to be a term
MOST_READ = 10_000  # papers from which terms are collected; more are read with these terms
AT_ONCE = 5_000  # papers in memory as words
K1, B = 0.5, 0.5  # how soon a repeated term adds no more; how much long papers are held back
BREAK = -1  # in place of a word that is no term: it parts its neighbours
_WORD = re.compile(r"[a-z][a-z0-9]*(?:[-'][a-z0-9]+)*")


def read(paper: Paper) -> str:
    """Return what is read of a paper: its title, and its abstract up to 8,000 characters.

    Authors and venue are left out: who wrote a paper says nothing of its subject.
    """
    return f"{paper.title}. {paper.abstract[:LONGEST]}"


def words(text: str) -> list[str]:
    """Return the words of a text in order, lower case, without accents, stop words included."""
    if not text.isascii():
        spelled = unicodedata.normalize("NFKD", text).encode("ascii", "ignore")
        text = spelled.decode("ascii")
    return _WORD.findall(text.lower())


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return a word's stem, or nothing for a stop word or a single letter."""
    if len(word) < 2 or word in STOP_WORDS:
        return ""
    stemmed: str = _stemmer().stemWord(word)
    return stemmed


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    from Stemmer import Stemmer

    return Stemmer("english")


@dataclass(frozen=True)
class Vocabulary:
    """The terms of a collection, by which any text becomes a row.

    stems   stem -> its number, from 0 without a gap
    pairs   (m,) two neighbouring stems each, as first * len(stems) + second, ascending
    names   what each stem is called: its most frequent form
    idf     (len(stems) + m,) float32: ln((1 + n) / (1 + holders)) + 1
    mean    words in a text on average, stop words left out
    """

    stems: dict[str, int]
    pairs: Numbers
    names: tuple[str, ...]
    idf: Floats
    mean: float

    @classmethod
    def of(cls, texts: Sequence[str]) -> Vocabulary:
        """Collect the terms of texts: every stem, and every pair that two texts hold."""
        return collect(texts)[0]

    def __len__(self) -> int:
        return len(self.idf)

    def name(self, term: int) -> str:
        """Return what a term is called."""
        if term < len(self.stems):
            return self.names[term]
        first, second = divmod(int(self.pairs[term - len(self.stems)]), len(self.stems))
        return f"{self.names[first]} {self.names[second]}"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Word -> number of its stem, as words are met."""
        return {}

    def numbers(self, text: str) -> Numbers:
        """Return the numbers of a text's stems in order; -1 for a stop word or one unknown."""
        known, found = self._numbers, words(text)
        for word in found:
            if word not in known:
                known[word] = self.stems.get(stem(word), BREAK)
        return np.fromiter(map(known.__getitem__, found), np.int64, len(found))

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """Return (len(texts), terms) float32 rows of length 1, or zero for a text without terms.

            idf * tf / (tf + k1 * (1 - b + b * length / mean length))

        as in BM25, with a low k1: whether a term stands in an abstract says more than how often.
        """
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            numbers = [self.numbers(text) for text in texts[start : start + AT_ONCE]]
            parts.append(self._rows(*_joined(numbers), len(numbers)))
        return csr_matrix(vstack(parts)) if parts else csr_matrix((0, len(self)), dtype=np.float32)

    def _rows(self, flat: Numbers, owner: Numbers, count: int) -> csr_matrix:
        first, second, holder = _neighbours(flat, owner)
        coded = first * max(len(self.stems), 1) + second
        place = np.searchsorted(self.pairs, coded)
        known = place < len(self.pairs)
        known[known] = self.pairs[place[known]] == coded[known]
        told = flat != BREAK
        columns = np.concatenate([flat[told], len(self.stems) + place[known]])
        owners = np.concatenate([owner[told], holder[known]])
        counts = csr_matrix(
            (np.ones(len(columns), np.float32), (owners, columns)), shape=(count, len(self))
        )
        lengths = np.bincount(owner[told], minlength=count) / self.mean
        norms = np.repeat(K1 * (1 - B + B * lengths), np.diff(counts.indptr)).astype(np.float32)
        counts.data = self.idf[counts.indices] * counts.data / (counts.data + norms)
        return of_unit_length(counts)


def collect(texts: Sequence[str]) -> tuple[Vocabulary, csr_matrix]:
    """Return the vocabulary of texts and their rows, reading each text once."""
    forms: dict[str, int] = {}
    met = []
    for text in texts:
        found = words(text)
        for word in found:
            if word not in forms:
                forms[word] = len(forms)
        met.append(np.fromiter(map(forms.__getitem__, found), np.int64, len(found)))
    flat, owner = _joined(met)
    frequency = np.bincount(flat, minlength=len(forms))
    stems: dict[str, int] = {}
    names: list[str] = []
    number = np.full(len(forms), BREAK)
    listed = list(forms)
    for form in sorted(range(len(forms)), key=lambda each: (-frequency[each], listed[each])):
        stemmed = stem(listed[form])
        if stemmed:
            if stemmed not in stems:
                stems[stemmed] = len(names)
                names.append(listed[form])
            number[form] = stems[stemmed]
    flat = number[flat]
    first, second, holder = _neighbours(flat, owner)
    pairs, held = _holders(first * max(len(stems), 1) + second, holder, len(texts))
    pairs, held = pairs[held >= FEWEST_HOLDERS], held[held >= FEWEST_HOLDERS]
    told = flat != BREAK
    single = np.zeros(len(stems), np.int64)
    places, counts = _holders(flat[told], owner[told], len(texts))
    single[places] = counts
    idf = np.log((1 + len(texts)) / (1 + np.concatenate([single, held]))) + 1
    mean = max(float(told.sum()) / max(len(texts), 1), 1.0)
    made = Vocabulary(stems, pairs, tuple(names), idf.astype(np.float32), mean)
    return made, made._rows(flat, owner, len(texts))


def _holders(terms: Numbers, owner: Numbers, texts: int) -> tuple[Numbers, Numbers]:
    """Return the distinct terms, ascending, and how many texts hold each."""
    once = np.sort(terms * max(texts, 1) + owner)
    once = once[np.diff(once, prepend=-1) != 0] // max(texts, 1)
    starts = np.flatnonzero(np.diff(once, prepend=-1))
    return once[starts], np.diff(starts, append=len(once))


def of_unit_length(rows: csr_matrix) -> csr_matrix:
    """Return sparse rows of length 1, or zero, in float32."""
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1))).ravel()
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return csr_matrix(diags(scale.astype(np.float32)) @ rows)


def _joined(numbers: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """Return all words behind each other, and the number of the text that each is of."""
    flat = np.concatenate([*numbers, np.empty(0, np.int64)])
    return flat, np.repeat(np.arange(len(numbers)), [len(each) for each in numbers])


def _neighbours(flat: Numbers, owner: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return the first and second of each two words that stand together, and their text."""
    told = (flat[:-1] != BREAK) & (flat[1:] != BREAK) & (owner[:-1] == owner[1:])
    return flat[:-1][told], flat[1:][told], owner[:-1][told]


def spread(count: int, most: int) -> Iterator[int]:
    """Yield at most so many of the numbers below count, evenly spread."""
    yield from range(count) if count <= most else (i * count // most for i in range(most))
