"""Whole numbers of a few bits a dimension, each dimension with its own step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from everygrain.errors import InputError
from everygrain.index.compress.base import (
    Codes,
    Fitted,
    Vectors,
    checked,
    checked_for_fit,
    stored,
)  # fmt: skip
from everygrain.index.files import Arrays

_NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Int8:
    """x_j is kept as round(x_j / s_j), from -127 to 127, with s_j = max |x_j| / 127 when fitted.

    What lies beyond the largest value seen is clipped to it.
    """

    def __repr__(self) -> str:
        return "int8"

    def fit(self, vectors: Vectors) -> FittedInt8:
        return FittedInt8(self, steps(checked_for_fit(vectors), 127))

    def restore(self, arrays: Arrays) -> FittedInt8:
        return FittedInt8(self, **stored(arrays, scale=("f", 1)))


@dataclass(frozen=True, eq=False, repr=False)
class FittedInt8(Fitted):
    """scale   (d,) float32, the size of a step, above 0"""

    method: Int8
    scale: Vectors

    @property
    def dimensions(self) -> int:
        return len(self.scale)

    @property
    def bytes_per_vector(self) -> int:
        return self.dimensions

    def encode(self, vectors: Vectors) -> Codes:
        rows = checked(vectors, self.dimensions)
        return np.asarray(np.clip(np.rint(rows / self.scale), -127, 127).astype(np.int8))

    def decode(self, codes: Codes) -> Vectors:
        return np.asarray(codes.astype(np.float32) * self.scale)

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        """Multiply queries by the steps, not every vector."""
        return np.asarray((queries * self.scale) @ codes.astype(np.float32).T)


@dataclass(frozen=True)
class Int4:
    """As `int8`, with -7 to 7 and two dimensions to a byte.

    With so few steps a rare large value would cost all others: s_j is the one of 32 candidates
    that loses least in squares on the vectors it is fitted to.
    """

    def __repr__(self) -> str:
        return "int4"

    def fit(self, vectors: Vectors) -> FittedInt4:
        rows = checked_for_fit(vectors)
        if rows.shape[1] % 2:
            raise InputError(
                f"Vectors of {rows.shape[1]} dimensions cannot be packed in pairs.",
                "Use int8, or a low rank of an even number of dimensions first.",
            )
        widest = steps(rows, 7)
        best, least = widest, np.full(rows.shape[1], np.inf)
        for share in np.linspace(0.2, 1.0, 32, dtype=np.float32):
            scale = np.maximum(widest * share, np.float32(_NEGLIGIBLE))
            lost = np.square(np.clip(np.rint(rows / scale), -7, 7) * scale - rows).sum(axis=0)
            best, least = np.where(lost < least, scale, best), np.minimum(lost, least)
        return FittedInt4(self, best.astype(np.float32))

    def restore(self, arrays: Arrays) -> FittedInt4:
        return FittedInt4(self, **stored(arrays, scale=("f", 1)))


@dataclass(frozen=True, eq=False, repr=False)
class FittedInt4(Fitted):
    """scale   (d,) float32, the size of a step, above 0; d is even"""

    method: Int4
    scale: Vectors

    @property
    def dimensions(self) -> int:
        return len(self.scale)

    @property
    def bytes_per_vector(self) -> int:
        return self.dimensions // 2

    def encode(self, vectors: Vectors) -> Codes:
        rows = checked(vectors, self.dimensions)
        numbers = (np.clip(np.rint(rows / self.scale), -7, 7) + 8).astype(np.uint8)
        return np.asarray(numbers[:, 0::2] | (numbers[:, 1::2] << 4))

    def decode(self, codes: Codes) -> Vectors:
        numbers = np.empty((len(codes), self.dimensions), dtype=np.float32)
        numbers[:, 0::2] = codes & 15
        numbers[:, 1::2] = codes >> 4
        return np.asarray((numbers - 8) * self.scale)


def steps(rows: Vectors, most: int) -> Vectors:
    """Return (d,) the size of a step with which the largest value is `most` steps."""
    largest = np.abs(rows).max(axis=0)
    scale = np.where(largest > _NEGLIGIBLE, largest, 1.0).astype(np.float32)
    return np.asarray(scale / np.float32(most))
