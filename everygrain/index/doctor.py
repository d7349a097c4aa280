"""Checks every invariant of an index; each finding comes with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.analyze import is_mark
from everygrain.encode.words.base import SCALE
from everygrain.errors import EverygrainError
from everygrain.index.catalogue import Catalogue, SegmentRow
from everygrain.index.content import content_hash
from everygrain.index.encoders import is_kept, unreadable
from everygrain.index.files import REBUILD, unpack_strings
from everygrain.index.segment import LEXICAL, Segment, digest, words_name
from everygrain.index.store import Store
from everygrain.index.writer import writer


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    segment   the segment's name, where the finding is about one
    """

    problem: str
    remedy: str
    segment: str | None = None


def examine(folder: Path) -> list[Finding]:
    """Return what is wrong with an index; nothing, if all is well.

    Runs beside a writer: what it reads is one generation, checked again if a compaction took
    files away meanwhile. Raises StoredIndexError where there is no index at all.
    """
    catalogue = Catalogue(folder / "catalogue.db")
    try:
        while True:
            with catalogue.reading():
                before = catalogue.get("generation", 0)
                findings = list(_findings(folder, catalogue))
            if not findings or catalogue.get("generation", 0) == before:
                return findings
    finally:
        catalogue.close()


def repair(folder: Path) -> list[Finding]:
    """Rebuild every damaged segment from the stored texts; return what is still wrong."""
    damaged = {finding.segment for finding in examine(folder) if finding.segment}
    if damaged:
        store = Store(folder)
        try:
            with writer(store) as write:
                for row in write.catalogue.segments():
                    if row.name in damaged:
                        write.rebuild(row)
        finally:
            store.close()
    return examine(folder)


def _findings(folder: Path, catalogue: Catalogue) -> Iterator[Finding]:
    for problem in catalogue.problems():
        yield Finding(
            f"The catalogue is damaged: {problem}.",
            "Restore catalogue.db from a copy, or build the index again from its sources.",
        )
    rows, tombstones = catalogue.segments(), catalogue.tombstones()
    indexed = 0
    for row in rows:
        dead = tombstones.get(row.number, np.zeros(0, dtype=np.int64))
        indexed += row.documents - len(dead)
        for problem in _segment_problems(folder, row, dead, catalogue.places_of(row.number)):
            yield Finding(f"Segment {row.name}: {problem}.", REBUILD, row.name)
    if indexed != catalogue.count():
        yield Finding(
            f"{catalogue.count()} documents are stored, but {indexed} are indexed.",
            "Build the index again from its sources, or ask for help with this message.",
        )
    if len({row.dense for row in rows}) > 1:
        yield Finding(
            "The segments hold vectors of different encoders.",
            "Run `everygrain reencode INDEX --encoder NAME`.",
        )
    yield from _altered(catalogue)
    fingerprint = catalogue.get("encoder")
    if fingerprint and not is_kept(folder, fingerprint):
        yield Finding(
            f"The encoder {fingerprint} is missing.",
            "Run `everygrain reencode INDEX --encoder NAME` to put a new one in its place.",
        )
    elif fingerprint and (problem := unreadable(folder, fingerprint)):
        yield Finding(
            f"The encoder {fingerprint} is damaged: {problem}.",
            "Run `everygrain reencode INDEX --encoder NAME` to put a new one in its place.",
        )
    yield from _word_findings(folder, rows, catalogue.get("words"))


def _word_findings(
    folder: Path, rows: list[SegmentRow], fingerprint: str | None
) -> Iterator[Finding]:
    remedy = "Run `everygrain reencode INDEX --words NAME` to make them anew, or NAME none."
    expected = words_name(fingerprint) if fingerprint else None
    if any(row.words != expected for row in rows):
        yield Finding("Some segments hold the words of another word encoder, or none.", remedy)
    if fingerprint and not is_kept(folder, fingerprint):
        yield Finding(f"The word encoder {fingerprint} is missing.", remedy)
    elif fingerprint and (problem := unreadable(folder, fingerprint)):
        yield Finding(f"The word encoder {fingerprint} is damaged: {problem}.", remedy)


def _altered(catalogue: Catalogue) -> Iterator[Finding]:
    """Find documents whose stored text is not the one that was added."""
    remedy = "Add them again from their source, or restore catalogue.db from a copy."
    try:
        altered = [d.id for d, hashed in catalogue.hashed_documents() if content_hash(d) != hashed]
    except (EverygrainError, ValueError) as error:
        yield Finding(f"A stored document cannot be read: {error}", remedy)
        return
    if altered:
        shown = ", ".join(f"'{identity}'" for identity in altered[:5])
        more = f" and {len(altered) - 5} more" if len(altered) > 5 else ""
        yield Finding(f"The stored content of {shown}{more} is not what was added.", remedy)


def _segment_problems(
    folder: Path, row: SegmentRow, dead: npt.NDArray[np.int64], places: list[tuple[int, str]]
) -> Iterator[str]:
    at = folder / "segments" / row.name
    for file, expected in row.digests.items():
        if not (at / file).exists():
            yield f"the file {file} is missing"
            return
        if digest(at / file) != expected:
            yield f"the file {file} is not what was written"
            return
    try:
        segment = Segment(at, row)
    except (EverygrainError, OSError, ValueError, KeyError) as error:
        yield str(error)
        return
    live = np.setdiff1d(np.arange(row.documents), dead)
    if [place for place, _ in places] != live.tolist():
        yield "the catalogue places other documents in it than are live"
        return
    if any(segment.document_id(place) != identity for place, identity in places):
        yield "its documents' ids are not those of the catalogue"
    yield from _array_problems(segment)


def _sums(
    documents: npt.NDArray[np.int32], counts: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.int64]:
    """Return (size,) the sum of each document's counts."""
    return np.bincount(documents, weights=counts, minlength=size).astype(np.int64)


def _array_problems(segment: Segment) -> Iterator[str]:
    lexical, count = segment.lexical, len(segment)
    starts, documents = lexical["starts"], lexical["documents"]
    if starts[0] != 0 or starts[-1] != len(documents) or (np.diff(starts) < 1).any():
        yield f"{LEXICAL} has postings out of order"
    elif len(documents):
        rising = np.diff(documents) > 0
        rising[starts[1:-1] - 1] = True
        if not rising.all() or documents.min() < 0 or documents.max() >= count:
            yield f"{LEXICAL} has documents out of order"
            return
    held = lexical["title_counts"].astype(np.int64) + lexical["text_counts"]
    marks = [is_mark(term) for term in unpack_strings(lexical["terms"], lexical["term_offsets"])]
    held[np.repeat(np.array(marks, dtype=bool), np.diff(starts))] = 0
    lengths = lexical["title_lengths"].astype(np.int64) + lexical["text_lengths"]
    if (held < 65_535).all() and not np.array_equal(_sums(documents, held, count), lengths):
        yield f"{LEXICAL} counts other terms than its documents' lengths say"
    if segment.dense is not None:
        vectors, owners = segment.dense["vectors"], segment.dense["documents"]
        if len(owners) != len(vectors) or len(np.unique(owners)) != count:
            yield "its vectors do not cover its documents"
        lengths_squared = np.einsum("ij,ij->i", vectors, vectors)
        unit = np.abs(lengths_squared - 1) < 1e-3
        if not (unit | (lengths_squared == 0)).all():
            yield "it holds vectors that are neither of length 1 nor zero"
    if segment.words is not None and (segment.words["vectors"] < -SCALE).any():
        yield "its words' vectors hold a number that none can have"
