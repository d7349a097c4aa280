"""Product quantisation: each part of a vector becomes the number of its nearest centroid.

Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search". `Product` with
several `stages` quantises what the stages before it left over (residual quantisation); with one
part it is the residual quantisation of Chen, Guan and Wang, "Approximate Nearest Neighbor Search
by Residual Vector Quantization".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from everygrain.errors import StoredIndexError
from everygrain.index.compress.base import (
    Codes,
    Fitted,
    Vectors,
    check_size,
    checked,
    checked_for_fit,
    stored,
    times,
)  # fmt: skip
from everygrain.index.files import Arrays

CENTROIDS = 256
_ROUNDS = 10
_SAMPLE = 8192


@dataclass(frozen=True)
class Product:
    """A vector is cut into `parts` runs of dimensions; each gets `stages` numbers of one byte.

    part p of x is about sum over stages s of c(s, p, code(s, p)), 256 centroids c each
    """

    parts: int
    stages: int = 1

    def __post_init__(self) -> None:
        check_size("parts", self.parts)
        check_size("stages", self.stages)

    def __repr__(self) -> str:
        return f"product({self.parts}{f', {self.stages}' if self.stages > 1 else ''})"

    def fit(self, vectors: Vectors) -> FittedProduct:
        """Learn the centroids by k-means from at most 8,192 of the vectors, drawn by lot."""
        rows = checked_for_fit(vectors)
        check_size("parts", self.parts, rows.shape[1])
        generator = np.random.default_rng(0)
        if len(rows) > _SAMPLE:
            rows = rows[np.sort(generator.choice(len(rows), _SAMPLE, replace=False))]
        bounds = _bounds(rows.shape[1], self.parts)
        count = min(CENTROIDS, len(rows))
        centroids = np.zeros((self.stages, count, rows.shape[1]), dtype=np.float32)
        left = rows.copy()
        for stage in centroids:
            for start, end in pairwise(bounds):
                part = np.ascontiguousarray(left[:, start:end])
                stage[:, start:end] = k_means(part, count, generator)
                left[:, start:end] -= stage[nearest_centroid(part, stage[:, start:end]), start:end]
        return FittedProduct(self, centroids)

    def restore(self, arrays: Arrays) -> FittedProduct:
        kept = stored(arrays, centroids=("f", 3))
        stages, count, dimensions = kept["centroids"].shape
        if stages != self.stages or not 0 < count <= CENTROIDS or dimensions < self.parts:
            raise StoredIndexError(
                f"Centroids of shape {kept['centroids'].shape} are not those of {self!r}.",
                "Fit the compressor again.",
            )
        return FittedProduct(self, **kept)


@dataclass(frozen=True, eq=False, repr=False)
class FittedProduct(Fitted):
    """centroids   (stages, 256 or as many vectors as there were, d) float32"""

    method: Product
    centroids: Vectors

    @property
    def dimensions(self) -> int:
        return int(self.centroids.shape[2])

    @property
    def bytes_per_vector(self) -> int:
        return self.method.parts * self.method.stages

    def encode(self, vectors: Vectors) -> Codes:
        """Return (n, stages * parts) uint8, the first stage's parts first."""
        left = checked(vectors, self.dimensions).copy()
        codes = np.empty((len(left), self.bytes_per_vector), dtype=np.uint8)
        for column, stage, start, end in self._columns():
            part = np.ascontiguousarray(left[:, start:end])
            numbers = nearest_centroid(part, stage[:, start:end])
            codes[:, column] = numbers
            left[:, start:end] -= stage[numbers, start:end]
        return codes

    def decode(self, codes: Codes) -> Vectors:
        decoded = np.zeros((len(codes), self.dimensions), dtype=np.float32)
        for column, stage, start, end in self._columns():
            decoded[:, start:end] += stage[codes[:, column], start:end]
        return decoded

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        """Look up each part's product with each centroid: sums of `bytes_per_vector` numbers."""
        if len(queries) > self.dimensions:  # then decoding once is less work
            return super().score(queries, codes)
        scores = np.zeros((len(queries), len(codes)), dtype=np.float32)
        columns = np.ascontiguousarray(codes.T)
        for column, stage, start, end in self._columns():
            products = queries[:, start:end] @ stage[:, start:end].T
            scores += np.take(products, columns[column], axis=1)
        return scores

    def _columns(self) -> list[tuple[int, Vectors, int, int]]:
        bounds = _bounds(self.dimensions, self.method.parts)
        return [
            (number * self.method.parts + part, stage, bounds[part], bounds[part + 1])
            for number, stage in enumerate(self.centroids)
            for part in range(self.method.parts)
        ]


def _bounds(dimensions: int, parts: int) -> list[int]:
    return [int(bound) for bound in np.linspace(0, dimensions, parts + 1).round()]


def k_means(rows: Vectors, count: int, generator: np.random.Generator) -> Vectors:
    """Return (count, d) centroids of at least `count` rows after ten rounds of Lloyd's algorithm.

    It starts at rows drawn by lot. A centroid that is nearest to no row moves to the row that is
    farthest from its own; if there are fewer distinct rows than centroids, some are alike.
    """
    from scipy.sparse import csr_array

    ones = np.ones(len(rows), dtype=np.float32)
    centroids = rows[generator.choice(len(rows), count, replace=False)]
    for _ in range(_ROUNDS):
        numbers = nearest_centroid(rows, centroids)
        sizes = np.bincount(numbers, minlength=count)
        members = csr_array((ones, numbers, np.arange(len(rows) + 1)), shape=(len(rows), count))
        sums = members.T @ rows
        moved = (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)
        empty = np.flatnonzero(sizes == 0)
        if len(empty):
            lost = np.square(rows - centroids[numbers]).sum(axis=1)
            moved[empty] = rows[np.argsort(-lost, kind="stable")[: len(empty)]]
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def nearest_centroid(rows: Vectors, centroids: Vectors) -> npt.NDArray[np.int64]:
    """Return (n,) the centroid nearest to each row, the first of equals."""
    lengths = np.square(centroids).sum(axis=1) / 2
    products = times(rows, np.ascontiguousarray(centroids.T))
    return np.asarray(np.argmin(lengths - products, axis=1))
