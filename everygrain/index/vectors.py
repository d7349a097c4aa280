"""The dense leg of a segment: one vector for each passage of each document.

Arrays of a segment with R passages in d dimensions:

vectors        (R, d) float32, rows of length 1 or zero
documents      (R,) int32, ascending: the document that a passage belongs to
starts, ends   (R,) int64, the passage's offsets in its document's text
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Words, split
from everygrain.document import Document
from everygrain.encode.base import Encoder, WordEncoder
from everygrain.index.files import Arrays
from everygrain.segment.base import Segmenter


def build(
    documents: Sequence[Document],
    titles: Words,
    texts: Words,
    encoder: Encoder,
    passages: Segmenter,
    budget: int,
) -> Arrays:
    """Encode the passages of documents, each led by its document's title.

    A text of at most `budget` words is one passage. An encoder that works on words gets those
    that the lexical leg has split already, so nothing is split twice.
    """
    short = texts.lengths() <= budget
    spans = [
        [(0, len(document.text))] if whole else passages.spans(document.text)
        for document, whole in zip(documents, short, strict=True)
    ]
    counts = np.array([max(len(each), 1) for each in spans], dtype=np.int64)
    rows = np.repeat(np.arange(len(documents), dtype=np.int32), counts)
    flat = [span for each in spans for span in (each or [(0, 0)])]
    starts = np.array([start for start, _ in flat], dtype=np.int64)
    ends = np.array([end for _, end in flat], dtype=np.int64)
    whole_rows = short[rows]
    vectors = np.zeros((len(rows), encoder.dimensions), dtype=np.float32)
    if isinstance(encoder, WordEncoder):
        vectors[whole_rows] = encoder.encode_words(_joined(titles, texts, np.flatnonzero(short)))
    else:
        vectors[whole_rows] = encoder.encode(
            [
                passage_text(d, 0, len(d.text))
                for d, whole in zip(documents, short, strict=True)
                if whole
            ]
        )
    if not whole_rows.all():
        cut = [
            passage_text(documents[int(rows[i])], int(starts[i]), int(ends[i]))
            for i in np.flatnonzero(~whole_rows)
        ]
        vectors[~whole_rows] = encoder.encode(cut)
    return {"vectors": vectors, "documents": rows, "starts": starts, "ends": ends}


def passage_text(document: Document, start: int, end: int) -> str:
    """Return what is encoded for a passage: its document's title, then its text."""
    return f"{document.title} {document.text[start:end]}".strip()


def merge(parts: Sequence[tuple[Arrays, npt.NDArray[np.bool_]]]) -> Arrays:
    """Merge segments' vectors into one, keeping the documents that are live."""
    merged: dict[str, list[npt.NDArray[np.generic]]] = {}
    base = 0
    for arrays, live in parts:
        renumbered = (np.cumsum(live) - 1 + base).astype(np.int32)
        keep = live[arrays["documents"]]
        for name in ("vectors", "starts", "ends"):
            merged.setdefault(name, []).append(arrays[name][keep])
        merged.setdefault("documents", []).append(renumbered[arrays["documents"][keep]])
        base += int(live.sum())
    return {name: np.concatenate(pieces) for name, pieces in merged.items()}


class Fields(NamedTuple):
    """The words of some documents' titles and texts, over one vocabulary."""

    titles: Words
    texts: Words

    def take(self, documents: npt.NDArray[np.int64]) -> Fields:
        """Return those of some documents, as `split_fields` gives them for these alone."""
        both = np.concatenate([documents, documents + len(self.titles)])
        return _halves(_stacked(self.titles, self.texts).take(both).compact())


def split_fields(documents: Sequence[Document]) -> Fields:
    """Split titles and texts into words over one vocabulary."""
    return _halves(split([d.title for d in documents] + [d.text for d in documents]))


def _halves(words: Words) -> Fields:
    count = len(words) // 2
    middle = words.offsets[count]
    return Fields(
        Words(words.vocabulary, words.ids[:middle], words.offsets[: count + 1]),
        Words(words.vocabulary, words.ids[middle:], words.offsets[count:] - middle),
    )


def _stacked(titles: Words, texts: Words) -> Words:
    return Words(
        titles.vocabulary,
        np.concatenate([titles.ids, texts.ids]),
        np.concatenate([titles.offsets, texts.offsets[1:] + titles.offsets[-1]]),
    )


def joined_words(titles: Words, texts: Words) -> Words:
    """Return each document's words: its title's, then its text's."""
    return _joined(titles, texts, np.arange(len(titles)))


def _joined(titles: Words, texts: Words, chosen: npt.NDArray[np.int64]) -> Words:
    order = np.stack([chosen, chosen + len(titles)], axis=1).ravel()
    taken = _stacked(titles, texts).take(order)
    return Words(taken.vocabulary, taken.ids, taken.offsets[::2])
