"""Fewer dimensions: the directions in which the vectors spread most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from everygrain.errors import InputError
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
from everygrain.index.compress.scalar import steps
from everygrain.index.files import Arrays

KEPT = ("float16", "int8")


@dataclass(frozen=True)
class LowRank:
    """x is kept as z = V'x, V the `rank` first eigenvectors of the second moments X'X / n.

    The moments are not centred: what is lost of dot products is least, and zero stays zero.
    kept   how z's numbers are stored: "float16" or "int8" (see `Int8`)
    """

    rank: int
    kept: str = "float16"

    def __post_init__(self) -> None:
        check_size("rank", self.rank)
        if self.kept not in KEPT:
            raise InputError(
                f"Numbers cannot be kept as {self.kept!r}.", f"Use {' or '.join(KEPT)}."
            )

    def __repr__(self) -> str:
        return f"low_rank({self.rank}, {self.kept})"

    def fit(self, vectors: Vectors) -> FittedLowRank:
        rows = checked_for_fit(vectors)
        check_size("rank", self.rank, rows.shape[1])
        directions = principal(rows)[:, : self.rank]
        scale = np.ones(self.rank, dtype=np.float32)
        if self.kept == "int8":
            scale = steps(rows @ directions, 127)
        return FittedLowRank(self, directions, scale)

    def restore(self, arrays: Arrays) -> FittedLowRank:
        return FittedLowRank(self, **stored(arrays, directions=("f", 2), scale=("f", 1)))


@dataclass(frozen=True, eq=False, repr=False)
class FittedLowRank(Fitted):
    """
    directions   (d, rank) float32, orthonormal columns
    scale        (rank,) float32, the size of a step; ones for float16
    """

    method: LowRank
    directions: Vectors
    scale: Vectors

    @property
    def dimensions(self) -> int:
        return len(self.directions)

    @property
    def bytes_per_vector(self) -> int:
        return len(self.scale) * (2 if self.method.kept == "float16" else 1)

    def encode(self, vectors: Vectors) -> Codes:
        numbers = times(checked(vectors, self.dimensions), self.directions)
        if self.method.kept == "float16":
            return numbers.astype(np.float16)
        return np.asarray(np.clip(np.rint(numbers / self.scale), -127, 127).astype(np.int8))

    def decode(self, codes: Codes) -> Vectors:
        return np.asarray((codes.astype(np.float32) * self.scale) @ self.directions.T)

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        """Multiply in `rank` dimensions: q'Vz = (V'q)'z."""
        return np.asarray((queries @ self.directions * self.scale) @ codes.astype(np.float32).T)


def principal(rows: Vectors) -> Vectors:
    """Return (d, d) orthonormal columns, the direction of the largest second moment first."""
    wide = rows.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide / len(rows))
    return np.ascontiguousarray(directions[:, ::-1], dtype=np.float32)
