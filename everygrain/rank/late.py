"""Late interaction: a document is as good as its best word for each word of the query.

    late(q, d) = 1/|q| sum_{i in q} max_{j in d} q_i . w_j
    s(q, d)    = share * m(first(q, d)) + (1 - share) * m(late(q, d))

with w_j the vectors of the document's distinct whole words, first another score of the same
documents, such as the product of the document vectors, and m the map of the candidates' scores to
0..1 (`fused`).

Source: Introducing Neural Bag of Whole-Words with ColBERTer: Contextualized Late Interactions using
Enhanced Reduction.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from everygrain.encode.words.base import SCALE, Bags

Scores = npt.NDArray[np.float32]


def max_sim(query: Bags, documents: Bags) -> Scores:
    """Return (n,) late(q, d) of one query's bag and n documents'; 0 for an empty document.

    Products are whole numbers that float32 holds exactly, and their sum is taken in float64: a
    document's score does not depend on the documents beside it, to the last bit.
    """
    best = best_similarities(query, documents)
    return _mean(best, len(query.words))


def exact_sim(query: Bags, documents: Bags) -> Scores:
    """Return (n,) late(q, d) over pairs of equal words alone: a query word that the document lacks
    counts 0. ColBERTer's lexical matching."""
    found = np.zeros((len(documents), len(query.words)), dtype=np.float32)
    if not len(query.words) or not len(documents.words):
        return _mean(found, len(query.words))
    order = np.argsort(query.words, kind="stable")
    place = np.searchsorted(query.words[order], documents.words)
    place = order[np.minimum(place, len(order) - 1)]
    equal = np.flatnonzero(query.words[place] == documents.words)
    place = place[equal]
    products = np.einsum(
        "md,md->m",
        documents.vectors[equal].astype(np.float32),
        query.vectors[place].astype(np.float32),
    )
    text = np.searchsorted(documents.offsets, equal, side="right") - 1
    found[text, place] = products
    return _mean(found, len(query.words))


def best_similarities(query: Bags, documents: Bags) -> Scores:
    """Return (n, |q|) the highest product of each query word with a word of each document, in
    units of 1 / SCALE**2; 0 for an empty document."""
    best = np.zeros((len(documents), len(query.words)), dtype=np.float32)
    held = np.flatnonzero(np.diff(documents.offsets))
    if not len(held) or not len(query.words):
        return best
    products = documents.vectors.astype(np.float32) @ query.vectors.astype(np.float32).T
    best[held] = np.maximum.reduceat(products, documents.offsets[held], axis=0)
    return best


def fused(first: Scores, late: Scores, share: float) -> Scores:
    """Return (n,) scores out of two columns of the same documents, each mapped to 0..1.

        m(x) = (x - min x) / (max x - min x)       0 where all are alike

    share   of the first column, in [0, 1]

    Late scores of the candidates for one query lie close together, far from 0: divided by the best
    alone, they would hardly count beside another column.
    """
    return np.asarray(
        np.float32(share) * _spread(first) + np.float32(1 - share) * _spread(late), np.float32
    )


def _spread(column: Scores) -> Scores:
    """Map a column to 0..1."""
    if not len(column):
        return column.astype(np.float32)
    low, high = np.float32(column.min()), np.float32(column.max())
    if low == high:
        return np.zeros(len(column), dtype=np.float32)
    return np.asarray((column.astype(np.float32) - low) / (high - low), dtype=np.float32)


def _mean(best: Scores, count: int) -> Scores:
    """Return the mean over query words, in units of 1; sums of whole numbers are exact."""
    total = best.sum(axis=1, dtype=np.float64)
    return np.asarray(total / (max(count, 1) * SCALE**2), dtype=np.float32)
