"""Titles and abstracts as sparse rows of hashed words and pairs of words."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix, diags

from everygrain_papers.paper import Paper
from everygrain_papers.trends.rates import Floats
from everygrain_papers.trends.windows import Integers
from everygrain_papers.trends.words import MOST_WORDS, stem, surfaces

COLUMNS = 1 << 18
FEWEST_PAPERS = 5  # that hold a word or pair for it to count
_TITLE = 0x9E3779B1  # the same word in the title is another feature


def features(papers: Iterable[Paper]) -> csr_matrix:
    """Return (n, COLUMNS) float32 rows of 1 + log count of words, pairs, and words of the title.

    Words are hashed, so a row depends on its paper alone and no vocabulary is kept.
    """
    known: dict[str, int] = {}
    told: list[Integers] = []
    for paper in papers:
        title = _hashes(paper.title, known)
        words = np.concatenate([title, [0], _hashes(paper.abstract, known)])[:MOST_WORDS]
        found = np.concatenate([words, _pairs(words), (title * _TITLE) % (1 << 32)])
        told.append((found[found > 0] % COLUMNS).astype(np.int32))
    ends = np.cumsum([0, *(each.size for each in told)])
    columns = np.concatenate([np.zeros(0, np.int32), *told])
    counts = np.ones(columns.size, dtype=np.float32)
    rows = csr_matrix((counts, columns, ends), shape=(len(told), COLUMNS))
    rows.sum_duplicates()
    rows.data = 1.0 + np.log(rows.data)
    return rows


def _hashes(text: str, known: dict[str, int]) -> Integers:
    """Return the hash of each word, (words,) from 0 to 2^32 - 1; 0 is a break."""
    told = []
    for word in surfaces(text[: MOST_WORDS * 40])[:MOST_WORDS]:
        number = known.get(word)
        if number is None:
            number = known[word] = zlib.crc32(stem(word).encode("utf-8")) if word else 0
        told.append(number)
    return np.array(told, dtype=np.int64)


def _pairs(words: Integers) -> Integers:
    first, second = words[:-1], words[1:]
    both = (first > 0) & (second > 0)
    told: Integers = (first[both] * 31 + second[both] * 17 + 1) % (1 << 32)
    return told


def rarity(rows: csr_matrix) -> Floats:
    """Return (COLUMNS,) log((n + 1) / (papers + 1)) of the rows; 0 below FEWEST_PAPERS papers."""
    papers = np.bincount(rows.indices, minlength=COLUMNS)
    told = np.log((rows.shape[0] + 1.0) / (papers + 1.0))
    return np.where(papers >= FEWEST_PAPERS, told, 0.0)


def weighted(rows: csr_matrix, rarities: Floats) -> csr_matrix:
    """Return the rows times rarity, each of length 1 (or 0)."""
    told = (rows @ diags(rarities)).tocsr()
    told.eliminate_zeros()
    lengths = np.sqrt(np.asarray(told.multiply(told).sum(axis=1)).ravel())
    return csr_matrix(diags(1.0 / np.maximum(lengths, 1e-12)) @ told, dtype=np.float32)


def texts_of(papers: Sequence[Paper]) -> list[str]:
    """Return what an encoder reads of each paper."""
    return [f"{paper.title}. {paper.abstract}" for paper in papers]
