"""Which domain a text is of, from the text alone: the nearest centroid, or none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Vectors, unit
from everygrain.errors import InputError, ModelError

NO_DOMAIN = -1
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Centroids:
    """The middles of some domains in the space of one encoder.

    names    (domains,) distinct
    matrix   (domains, d) float32, rows of length 1
    floors   (domains,) float32: a text less similar than this to its nearest centroid is of no
             domain; -1 takes every text that has a vector
    """

    names: tuple[str, ...]
    matrix: Vectors
    floors: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.matrix) == len(self.floors) == len(set(self.names)):
            raise InputError(
                f"{len(self.names)} names of domains, {len(set(self.names))} of them distinct, for "
                f"{len(self.matrix)} centroids and {len(self.floors)} floors.",
                "Give every domain one name, one centroid and one floor.",
            )

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        vectors: Vectors,
        assigned: npt.NDArray[np.int64],
        outside: float = 0.01,
    ) -> Centroids:
        """Return the mean directions of domains.

        vectors    (n, d) rows of length 1 or 0
        assigned   (n,) place in names, or -1
        outside    share, in [0, 1), of a domain's own vectors that its floor leaves out; 0 takes
                   every text
        Raises InputError for a domain without a vector, and a share out of range.
        """
        if not 0 <= outside < 1:
            raise InputError(f"The share outside is {outside}.", "Use a number from 0 to below 1.")
        matrix = np.zeros((len(names), vectors.shape[1]), dtype=np.float32)
        floors = np.full(len(names), -1, dtype=np.float32)
        for domain, name in enumerate(names):
            own = vectors[assigned == domain]
            if not own.any():
                raise InputError(
                    f"The domain '{name}' has no text with a known word.",
                    "Leave it out, or give texts of it.",
                )
            matrix[domain] = unit(own.astype(np.float64).sum(axis=0, keepdims=True))[0]
            if outside:
                own = own[own.any(axis=1)]
                floors[domain] = np.quantile(_similarities(own, matrix[domain]), outside)
        return cls(tuple(names), matrix, floors)

    def nearest(self, vectors: Vectors) -> npt.NDArray[np.int64]:
        """Return the (n,) place of each vector's domain, -1 where it is of none.

        The first wins among equals. A zero vector is of none. What a vector gets depends on that
        vector alone, to the last bit.
        """
        if not self.names:
            return np.full(len(vectors), NO_DOMAIN, dtype=np.int64)
        similarities = np.stack([_similarities(vectors, c) for c in self.matrix], axis=1)
        best = similarities.argmax(axis=1)
        taken = similarities[np.arange(len(best)), best] >= self.floors[best]
        found: npt.NDArray[np.int64] = np.where(taken & vectors.any(axis=1), best, NO_DOMAIN)
        return found

    def place(self, name: str | None) -> int:
        """Return the place of a name; -1 for None. Raises InputError for an unknown name."""
        if name is None:
            return NO_DOMAIN
        if name not in self.names:
            raise InputError(
                f"There is no expert for the domain '{name}'.",
                f"Name one of {', '.join(self.names)}, or None for the part that all share.",
            )
        return self.names.index(name)

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"matrix": self.matrix, "floors": self.floors}, path)

    @classmethod
    def load(cls, path: Path, names: Sequence[str]) -> Centroids:
        """Read what `save` wrote. Raises ModelError if it is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
            return cls(tuple(names), arrays["matrix"], arrays["floors"])
        except (OSError, SafetensorError, KeyError, InputError) as error:
            raise ModelError(
                f"The centroids in {path} are missing or damaged ({error}).",
                "Train the experts again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error


def _similarities(vectors: Vectors, centroid: Vectors) -> npt.NDArray[np.float32]:
    """Return (n,) dot products, each summed in one order whatever the number of rows: a matrix
    product may round a row otherwise when it has other neighbours."""
    found = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        found[rows] = (np.ascontiguousarray(vectors[rows]) * centroid).sum(axis=1)
    return found
