"""A text as a bag of whole words with a vector each: what late interaction compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Kind

SCALE = 127  # an int8 component times 1 / SCALE is the component of the vector


@dataclass(frozen=True, eq=False)
class Bags:
    """The unique whole words of n texts, m in all, each with one vector.

    words     (m,) uint32, a hash of each word's term; words that match exactly have equal ones
    vectors   (m, d) int8, in units of 1 / SCALE. Products of them summed are whole numbers below
              2**24, so float32 adds them without rounding, in any order, on any number of threads
    offsets   (n + 1,) int64: the words of text i are words[offsets[i] : offsets[i + 1]]
    """

    words: npt.NDArray[np.uint32]
    vectors: npt.NDArray[np.int8]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@runtime_checkable
class BagEncoder(Protocol):
    """Maps texts to bags of word vectors.

    fingerprint   changes whenever the same text could get another bag
    dimensions    length d of every vector

    The bag of a text depends on the text alone, to the last bit, not on its neighbours in a call.
    """

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def encode_bags(self, texts: Sequence[str], kind: Kind = "document") -> Bags:
        """Encode texts, in order. A text without words gets an empty bag.

        Words of a document that matter little are left out; those of a query all stay.
        Raises ModelError if the model's files are missing or damaged.
        """

    def save(self, folder: Path) -> None:
        """Write what `everygrain.encode.words.load` needs into an empty folder."""
