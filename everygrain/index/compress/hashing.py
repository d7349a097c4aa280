"""Feature hashing: dimensions share places, with random signs, and nothing is learned.

Weinberger et al., "Feature Hashing for Large Scale Multitask Learning".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.index.compress.base import (
    Codes,
    Fitted,
    Vectors,
    check_size,
    checked,
    checked_for_fit,
    stored,
)  # fmt: skip
from everygrain.index.compress.scalar import steps
from everygrain.index.files import Arrays


@dataclass(frozen=True)
class Hashed:
    """z_i = sum of sign(j) x_j over the dimensions j whose hash is i, `width` bytes in all.

    Each place gets as many dimensions as any other, or one more. A dot product of hashed vectors
    is right on average over hashes. z's numbers are kept as in `Int8`.
    """

    width: int

    def __post_init__(self) -> None:
        check_size("width", self.width)

    def __repr__(self) -> str:
        return f"hashed({self.width})"

    def fit(self, vectors: Vectors) -> FittedHashed:
        rows = checked_for_fit(vectors)
        dimensions = rows.shape[1]
        check_size("width", self.width, dimensions)
        generator = np.random.default_rng(0)
        places = generator.permutation(np.arange(dimensions) % self.width)
        signs = np.where(generator.random(dimensions) < 0.5, -1, 1).astype(np.int8)
        sums = _hashed(rows, places, signs, self.width)
        return FittedHashed(self, places, signs, steps(sums, 127))

    def restore(self, arrays: Arrays) -> FittedHashed:
        kinds = {"places": ("i", 1), "signs": ("i", 1), "scale": ("f", 1)}
        return FittedHashed(self, **stored(arrays, **kinds))


@dataclass(frozen=True, eq=False, repr=False)
class FittedHashed(Fitted):
    """
    places   (d,) int64, each dimension's place, from 0
    signs    (d,) int8, 1 or -1
    scale    (width,) float32, the size of a step
    """

    method: Hashed
    places: npt.NDArray[np.int64]
    signs: npt.NDArray[np.int8]
    scale: Vectors

    @property
    def dimensions(self) -> int:
        return len(self.places)

    @property
    def bytes_per_vector(self) -> int:
        return len(self.scale)

    def encode(self, vectors: Vectors) -> Codes:
        rows = checked(vectors, self.dimensions)
        sums = _hashed(rows, self.places, self.signs, len(self.scale))
        return np.asarray(np.clip(np.rint(sums / self.scale), -127, 127).astype(np.int8))

    def decode(self, codes: Codes) -> Vectors:
        return np.asarray((codes.astype(np.float32) * self.scale)[:, self.places] * self.signs)

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        """Multiply in `width` dimensions: the hash of the query with that of the vector."""
        sums = _hashed(queries, self.places, self.signs, len(self.scale))
        return np.asarray((sums * self.scale) @ codes.astype(np.float32).T)


def _hashed(
    rows: Vectors, places: npt.NDArray[np.int64], signs: npt.NDArray[np.int8], width: int
) -> Vectors:
    sums = np.zeros((len(rows), width), dtype=np.float32)
    for dimension, (place, sign) in enumerate(zip(places, signs, strict=True)):
        sums[:, place] += sign * rows[:, dimension]
    return sums
