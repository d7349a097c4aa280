"""The space in which topics are told apart: vectors without what all papers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError

Vectors: TypeAlias = npt.NDArray[np.float32]
MOST_DIRECTIONS = 128
PAPERS_A_DIRECTION = 8  # with fewer papers a direction is chance
_AT_ONCE = 8192  # rows, so that no second copy of a collection is made
_SMALL = 1e-6  # of the largest variance: below it a direction is rounding


@dataclass(frozen=True, eq=False)
class Space:
    """Where papers differ more than they agree, and how odd a paper is there.

        y = (x - mean) directions,   z = y / sqrt(spreads / spreads[0]),   map(x) = z / |z|

        oddness(x) = sqrt( (sum_i (y_i / spreads_i)^2 + |rest of x - mean|^2 / rest) / d )

    Vectors of papers share most of their length (means of word vectors: a cosine of .96 between
    any two), and the few widest of the principal directions would decide alone. Oddness is
    Mahalanobis' distance with one variance for all directions that are left out: about 1 for a
    paper of the collection.

    mean        (d,) float32
    directions  (d, e) float32, orthonormal columns, the widest first
    spreads     (e,) float32, above 0: standard deviations along them
    rest        mean variance along the other directions, above 0
    """

    mean: Vectors
    directions: Vectors
    spreads: Vectors
    rest: float

    @classmethod
    def fit(cls, vectors: Vectors) -> Space:
        """Learn from vectors (n, d); rows of zeros take no part.

        e is at most 128, and at most an eighth of the vectors, but at least 2 where there are 2.
        """
        size, width = 0, vectors.shape[1]
        total, products = np.zeros(width), np.zeros((width, width))
        for rows in parts(vectors):
            known = rows[np.any(rows != 0, axis=1)].astype(np.float64)
            size += len(known)
            total += known.sum(axis=0)
            products += known.T @ known
        mean = total / max(1, size)
        values, found = np.linalg.eigh(products / max(1, size) - np.outer(mean, mean))
        values, found = np.maximum(values[::-1], 0), found[:, ::-1]
        least = max(_SMALL * values[0], 1e-14)
        wide = int((values > least).sum())
        kept = max(1, min(wide, MOST_DIRECTIONS, max(2, size // PAPERS_A_DIRECTION)))
        directions = found[:, :kept]
        largest = directions[np.abs(directions).argmax(axis=0), range(kept)]
        rest = float(values[kept:].mean()) if kept < width else 1.0  # nothing is left to divide
        return cls(
            mean.astype(np.float32),
            np.asarray(directions * np.where(largest < 0, -1, 1), dtype=np.float32),
            np.sqrt(np.maximum(values[:kept], least)).astype(np.float32),
            max(rest, least),
        )

    @property
    def dimensions(self) -> int:
        """Length of the vectors that go in."""
        return len(self.mean)

    def map(self, vectors: Vectors) -> Vectors:
        """Return (n, e) float32 rows of length 1; a row of zeros stays one."""
        scaled = self.directions / np.sqrt(self.spreads / self.spreads[0])
        mapped = np.zeros((len(vectors), len(self.spreads)), dtype=np.float32)
        for start, rows in zip(range(0, len(vectors), _AT_ONCE), parts(vectors), strict=True):
            known = np.any(rows != 0, axis=1)
            mapped[start : start + len(rows)] = unit(((rows - self.mean) @ scaled) * known[:, None])
        return mapped

    def oddness(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """Return (n,) how far each vector is from what the fit met; infinite for zeros."""
        odd = np.zeros(len(vectors))
        for start, rows in zip(range(0, len(vectors), _AT_ONCE), parts(vectors), strict=True):
            away = (rows - self.mean).astype(np.float64)
            along = away @ self.directions
            left = np.maximum(0, np.square(away).sum(axis=1) - np.square(along).sum(axis=1))
            squares = np.square(along / self.spreads).sum(axis=1) + left / self.rest
            known = np.any(rows != 0, axis=1)
            odd[start : start + len(rows)] = np.where(
                known, np.sqrt(squares / self.dimensions), np.inf
            )
        return odd


def unit(rows: Vectors) -> Vectors:
    """Return rows at length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def checked(vectors: npt.ArrayLike, count: int | None = None, width: int | None = None) -> Vectors:
    """Return vectors as float32 (n, d).

    Raises InputError for another shape, another number of rows than `count` or of columns than
    `width`, and for values that are not finite.
    """
    try:
        rows = np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError):
        raise InputError("The vectors are no numbers.", "Give an array of float32.") from None
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(
            f"The vectors have the shape {rows.shape}.", "Give one row for each paper."
        )
    if count is not None and len(rows) != count:
        raise InputError(
            f"There are {count} papers and {len(rows)} vectors.", "Give one row for each paper."
        )
    if width is not None and rows.shape[1] != width:
        raise InputError(
            f"The vectors have {rows.shape[1]} dimensions, those of fitting had {width}.",
            "Give vectors of the same encoder, or fit again.",
        )
    if not all(np.isfinite(part).all() for part in parts(rows)):
        raise InputError("A vector holds values that are not finite.", "Encode the papers again.")
    return rows


def parts(rows: Vectors) -> list[Vectors]:
    """Return views of the rows, some thousands at a time."""
    return [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
