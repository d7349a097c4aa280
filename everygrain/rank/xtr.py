"""Documents scored from the words that were retrieved, and from no others.

For every word i of the query, R_i are the k words of the whole collection with the highest
products, and m_i is the lowest product among them. A document that holds none of R_i is taken to be
as good as it can be, without a look at its words:

    s(q, d) = 1/|q| sum_{i in q} max( { q_i . w_j : j in d, j in R_i } )     m_i where that is empty

So s is never below the exact late(q, d), and equals it, bit for bit, where all words are retrieved.
Words with the same product as the k-th are retrieved too: no order of storage decides.

Source: Rethinking the Role of Token Retrieval in Multi-Vector Retrieval.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from everygrain.encode.words.base import SCALE, Bags
from everygrain.errors import QueryError
from everygrain.rank.late import Scores

_BLOCK = 2**16  # words whose vectors are made float32 at once

Numbers = npt.NDArray[np.int64]


def retrieve_words(query: Bags, documents: Bags, k: int) -> tuple[Scores, Scores]:
    """Find the words of all documents that are nearest to each word of a query.

    Returns products (|q|, m) in units of 1 / SCALE**2, -inf where a word was not retrieved, and the
    lowest retrieved product of each query word (|q|,). Raises QueryError unless k >= 1.
    """
    if k < 1:
        raise QueryError(f"k = {k} retrieves no words.", "Retrieve 1 or more for each query word.")
    count = len(documents.words)
    products = np.empty((len(query.words), count), dtype=np.float32)
    asked = query.vectors.astype(np.float32)
    for start in range(0, count, _BLOCK):
        block = documents.vectors[start : start + _BLOCK].astype(np.float32)
        np.matmul(asked, block.T, out=products[:, start : start + _BLOCK])
    if not count:
        return products, np.zeros(len(query.words), dtype=np.float32)
    kth = max(count - k, 0)
    lowest = np.partition(products, kth, axis=1)[:, kth]
    products[products < lowest[:, None]] = -np.inf
    return products, lowest


def imputed(query: Bags, documents: Bags, k: int) -> tuple[Numbers, Scores]:
    """Score documents from the k words retrieved for each word of one query's bag.

    Returns the numbers, ascending, of the documents of which a word was retrieved, and their
    scores s(q, d); nothing for an empty query. Raises QueryError unless k >= 1.
    """
    products, lowest = retrieve_words(query, documents, k)
    held = np.flatnonzero(np.diff(documents.offsets))
    if not len(held) or not len(query.words):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    best = np.maximum.reduceat(products, documents.offsets[held], axis=1)
    found = np.isfinite(best).any(axis=0)
    known = best[:, found]
    known = np.where(np.isfinite(known), known, lowest[:, None])
    total = known.sum(axis=0, dtype=np.float64)
    scores = np.asarray(total / (len(query.words) * SCALE**2), dtype=np.float32)
    return held[found].astype(np.int64), scores
