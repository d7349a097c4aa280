"""Terms of a collection, and texts as weights of terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.topics.terms import Tokens, split

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
        shown = _written(tokens, every[kept].tolist())
        terms = tuple(" ".join(tokens.stems_of(int(term))) for term in every[kept])
        return cls(terms, shown, np.log(len(texts) / np.maximum(1, held[kept]))), table

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Term -> its number."""
        return {term: number for number, term in enumerate(self.terms)}

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """Return (texts, terms) rarities of the terms that each text holds, rows of length 1."""
        tokens = split(texts)
        text, numbers, _ = tokens.grams
        every, inverse = np.unique(numbers, return_inverse=True)
        known = np.array(
            [self.columns.get(" ".join(tokens.stems_of(int(term))), -1) for term in every],
            dtype=np.int64,
        )
        columns = known[inverse] if len(every) else inverse
        pairs = np.unique(np.stack([text[columns >= 0], columns[columns >= 0]]), axis=1)
        shape = (len(texts), len(self.terms))
        return self.weighted(csr_matrix((np.ones(pairs.shape[1]), tuple(pairs)), shape=shape))

    def weighted(self, table: csr_matrix) -> csr_matrix:
        """Return what `rows` returns, of the table that `fit` returned."""
        weighted = csr_matrix(table.multiply(self.rarity[None, :]))
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))[:, 0])
        return csr_matrix(weighted.multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]))


def _written(tokens: Tokens, terms: Sequence[int]) -> tuple[str, ...]:
    shown = []
    for term in terms:
        size = len(tokens.stems_of(term))
        forms = tokens.phrase(tokens.occurrences(term), size, longest=size)
        shown.append(" ".join(tokens.forms[form] for form in forms))
    return tuple(shown)
