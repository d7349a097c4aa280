"""Search in two stages: binary codes find candidates, their exact vectors order them.

The first stage reads a few bytes of every vector, the second the whole vectors of some hundreds,
which may lie in a mapped file. Scores are those of exact search, to the bit; only documents may
be missing, and `recall` tells how many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.index.compress.base import Codes, Vectors, check_size
from everygrain.index.compress.binary import FittedBinary

_AT_ONCE = 16_384  # columns whose words and counts stay in a processor's cache


@dataclass(frozen=True, eq=False)
class TwoStage:
    """Exact scores for the candidates that binary codes give.

    compressor   makes the codes
    words        (words, n) uint64: the codes, column by column, the last word filled with zeros
    vectors      (n, d) float32, what was encoded
    depth        candidates of each query, at least; more where distances tie
    """

    compressor: FittedBinary
    words: npt.NDArray[np.uint64]
    vectors: Vectors
    depth: int = 200

    @classmethod
    def build(
        cls, compressor: FittedBinary, codes: Codes, vectors: Vectors, depth: int = 200
    ) -> TwoStage:
        """Lay codes out for scanning."""
        check_size("depth", depth)
        return cls(compressor, columns_of(codes), vectors, depth)

    def search(self, query: Vectors, k: int) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Return the rows of the best k candidates of one query (d,), and their scores.

        Best first, equal scores in the order of rows. Neither depends on how rows are ordered
        but for that.
        """
        check_size("k", k)
        rows = self.candidates(query, k)
        # each product is summed along its row, in float64 and one order, as exact search does
        products = np.multiply(self.vectors[rows], query.astype(np.float64), dtype=np.float64)
        scores = products.sum(axis=1).astype(np.float32)
        best = np.argsort(-scores, kind="stable")[:k]
        return rows[best], scores[best]

    def candidates(self, query: Vectors, k: int) -> npt.NDArray[np.int64]:
        """Return the rows, ascending, that a query's code is nearest to: `depth`, at least k."""
        code = columns_of(self.compressor.encode_query(query)[None])[:, 0]
        return nearest(distances(code, self.words), max(self.depth, k))

    def recall(self, queries: Vectors, k: int = 10) -> float:
        """Return the mean share of the exact best k that is found."""
        shares = []
        for query in queries:
            exact = np.argsort(-(self.vectors @ query), kind="stable")[:k]
            shares.append(np.isin(exact, self.search(query, k)[0]).mean())
        return float(np.mean(shares)) if shares else 1.0


def columns_of(codes: Codes) -> npt.NDArray[np.uint64]:
    """Return (words, n) uint64 of packed codes (n, bytes) uint8."""
    missing = -codes.shape[1] % 8
    padded = np.pad(codes, ((0, 0), (0, missing))) if missing else codes
    return np.ascontiguousarray(np.ascontiguousarray(padded).view(np.uint64).T)


def distances(
    code: npt.NDArray[np.uint64], words: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint16]:
    """Return (n,) the number of bits in which one code (words,) and each of (words, n) differ."""
    count = words.shape[1]
    found = np.zeros(count, dtype=np.uint16)
    differing = np.empty(min(_AT_ONCE, count), dtype=np.uint64)
    bits = np.empty(len(differing), dtype=np.uint8)
    for start in range(0, count, _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        for word, column in zip(code, words, strict=True):
            np.bitwise_xor(column[start : start + len(some)], word, out=differing[: len(some)])
            np.bitwise_count(differing[: len(some)], out=bits[: len(some)])
            np.add(some, bits[: len(some)], out=some)
    return found


def nearest(found: npt.NDArray[np.uint16], depth: int) -> npt.NDArray[np.int64]:
    """Return the rows, ascending, of all distances that are not above the `depth`-th smallest.

    The `depth`-th smallest of the minima of groups is at least the one looked for, so one pass
    with it leaves few.
    """
    count = len(found)
    if depth >= count:
        return np.arange(count)
    near = np.arange(0)
    groups = max(256, 8 * depth)
    if count > 4 * groups:
        whole = count // groups * groups
        least = found[:whole].reshape(-1, groups).min(axis=0)
        near = np.flatnonzero(found <= np.partition(least, depth - 1)[depth - 1])
    else:
        near = np.arange(count)
    kept = found[near]
    rows: npt.NDArray[np.int64] = near[kept <= np.partition(kept, depth - 1)[depth - 1]]
    return rows
