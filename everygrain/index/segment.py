"""An immutable part of an index: all legs of its documents, in one folder."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Set
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.errors import StoredIndexError
from everygrain.index import words
from everygrain.index.catalogue import WORDS, SegmentRow
from everygrain.index.files import (
    REBUILD,
    Arrays,
    damaged,
    read_arrays,
    storage_errors,
    sync_folder,
    write_arrays,
)

LEXICAL = "lexical.safetensors"
DENSE = "dense-"  # what the name of a file of passages' vectors begins with
_LEXICAL_ARRAYS = {
    "ids", "id_offsets", "terms", "term_offsets", "starts", "documents", "title_counts",
    "text_counts", "title_lengths", "text_lengths", "tokens", "token_offsets", "title_tokens",
}  # fmt: skip
_DENSE_ARRAYS = {"vectors", "documents", "starts", "ends"}
# what each of the offsets runs over
_OFFSETS = {
    "id_offsets": "ids", "term_offsets": "terms", "starts": "documents", "token_offsets": "tokens",
}  # fmt: skip


def dense_name(fingerprint: str) -> str:
    """Return the file name of the vectors that an encoder of this fingerprint made."""
    return f"{DENSE}{_told(fingerprint)}.safetensors"


def words_name(fingerprint: str) -> str:
    """Return the file name of the word vectors that an encoder of this fingerprint made."""
    return f"{WORDS}{_told(fingerprint)}.safetensors"


def _told(fingerprint: str) -> str:
    return hashlib.blake2b(fingerprint.encode(), digest_size=6).hexdigest()


def digest(path: Path) -> str:
    """Return the checksum that `doctor` compares."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def write_segment(folder: Path, files: Mapping[str, Arrays]) -> dict[str, str]:
    """Write a segment's files durably. Returns file name -> checksum. Raises StorageError."""
    digests = {}
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, arrays in files.items():
            write_arrays(folder / name, arrays)
            digests[name] = digest(folder / name)
        sync_folder(folder)
        sync_folder(folder.parent)
    return digests


def _arrays(path: Path, names: Set[str]) -> Arrays:
    arrays = read_arrays(path)
    if arrays.keys() != names:
        raise damaged(path)
    return arrays


def _is_sound(lexical: Arrays) -> bool:
    """Tell whether all offsets rise from 0 to the length of what they run over.

    A wrong one could ask for any amount of memory.
    """
    return all(
        len(offsets := lexical[name]) > 0
        and offsets[0] == 0
        and offsets[-1] == len(lexical[over])
        and bool((offsets[1:] >= offsets[:-1]).all())
        for name, over in _OFFSETS.items()
    )


def _covers(dense: Arrays, documents: int) -> bool:
    """Tell whether each document has its passages, in order."""
    owners = dense["documents"]
    return (
        len(dense["vectors"]) == len(owners) >= documents
        and owners[0] == 0
        and owners[-1] == documents - 1
        and bool(np.isin(np.diff(owners), (0, 1)).all())
    )


