"""Terms of a collection, and texts as weights of terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.topics.terms import Numbers, Tokens, split

Floats: TypeAlias = npt.NDArray[np.float64]
MOST_TERMS = 30_000
_HELD_BY = 1 / 4000  # of the papers: rarer terms are left out


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The terms of one or two words that papers hold.

    terms    stems, joined by a space
    written  how each is mostly written
    rarity   (terms,) log(papers / papers that hold it)
    """

    terms: tuple[str, ...]
    written: tuple[str, ...]
    rarity: Floats

    @classmethod
    def fit(cls, texts: Sequence[str]) -> tuple[Lexicon, csr_matrix]:
        """Return the lexicon of texts, and (texts, terms) whether each text holds each term.

        Terms that fewer than 2 texts hold, or than one in 4,000, are left out; of more than
        30,000 those that most texts hold are kept.
        """
        tokens = split(texts)
        text, numbers, _ = tokens.grams
        every, columns = np.unique(numbers, return_inverse=True)
        once = np.unique(columns * max(1, len(texts)) + text)
        columns, text = np.divmod(once, max(1, len(texts)))
        held = np.bincount(columns, minlength=len(every))
        order = np.lexsort((np.arange(len(every)), -held))[:MOST_TERMS]
        kept = np.sort(order[held[order] >= max(2, len(texts) * _HELD_BY)])
        places = np.full(len(every), -1)
        places[kept] = np.arange(len(kept))
        inside = places[columns] >= 0
        rows, columns = text[inside], places[columns[inside]]
        table = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(kept)))
        shown = _written(tokens, every[kept])
        terms = tuple(" ".join(tokens.stems_of(int(term))) for term in every[kept])
        return cls(terms, shown, np.log(len(texts) / np.maximum(1, held[kept]))), table

    def held(self, texts: Sequence[str]) -> csr_matrix:
        """Return (texts, terms) ones where a text holds a term."""
        tokens = split(texts)
        text, numbers, _ = tokens.grams
        stems, codes, columns = self._codes
        known = np.array([stems.get(stem, -1) for stem in (*tokens.stems, "")], dtype=np.int64)
        first, second = np.divmod(numbers, tokens.pair)
        first = np.where(first > 0, known[first - 1] + 1, 0)  # 0 before one word, or one unknown
        inside = (known[second] >= 0) & ((first > 0) | (numbers < tokens.pair))
        found = (first * max(1, len(stems)) + known[second])[inside]
        places = np.searchsorted(codes, found)
        places[places == len(codes)] = 0
        same = codes[places] == found if len(codes) else np.zeros(len(found), dtype=bool)
        width = max(1, len(self.terms))
        once = np.unique(text[inside][same] * width + columns[places[same]])
        shape = (len(texts), len(self.terms))
        return csr_matrix((np.ones(len(once)), np.divmod(once, width)), shape=shape)

    @cached_property
    def _codes(self) -> tuple[Mapping[str, int], Numbers, Numbers]:
        """Stem -> its number; every term as a number, ascending, and its column."""
        parts = [term.split(" ") for term in self.terms]
        stems: dict[str, int] = {}
        for each in parts:
            for stem in each:
                stems.setdefault(stem, len(stems))
        size = max(1, len(stems))
        codes = np.array(
            [
                (stems[each[0]] + 1) * size + stems[each[1]] if len(each) > 1 else stems[each[0]]
                for each in parts
            ],
            dtype=np.int64,
        )
        order = np.argsort(codes)
        return stems, codes[order], order

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """Return (texts, terms) rarities of the terms that each text holds, rows of length 1."""
        return self.weighted(self.held(texts))

    def weighted(self, table: csr_matrix) -> csr_matrix:
        """Return what `rows` returns, of what `held` or `fit` returned."""
        weighted = csr_matrix(table.multiply(self.rarity[None, :]))
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))[:, 0])
        return csr_matrix(weighted.multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]))


def _written(tokens: Tokens, terms: Numbers) -> tuple[str, ...]:
    """Return how each term, ascending numbers, is mostly written; of equals, how it was first."""
    _, numbers, places = tokens.grams
    if not len(terms):
        return ()
    which = np.searchsorted(terms, numbers)
    which[which == len(terms)] = 0
    told = terms[which] == numbers
    which, places, double = which[told], places[told], numbers[told] >= tokens.pair
    forms = max(1, len(tokens.forms))
    after = tokens.form[np.minimum(places + 1, len(tokens.form) - 1)] + 1
    shown = tokens.form[places] * (forms + 1) + np.where(double, after, 0)
    order = np.lexsort((places, shown, which))
    which, places, shown = which[order], places[order], shown[order]
    begins = np.flatnonzero(np.diff(shown, prepend=-1) | np.diff(which, prepend=-1))
    counts = np.diff(np.append(begins, len(shown)))
    best = np.lexsort((places[begins], -counts, which[begins]))
    best = begins[best[np.flatnonzero(np.diff(which[begins][best], prepend=-1))]]
    first, second = np.divmod(shown[best], forms + 1)
    return tuple(
        tokens.forms[one] if not other else f"{tokens.forms[one]} {tokens.forms[other - 1]}"
        for one, other in zip(first.tolist(), second.tolist(), strict=True)
    )
