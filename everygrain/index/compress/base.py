"""What compresses vectors: fitted on some, it turns any into codes, and scores codes.

A method is a value that prints as it is written, such as `product(48)`; fitted, it is a
compressor, whose learned arrays can be stored and restored without code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError, StoredIndexError
from everygrain.index.files import Arrays

Codes: TypeAlias = npt.NDArray[Any]  # one row for each vector
Vectors: TypeAlias = npt.NDArray[np.float32]

BLOCK = 256  # rows of one matrix product
_DECODED_AT_ONCE = 8192


@runtime_checkable
class Compressor(Protocol):
    """A fitted method.

    dimensions         length of the vectors that it takes
    bytes_per_vector   size of one row of codes
    arrays             what it learned: name -> array
    """

    @property
    def dimensions(self) -> int: ...

    @property
    def bytes_per_vector(self) -> int: ...

    @property
    def arrays(self) -> Arrays: ...

    def encode(self, vectors: Vectors) -> Codes:
        """Return one row of codes per vector, which depends on that vector alone, to the bit.

        Raises InputError for vectors of another length, and for NaN and infinity.
        """

    def decode(self, codes: Codes) -> Vectors:
        """Return (n, dimensions) float32, the vectors that the codes stand for.

        A zero vector's code stands for what is nearest to zero among those that there are.
        """

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        """Return float32 (queries, n): dot products of queries and decoded vectors."""


@runtime_checkable
class Method(Protocol):
    """A way to compress and its settings; prints as it is written."""

    def fit(self, vectors: Vectors) -> Compressor:
        """Learn from vectors, at least one. Raises InputError for those that cannot be used."""

    def restore(self, arrays: Arrays) -> Compressor:
        """Return the compressor that has these arrays. Raises StoredIndexError if one is amiss."""


class Fitted:
    """What the compressors share: a frozen dataclass of a method and its arrays.

    They give `encode`, `decode` and `dimensions`; `score` decodes, a block at a time, unless they
    know something faster.
    """

    method: Any
    decode: Callable[[Codes], Vectors]

    def __repr__(self) -> str:
        return repr(self.method)

    @property
    def arrays(self) -> Arrays:
        names = (field.name for field in fields(self) if field.name != "method")  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names}

    def score(self, queries: Vectors, codes: Codes) -> Vectors:
        scores = np.empty((len(queries), len(codes)), dtype=np.float32)
        for start in range(0, len(codes), _DECODED_AT_ONCE):
            end = start + _DECODED_AT_ONCE
            scores[:, start:end] = queries @ self.decode(codes[start:end]).T
        return scores


def checked(vectors: npt.ArrayLike, dimensions: int | None = None) -> Vectors:
    """Return vectors as float32 rows.

    Raises InputError for what is no table of numbers, NaN and infinity, and another length.
    """
    rows = np.asarray(vectors)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu":
        raise InputError(
            f"An array of shape {rows.shape} and type {rows.dtype} is no list of vectors.",
            "Give (vectors, dimensions) numbers.",
        )
    if dimensions is not None and rows.shape[1] != dimensions:
        raise InputError(
            f"Vectors of {rows.shape[1]} dimensions were given to what was fitted to {dimensions}.",
            "Encode them with the encoder whose vectors it was fitted to.",
        )
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise InputError(
            f"Vector {bad[0]} holds NaN or infinity ({len(bad)} of {len(rows)} do).",
            "Mend the encoder that made it; a text without content gets a vector of zeros.",
        )
    return rows


def checked_for_fit(vectors: npt.ArrayLike) -> Vectors:
    """Return vectors to learn from. Raises InputError where there are none, or as `checked`."""
    rows = checked(vectors)
    if not rows.size:
        raise InputError("There is no vector to learn from.", "Fit to one vector or more.")
    return rows


def check_size(name: str, value: int, most: int | None = None) -> None:
    """Raise InputError unless a setting is a whole number from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} = {value!r} makes no sense.", f"Use {name} of 1 or more.")
    if most is not None and value > most:
        raise InputError(f"{name} = {value} is too many.", f"Use {name} of {most} at most.")


def times(vectors: Vectors, matrix: Vectors) -> Vectors:
    """Return `vectors @ matrix`, each row the same to the last bit whatever rows are beside it.

    A library picks its way of multiplying by the shapes, and rounds otherwise for another number
    of rows; so all products have one shape, the last of them filled up with zeros.
    """
    product = np.empty((len(vectors), matrix.shape[1]), dtype=np.float32)
    whole = len(vectors) // BLOCK * BLOCK
    for start in range(0, whole, BLOCK):
        np.matmul(vectors[start : start + BLOCK], matrix, out=product[start : start + BLOCK])
    if whole < len(vectors):
        padded = np.zeros((BLOCK, vectors.shape[1]), dtype=np.float32)
        padded[: len(vectors) - whole] = vectors[whole:]
        product[whole:] = (padded @ matrix)[: len(vectors) - whole]
    return product


def stored(arrays: Mapping[str, npt.NDArray[Any]], **kinds: tuple[str, int]) -> Arrays:
    """Return the named arrays of a stored compressor.

    kinds   name -> (kind of dtype, number of dimensions), such as ("f", 2)
    Raises StoredIndexError, naming it, for one that is missing, of another kind or not finite.
    """
    for name, (kind, dimensions) in kinds.items():
        array = arrays.get(name)
        if array is None or array.dtype.kind != kind or array.ndim != dimensions:
            problem = f"The compressor's array '{name}' is missing or of another kind."
        elif kind == "f" and not np.isfinite(array).all():
            problem = f"The compressor's array '{name}' holds NaN or infinity."
        else:
            continue
        raise StoredIndexError(problem, "Fit the compressor again.")
    return {name: np.asarray(arrays[name]) for name in kinds}