class Segment:
    """A segment's arrays, mapped on first use (see `postings`, `vectors` and `words` for what they
    are).

    Raises StoredIndexError where a file that the catalogue names is missing or damaged.
    """

    def __init__(self, folder: Path, row: SegmentRow) -> None:
        self.folder = folder
        self.row = row
        # mapped now, so that a compaction that removes the file later does no harm
        self.lexical = _arrays(folder / LEXICAL, _LEXICAL_ARRAYS)
        if not _is_sound(self.lexical):
            raise damaged(folder / LEXICAL)
        if len(self.lexical["id_offsets"]) != row.documents + 1:
            raise StoredIndexError(
                f"The segment {row.name} does not hold the {row.documents} documents it should.",
                REBUILD,
            )
        self.dense: Arrays | None = None
        if row.dense:
            self.dense = _arrays(folder / row.dense, _DENSE_ARRAYS)
            if not _covers(self.dense, row.documents):
                raise damaged(folder / row.dense)
        self.words: Arrays | None = None
        if row.words:
            self.words = _arrays(folder / row.words, words.NAMES)
            if not words.is_sound(self.words, row.documents):
                raise damaged(folder / row.words)

    def __len__(self) -> int:
        return self.row.documents

    def check_files(self) -> None:
        """Raise StoredIndexError if a file is not what was written; reads all of them."""
        for name, expected in self.row.digests.items():
            path = self.folder / name
            if path.exists() and digest(path) != expected:
                raise damaged(path)

    @cached_property
    def _ids(self) -> bytes:
        return self.lexical["ids"].tobytes()

    # numbers out of a memoryview are Python's own, which costs a third of NumPy's
    @cached_property
    def _id_offsets(self) -> memoryview:
        return self.lexical["id_offsets"].data

    def document_id(self, place: int) -> str:
        offsets = self._id_offsets
        return self._ids[offsets[place] : offsets[place + 1]].decode()

    def document_ids(self, places: npt.NDArray[np.int64]) -> list[str]:
        offsets = self.lexical["id_offsets"]
        starts, ends = offsets[places].tolist(), offsets[places + 1].tolist()
        return [self._ids[a:b].decode() for a, b in zip(starts, ends, strict=True)]

    @cached_property
    def _places_by_hash(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the hashes of all ids, rising, and the place of each: 16 bytes a document, where
        a dictionary would take some 200."""
        every = self.document_ids(np.arange(len(self)))
        hashes = np.fromiter(map(hash, every), dtype=np.int64, count=len(every))
        places = np.argsort(hashes)
        return hashes[places], places

    def places_of(self, ids: frozenset[str]) -> npt.NDArray[np.int64]:
        """Return the places of documents by their ids, in no order; ids that are not here are
        passed over."""
        hashes, places = self._places_by_hash
        wanted = np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids))
        # how many of the wanted hashes begin at a place, less those that ended before it
        begun = np.zeros(len(self) + 1, dtype=np.int64)
        np.add.at(begun, np.searchsorted(hashes, wanted, "left"), 1)
        np.add.at(begun, np.searchsorted(hashes, wanted, "right"), -1)
        near = places[np.cumsum(begun[:-1]) > 0]
        # other texts may have the same hash
        return near[[identity in ids for identity in self.document_ids(near)]]

    @cached_property
    def _terms(self) -> memoryview:
        return self.lexical["terms"].data

    @cached_property
    def _term_offsets(self) -> memoryview:
        return self.lexical["term_offsets"].data

    @cached_property
    def _starts(self) -> memoryview:
        return self.lexical["starts"].data

    @cached_property
    def _prefixes(self) -> memoryview:
        """Return each term's first eight bytes as a number, in the terms' order."""
        offsets = self.lexical["term_offsets"]
        lengths, prefixes = np.diff(offsets), np.zeros(len(offsets) - 1, dtype=np.uint64)
        for i in range(8):
            longer = np.flatnonzero(lengths > i)
            letters = self.lexical["terms"][offsets[longer] + i].astype(np.uint64)
            prefixes[longer] |= letters << np.uint64(56 - 8 * i)
        return prefixes.data

    def term_number(self, term: str) -> int | None:
        """Return the place of a term in the sorted vocabulary; None if it is not there.

        Numbers compare in C, so a bisection of prefixes leaves few terms to compare as bytes.
        """
        terms, offsets, wanted = self._terms, self._term_offsets, term.encode()

        def at(i: int) -> bytes:
            return bytes(terms[offsets[i] : offsets[i + 1]])

        prefix = int.from_bytes(wanted[:8].ljust(8, b"\0"), "big")
        first = bisect_left(self._prefixes, prefix)
        if first == len(self._prefixes) or self._prefixes[first] != prefix:
            return None
        if len(wanted) <= 8:  # it sorts before all longer ones that begin with it
            return first if at(first) == wanted else None
        last = bisect_right(self._prefixes, prefix, lo=first)
        found = first + bisect_left(range(first, last), wanted, key=at)
        return found if found < last and at(found) == wanted else None

    def postings(
        self, term: str
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint16], npt.NDArray[np.uint16]] | None:
        """Return (places, counts in the title, counts in the text) of a term."""
        number = self.term_number(term)
        if number is None:
            return None
        start, end = self._starts[number], self._starts[number + 1]
        return (
            self.lexical["documents"][start:end],
            self.lexical["title_counts"][start:end],
            self.lexical["text_counts"][start:end],
        )

    def tokens(self, place: int) -> tuple[npt.NDArray[np.int32], int]:
        """Return a document's terms in order, and how many of them are the title's."""
        start, end = self.lexical["token_offsets"][place : place + 2]
        return self.lexical["tokens"][start:end], int(self.lexical["title_tokens"][place])
