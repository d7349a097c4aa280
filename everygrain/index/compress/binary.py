"""Binary codes: one bit says on which side of a plane a vector lies.

Two codes are compared by counting the bits in which they differ, eight bytes at a time; the share
of differing bits grows with the angle between the vectors (Charikar, "Similarity Estimation
Techniques from Rounding Algorithms"). A query that stays in float32 can be scored with the
vectors that codes stand for, which loses less and takes longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
from everygrain.index.compress.low_rank import principal
from everygrain.index.files import Arrays

_TURNS = 30
_AT_ONCE = 8192


@dataclass(frozen=True)
class Binary:
    """Bit i of x is whether f_i'(x - m) > 0: m the mean, f_i columns of length 1.

    bits     a multiple of 8
    turned   False: the columns are random rotations beside each other, the first cut to the
             directions of largest spread where there are fewer bits than dimensions.
             True: that rotation is turned until bits lose least (`iterative_quantisation`); then
             there are no more bits than dimensions

    The code b of 1 and -1 stands for m + c F b, with the c that is best in squares.
    """

    bits: int
    turned: bool = False

    def __post_init__(self) -> None:
        check_size("bits", self.bits)
        if self.bits % 8:
            raise InputError(f"{self.bits} bits do not fill bytes.", "Use a multiple of 8.")

    def __repr__(self) -> str:
        return f"binary({self.bits}{', turned' if self.turned else ''})"

    def fit(self, vectors: Vectors) -> FittedBinary:
        rows = checked_for_fit(vectors)
        dimensions = rows.shape[1]
        if self.turned:
            check_size("bits", self.bits, dimensions)
        mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        centred = rows - mean
        columns = _rotations(dimensions if self.bits > dimensions else self.bits, self.bits)
        if self.bits <= dimensions:
            directions = principal(centred)[:, : self.bits]
            if self.turned:
                columns = iterative_quantisation(centred @ directions, columns)
            columns = directions @ columns
        columns = np.ascontiguousarray(columns, dtype=np.float32)
        decoded = np.where(centred @ columns > 0, np.float32(1), np.float32(-1)) @ columns.T
        scale = (centred * decoded).sum() / max(float(np.square(decoded).sum()), 1e-12)
        return FittedBinary(self, columns, mean, np.array([scale], dtype=np.float32))

    def restore(self, arrays: Arrays) -> FittedBinary:
        kinds = {"columns": ("f", 2), "mean": ("f", 1), "scale": ("f", 1)}
        return FittedBinary(self, **stored(arrays, **kinds))


@dataclass(frozen=True, eq=False, repr=False)
class FittedBinary(Fitted):
    """
    columns   (d, bits) float32
    mean      (d,) float32
    scale     (1,) float32
    """

    method: Binary
    columns: Vectors
    mean: Vectors
    scale: Vectors

    @property
    def dimensions(self) -> int:
        return len(self.columns)

    @property
    def bytes_per_vector(self) -> int:
        return int(self.columns.shape[1]) // 8

    def encode(self, vectors: Vectors) -> Codes:
        """Return (n, bits / 8) uint8, the first bit the highest of the first byte."""
        rows = checked(vectors, self.dimensions)
        codes = np.empty((len(rows), self.bytes_per_vector), dtype=np.uint8)
        for start in range(0, len(rows), _AT_ONCE):  # the planes' products take far more room
            centred = rows[start : start + _AT_ONCE] - self.mean
            above = times(centred, self.columns) > 0
            codes[start : start + _AT_ONCE] = np.packbits(above, axis=1)
        return codes

    def encode_query(self, query: Vectors) -> npt.NDArray[np.uint8]:
        """Return (bits / 8,) the code of one vector; a bit may differ from what `encode` gives
        where the vector lies in the plane to within rounding."""
        return np.packbits((query - self.mean) @ self.columns > 0)

    def decode(self, codes: Codes) -> Vectors:
        decoded: Vectors = self.mean + self.scale[0] * (_signs(codes) @ self.columns.T)
        return decoded

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        """Multiply with signs: q'm + c (F'q)'b."""
        turned = queries @ self.columns * self.scale[0]
        scores = np.empty((len(queries), len(codes)), dtype=np.float32)
        for start in range(0, len(codes), _AT_ONCE):
            signs = _signs(codes[start : start + _AT_ONCE])
            scores[:, start : start + len(signs)] = turned @ signs.T
        return scores + (queries @ self.mean)[:, None]


def hamming(queries: Codes, codes: Codes) -> npt.NDArray[np.int64]:
    """Return (queries, n) the number of bits in which packed codes differ."""
    return np.stack(
        [np.bitwise_count(codes ^ query).sum(axis=1, dtype=np.int64) for query in queries]
    )


def iterative_quantisation(rows: Vectors, rotation: Vectors) -> Vectors:
    """Turn a rotation R until |sign(XR) - XR|^2 is small, thirty steps: signs, then Procrustes.

    Gong and Lazebnik, "Iterative Quantization: A Procrustean Approach to Learning Binary Codes".
    rows   (n, d) float32, centred
    """
    for _ in range(_TURNS):
        signs = np.where(rows @ rotation > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(rows.T.astype(np.float64) @ signs)
        rotation = (left @ right).astype(np.float32)
    return rotation


def _rotations(dimensions: int, bits: int) -> Vectors:
    """Return (dimensions, bits) columns of length 1: orthogonal matrices beside each other."""
    generator = np.random.default_rng(0)
    count = -(-bits // dimensions)
    parts = [
        np.linalg.qr(generator.standard_normal((dimensions, dimensions)))[0] for _ in range(count)
    ]
    return np.concatenate(parts, axis=1)[:, :bits].astype(np.float32)


def _signs(codes: Codes) -> Vectors:
    signs = np.unpackbits(codes, axis=1).astype(np.float32)
    signs *= 2
    signs -= 1
    return signs
