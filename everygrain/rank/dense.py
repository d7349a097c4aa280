"""Exact search by vectors: a document's score is its best passage's dot product with the query.

A matrix product is fast, but its last bits depend on how the library blocks it. So it only finds
candidates, within a margin above its error bound; they are scored again in float64, each row
summed in one order, and the result does not depend on segments, batches or threads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import unit
from everygrain.index.snapshot import Snapshot


class Dense:
    """Scores the documents of one snapshot, all of whose segments hold vectors."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._vectors: list[npt.NDArray[np.float32]] = []
        self._firsts: list[npt.NDArray[np.int64]] = []
        self._single: list[bool] = []
        for segment in snapshot.segments:
            dense = segment.dense or {}
            counts = np.bincount(dense["documents"], minlength=len(segment))
            self._vectors.append(dense["vectors"])
            self._firsts.append(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
            self._single.append(len(dense["documents"]) == len(segment))

    def margin(self, dimensions: int) -> float:
        """Return twice the bound on the error of a float32 dot product of unit vectors."""
        return 4 * dimensions * 2.0**-24

    def approximate(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return (snapshot.size,) scores within half the margin; -inf for what is not live."""
        scores: npt.NDArray[np.float32] = self.approximate_many(query[None])[0]
        return scores

    def approximate_many(self, queries: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return (queries, snapshot.size) scores, as `approximate` does; one pass over vectors."""
        parts = []
        for vectors, firsts, single in zip(self._vectors, self._firsts, self._single, strict=True):
            scores = queries @ vectors.T
            parts.append(scores if single else np.maximum.reduceat(scores, firsts[:-1], axis=1))
        scores = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        if any(dead is not None for dead in self.snapshot.dead):
            scores[:, ~self.snapshot.live] = -np.inf
        return scores

    def exact(
        self, query: npt.NDArray[np.float32], numbers: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return (len(numbers),) float32 scores of given documents, in their order."""
        scores = np.zeros(len(numbers), dtype=np.float32)
        wide = query.astype(np.float64)
        bases = np.array([*self.snapshot.bases, self.snapshot.size])
        for i, (vectors, firsts) in enumerate(zip(self._vectors, self._firsts, strict=True)):
            mine = np.flatnonzero((numbers >= bases[i]) & (numbers < bases[i + 1]))
            places = numbers[mine] - bases[i]
            counts = firsts[places + 1] - firsts[places]
            if not len(mine):
                continue
            offsets = np.concatenate([[0], np.cumsum(counts)])
            rows = np.arange(offsets[-1]) + np.repeat(firsts[places] - offsets[:-1], counts)
            # a product and a sum along contiguous rows: one order, whatever rows there are
            products = np.multiply(vectors[rows], wide, dtype=np.float64)
            found = products.sum(axis=1).astype(np.float32)
            scores[mine] = np.maximum.reduceat(found, offsets[:-1])
        return scores

    def means(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return (len(numbers), d) float32: the mean of each document's passages, at length 1."""
        means = np.zeros((len(numbers), self._vectors[0].shape[1]), dtype=np.float64)
        bases = np.array([*self.snapshot.bases, self.snapshot.size])
        for i, (vectors, firsts) in enumerate(zip(self._vectors, self._firsts, strict=True)):
            mine = np.flatnonzero((numbers >= bases[i]) & (numbers < bases[i + 1]))
            for row, place in zip(mine, numbers[mine] - bases[i], strict=True):
                means[row] = vectors[firsts[place] : firsts[place + 1]].sum(axis=0, dtype=float)
        return unit(means)

    def live_passages(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return the vectors of live documents' passages, and the document of each."""
        vectors, owners = [], []
        for i, segment in enumerate(self.snapshot.segments):
            mine = (segment.dense or {})["documents"].astype(np.int64)
            keep = self.snapshot.live_in(i)[mine]
            vectors.append(self._vectors[i][keep])
            owners.append(mine[keep] + self.snapshot.bases[i])
        return np.concatenate(vectors), np.concatenate(owners)
