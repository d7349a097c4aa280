"""The words of a segment: for each document one bag of whole words, with a vector each.

Arrays of a segment with n documents and m words in d dimensions:

words      (m,) uint32, hashes of the words' terms
vectors    (m, d) int8, in units of 1 / SCALE
offsets    (n + 1,) int64: document i has the words offsets[i] to offsets[i + 1]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.encode.words.base import BagEncoder, Bags
from everygrain.errors import ModelError
from everygrain.index.files import Arrays
from everygrain.index.vectors import passage_text

NAMES = frozenset({"words", "vectors", "offsets"})
_AT_ONCE = 1_000  # documents; their texts and bags are in memory twice while they are joined


def build(documents: Sequence[Document], encoder: BagEncoder) -> Arrays:
    """Encode documents whole: a bag covers the title and all of the text.

    Raises ModelError for an encoder that does not keep its contract.
    """
    parts = []
    for start in range(0, len(documents), _AT_ONCE):
        block = documents[start : start + _AT_ONCE]
        arrays = as_arrays(encoder.encode_bags([passage_text(d, 0, len(d.text)) for d in block]))
        width = arrays["vectors"].shape[-1]
        if not is_sound(arrays, len(block)) or width != encoder.dimensions:
            raise ModelError(
                f"The word encoder {encoder.fingerprint} gave bags that do not fit "
                f"{len(block)} texts in {encoder.dimensions} dimensions.",
                "Mend it, or use another one.",
            )
        parts.append((arrays, np.ones(len(block), dtype=bool)))
    return merge(parts)


def as_arrays(bags: Bags) -> Arrays:
    """Return bags as what a file holds."""
    return {"words": bags.words, "vectors": bags.vectors, "offsets": bags.offsets}


def is_sound(arrays: Arrays, documents: int) -> bool:
    """Tell whether arrays hold one bag for each of so many documents.

    Offsets that are wrong could ask for any amount of memory.
    """
    words, vectors, offsets = arrays["words"], arrays["vectors"], arrays["offsets"]
    return (
        words.dtype == np.uint32
        and vectors.dtype == np.int8
        and offsets.dtype == np.int64
        and (words.ndim, vectors.ndim, offsets.ndim) == (1, 2, 1)
        and len(offsets) == documents + 1
        and len(words) == len(vectors) == offsets[-1]
        and offsets[0] == 0
        and bool((offsets[1:] >= offsets[:-1]).all())
    )


def merge(parts: Sequence[tuple[Arrays, npt.NDArray[np.bool_]]]) -> Arrays:
    """Merge segments' words into one, keeping the documents that are live."""
    words, vectors, counts = [], [], []
    for arrays, live in parts:
        sizes = np.diff(arrays["offsets"])
        keep = slice(None) if live.all() else np.repeat(live, sizes)
        words.append(arrays["words"][keep])
        vectors.append(arrays["vectors"][keep])
        counts.append(sizes[live])
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    return {"words": np.concatenate(words), "vectors": np.concatenate(vectors), "offsets": offsets}


def taken(
    segments: Sequence[Arrays],
    bases: Sequence[int],
    numbers: npt.NDArray[np.int64],
) -> Bags:
    """Copy the bags of some documents out of mapped segments, in the order of their numbers.

    bases   the number of each segment's first document
    """
    if not len(numbers):
        width = segments[0]["vectors"].shape[1] if segments else 0
        return Bags(
            np.zeros(0, dtype=np.uint32),
            np.zeros((0, width), dtype=np.int8),
            np.zeros(1, dtype=np.int64),
        )
    owners = np.searchsorted(bases, numbers, side="right") - 1
    firsts = np.zeros(len(numbers), dtype=np.int64)
    counts = np.zeros(len(numbers), dtype=np.int64)
    present = np.unique(owners).tolist()
    for i in present:
        mine = owners == i
        places = numbers[mine] - bases[i]
        firsts[mine] = segments[i]["offsets"][places]
        counts[mine] = segments[i]["offsets"][places + 1] - firsts[mine]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = np.arange(offsets[-1]) + np.repeat(firsts - offsets[:-1], counts)
    width = segments[present[0]]["vectors"].shape[1] if present else 0
    words = np.empty(len(rows), dtype=np.uint32)
    vectors = np.empty((len(rows), width), dtype=np.int8)
    of_words = np.repeat(owners, counts)
    for i in present:
        at = np.flatnonzero(of_words == i)
        words[at] = segments[i]["words"][rows[at]]
        vectors[at] = segments[i]["vectors"][rows[at]]
    return Bags(words, vectors, offsets)
