"""One generation of an index, whole: its segments, and which of their documents are live.

Documents are numbered 0, 1, ... over the segments in order; a number means nothing outside its
snapshot. Statistics are those of the live documents, exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from everygrain.encode.words.base import Bags
from everygrain.index.segment import Segment
from everygrain.index.words import taken


@dataclass(frozen=True)
class Postings:
    """Live documents that hold a term: numbers ascending, and counts by field."""

    documents: npt.NDArray[np.int32]
    title_counts: npt.NDArray[np.uint16]
    text_counts: npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a reader sees.

    generation   the commit it shows
    segments     their files, mapped
    dead         places of each segment that are no longer live; None where all are
    """

    generation: int
    segments: tuple[Segment, ...]
    dead: tuple[npt.NDArray[np.int64] | None, ...]

    @cached_property
    def bases(self) -> list[int]:
        """Return the number of each segment's first document."""
        bases, total = [], 0
        for segment in self.segments:
            bases.append(total)
            total += len(segment)
        return bases

    @cached_property
    def size(self) -> int:
        """Return how many numbers there are, of live documents and of others."""
        return sum(len(segment) for segment in self.segments)

    @cached_property
    def live(self) -> npt.NDArray[np.bool_]:
        """Return (size,) whether each document is live."""
        live = np.ones(self.size, dtype=bool)
        for base, dead in zip(self.bases, self.dead, strict=True):
            if dead is not None:
                live[base + dead] = False
        return live

    def live_in(self, i: int) -> npt.NDArray[np.bool_]:
        """Return whether each document of the i-th segment is live."""
        return self.live[self.bases[i] : self.bases[i] + len(self.segments[i])]

    @cached_property
    def count(self) -> int:
        """Return the number of live documents."""
        return self.size - sum(len(dead) for dead in self.dead if dead is not None)

    @cached_property
    def title_lengths(self) -> npt.NDArray[np.int32]:
        """Return (size,) terms in each title."""
        return self._column("title_lengths")

    @cached_property
    def text_lengths(self) -> npt.NDArray[np.int32]:
        """Return (size,) terms in each text."""
        return self._column("text_lengths")

    def _column(self, name: str) -> npt.NDArray[np.int32]:
        parts = [segment.lexical[name] for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)

    def document_id(self, number: int) -> str:
        i = bisect_right(self.bases, number) - 1
        return self.segments[i].document_id(number - self.bases[i])

    def document_ids(self, numbers: Sequence[int] | npt.NDArray[np.int64]) -> list[str]:
        return [self.document_id(int(number)) for number in numbers]

    def having(self, ids: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Return (size,) which live documents have one of these ids; ids that no live document
        has are passed over."""
        found = np.zeros(self.size, dtype=bool)
        for base, segment in zip(self.bases, self.segments, strict=True):
            found[base + segment.places_of(ids)] = True
        return found & self.live

    def number_at(self, segment: int, place: int) -> int | None:
        """Return the number of a place in a segment given by its catalogue number."""
        base = self._base_of.get(segment)
        return None if base is None else base + place

    @cached_property
    def _base_of(self) -> dict[int, int]:
        return {s.row.number: b for s, b in zip(self.segments, self.bases, strict=True)}

    def postings(self, term: str) -> Postings:
        """Return the live documents that hold a term."""
        parts = []
        for i, segment in enumerate(self.segments):
            found = segment.postings(term)
            if found is None:
                continue
            documents, title_counts, text_counts = found
            if self.dead[i] is not None:
                keep = self.live_in(i)[documents]
                documents, title_counts, text_counts = (
                    documents[keep], title_counts[keep], text_counts[keep],
                )  # fmt: skip
            parts.append((documents + np.int32(self.bases[i]), title_counts, text_counts))
        if len(parts) == 1:
            return Postings(*parts[0])
        if not parts:
            none = np.zeros(0, dtype=np.uint16)
            return Postings(np.zeros(0, dtype=np.int32), none, none)
        return Postings(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    @property
    def has_vectors(self) -> bool:
        return bool(self.segments) and all(s.dense is not None for s in self.segments)

    @property
    def has_words(self) -> bool:
        return bool(self.segments) and all(s.words is not None for s in self.segments)

    def bags(self, numbers: npt.NDArray[np.int64]) -> Bags:
        """Return the words of some documents, in their order; of segments that all hold words."""
        return taken([segment.words or {} for segment in self.segments], self.bases, numbers)
