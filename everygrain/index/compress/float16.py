"""Half precision: two bytes a dimension, nothing to learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.index.compress.base import (
    Codes,
    Fitted,
    Vectors,
    checked,
    checked_for_fit,
    stored,
)  # fmt: skip
from everygrain.index.files import Arrays

_MOST = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Float16:
    """x is kept as the nearest number of 11 significant bits, at most 65,504 in size."""

    def __repr__(self) -> str:
        return "float16"

    def fit(self, vectors: Vectors) -> FittedFloat16:
        return FittedFloat16(self, np.array([checked_for_fit(vectors).shape[1]]))

    def restore(self, arrays: Arrays) -> FittedFloat16:
        return FittedFloat16(self, **stored(arrays, length=("i", 1)))


@dataclass(frozen=True, eq=False, repr=False)
class FittedFloat16(Fitted):
    """length   (1,) number of dimensions"""

    method: Float16
    length: npt.NDArray[np.int64]

    @property
    def dimensions(self) -> int:
        return int(self.length[0])

    @property
    def bytes_per_vector(self) -> int:
        return 2 * self.dimensions

    def encode(self, vectors: Vectors) -> Codes:
        rows = checked(vectors, self.dimensions)
        return np.clip(rows, -_MOST, _MOST).astype(np.float16)

    def decode(self, codes: Codes) -> Vectors:
        return codes.astype(np.float32)
