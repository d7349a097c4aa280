"""What an encoder is: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Words

Kind = Literal["query", "document"]
Vectors: TypeAlias = npt.NDArray[np.float32]


@runtime_checkable
class Encoder(Protocol):
    """Maps texts to vectors whose dot product is a similarity.

    fingerprint   changes whenever the same text could get another vector
    dimensions    length of every vector

    The vector of a text depends on the text alone, to the last bit, not on its neighbours in a
    call: an index updated piece by piece then holds what a fresh one would.
    """

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        """Encode texts, in order.

        Returns float32 (len(texts), dimensions); each row has length 1, or is zero where the
        text holds nothing known.
        Raises ModelError if the model's files are missing or damaged.
        """

    def save(self, folder: Path) -> None:
        """Write what `everygrain.encode.registry.load` needs into an empty folder."""


@runtime_checkable
class WordEncoder(Encoder, Protocol):
    """An encoder that works on words, and can share a splitting done before."""

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        """Encode texts given as words: the same vectors as `encode` gives."""


@runtime_checkable
class FittedEncoder(WordEncoder, Protocol):
    """An encoder that learns from the collection, and is fixed between fits.

    fitted   the number of documents it was fitted on; 0 before the first fit
    """

    @property
    def fitted(self) -> int: ...

    def fit(self, words: Words) -> FittedEncoder:
        """Return a new encoder, with a new fingerprint, fitted to documents given as words."""


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Scale rows to length 1, in float32; zero rows stay zero, and NaN never leaves."""
    rows = np.nan_to_num(vectors.astype(np.float32), copy=False)
    # squares are summed along the row in one fixed order, whatever the number of rows
    lengths = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=1, keepdims=True))
    scaled: Vectors = np.divide(
        rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12, casting="same_kind"
    )
    return scaled
