"""The one writer: adds, deletes, compacts, swaps encoders; every change is one commit.

A commit writes a segment's files, makes them durable, and then makes them visible in one
transaction of the catalogue. A process killed at any instant leaves the last commit; files that
no row names are swept by the next writer.
"""

from __future__ import annotations

import math
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.encode.base import Encoder
from everygrain.encode.words.base import BagEncoder
from everygrain.errors import EverygrainError
from everygrain.index import postings, vectors, words
from everygrain.index.catalogue import Catalogue, SegmentRow
from everygrain.index.changes import Change, compare
from everygrain.index.encoders import Kept, encoder_folder, keep_encoder
from everygrain.index.files import Arrays, missing, storage_errors
from everygrain.index.lock import writing_alone
from everygrain.index.segment import (
    DENSE,
    LEXICAL,
    Segment,
    dense_name,
    words_name,
    write_segment,
)
from everygrain.index.store import Store
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences

SMALL = 1_000
FANOUT = 8
ENCODER_GRACE = 600.0  # seconds that a replaced encoder is kept for searches that began before
REENCODING = "reencoding"  # the setting, and the folder, of a re-encode under way (see `staging`)


def tier(documents: int) -> int:
    """Return a segment's size class: each holds about eight times the one before."""
    return max(0, math.ceil(math.log(max(documents, 1) / SMALL, FANOUT)))


def plan_merge(live: Sequence[int], dead: Sequence[int]) -> list[int]:
    """Choose segments to merge next; none when nothing needs it.

    A segment that is half dead is rewritten; eight of one size class become one, together with
    every smaller one, so that queries never meet more than eight segments of a class.
    """
    for i, (alive, gone) in enumerate(zip(live, dead, strict=True)):
        if gone and gone >= alive:
            return [i]
    tiers = [tier(count) for count in live]
    for size in sorted(set(tiers)):
        if tiers.count(size) >= FANOUT:
            return [i for i, each in enumerate(tiers) if each <= size]
    return []


class Writer:
    """Changes an index; made by `writer(store)`, which holds the lock."""

    def __init__(self, store: Store) -> None:
        self.folder = store.folder
        self.analyzer = store.analyzer
        self.catalogue = Catalogue(store.folder / "catalogue.db", to_write=True)
        self._store = store
        self.budget = int(store.setting("passage_words"))
        self.passages = Passages(
            words=self.budget,
            overlap=int(store.setting("passage_overlap")),
            sentences=Sentences(self.analyzer.language),
        )

    @property
    def encoder(self) -> Encoder | None:
        """Return the encoder that new documents get; loaded when the first one comes."""
        return self._store.encoder

    @property
    def words(self) -> BagEncoder | None:
        """Return the word encoder that new documents get, if any."""
        return self._store.words

    def use_language(self, language: str) -> None:
        """Analyse documents to come in a language; for an index that holds none yet."""
        self.analyzer = replace(self.analyzer, language=language)
        self.passages = replace(self.passages, sentences=Sentences(language))

    # adding and deleting

    def add(self, documents: Sequence[Document], fields: vectors.Fields | None = None) -> Change:
        """Add or update documents, in one commit.

        fields   their words, where they were split before
        """
        change, todo = compare(self.catalogue, documents)
        if todo:
            chosen = [document for document, _ in todo.values()]
            hashes = [hashed for _, hashed in todo.values()]
            if fields is not None and len(todo) < len(documents):
                last = {document.id: row for row, document in enumerate(documents)}
                fields = fields.take(np.array([last[identity] for identity in todo]))
            name, files = self._built(chosen, fields)
            digests = self._written(name, files)
            with self.catalogue.writing():
                self.catalogue.remove(self.catalogue.places(list(todo)).values())
                number = self._register(name, len(chosen), digests)
                self.catalogue.insert(chosen, hashes, number)
            self.maintain()
        return change

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Delete documents, in one commit. Returns the ids that were there."""
        places = self.catalogue.places(list(dict.fromkeys(ids)))
        if places:
            with self.catalogue.writing():
                self.catalogue.remove(places.values())
            self.maintain()
        return list(places)

    def _built(
        self, documents: Sequence[Document], fields: vectors.Fields | None = None
    ) -> tuple[str, dict[str, Arrays]]:
        fields = fields or vectors.split_fields(documents)
        ids = [document.id for document in documents]
        files = {LEXICAL: postings.build(ids, *fields, self.analyzer)}
        files |= self._dense(self.encoder, documents, fields) | _bags(self.words, documents)
        return uuid.uuid4().hex[:16], files

    def _dense(
        self,
        encoder: Encoder | None,
        documents: Sequence[Document],
        fields: vectors.Fields | None = None,
    ) -> dict[str, Arrays]:
        if encoder is None:
            return {}
        titles, texts = fields or vectors.split_fields(documents)
        arrays = vectors.build(documents, titles, texts, encoder, self.passages, self.budget)
        return {dense_name(encoder.fingerprint): arrays}

    def _written(self, name: str, files: dict[str, Arrays]) -> dict[str, str]:
        folder = self.folder / "segments" / name
        try:
            return write_segment(folder, files)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _register(self, name: str, documents: int, digests: dict[str, str]) -> int:
        folder = self.folder / "segments" / name
        size = sum(path.stat().st_size for path in folder.iterdir())
        return self.catalogue.add_segment(name, documents, _dense_of(digests), size, digests)

    # compaction

    def maintain(self) -> None:
        """Merge what has grown too many or too dead."""
        while True:
            rows = self.catalogue.segments()
            dead = self.catalogue.tombstones()
            gone = [len(dead.get(row.number, ())) for row in rows]
            live = [row.documents - n for row, n in zip(rows, gone, strict=True)]
            chosen = plan_merge(live, gone)
            if not chosen:
                return
            self._merge([rows[i] for i in chosen], dead)

    def compact(self) -> None:
        """Merge all segments into one without dead documents."""
        rows, dead = self.catalogue.segments(), self.catalogue.tombstones()
        if len(rows) > 1 or dead:
            self._merge(rows, dead)
        self.catalogue.checkpoint()

    def _merge(self, rows: Sequence[SegmentRow], dead: dict[int, npt.NDArray[np.int64]]) -> None:
        parts, mappings, total = [], [], 0
        for row in rows:
            live = np.ones(row.documents, dtype=bool)
            live[dead.get(row.number, np.zeros(0, dtype=np.int64))] = False
            parts.append((self._segment(row), live))
            mappings.append(np.cumsum(live) - 1 + total)
            total += int(live.sum())
        name, digests = uuid.uuid4().hex[:16], {}
        if total:
            files = {LEXICAL: postings.merge([(s.lexical, live) for s, live in parts])}
            dense = {row.dense for row in rows}
            if len(dense) == 1 and (file := dense.pop()) is not None:
                files[file] = vectors.merge([(s.dense or {}, live) for s, live in parts])
            bags = {row.words for row in rows}
            if len(bags) == 1 and (file := bags.pop()) is not None:
                files[file] = words.merge([(s.words or {}, live) for s, live in parts])
            digests = self._written(name, files)
        with self.catalogue.writing():
            if total:
                number = self._register(name, total, digests)
                self.catalogue.move([row.number for row in rows], mappings, number)
            self.catalogue.drop_segments(row.number for row in rows)
        for row in rows:
            shutil.rmtree(self.folder / "segments" / row.name, ignore_errors=True)

    def _segment(self, row: SegmentRow) -> Segment:
        try:
            return Segment(self.folder / "segments" / row.name, row)
        except FileNotFoundError as error:
            raise missing(Path(error.filename)) from error

    # encoders

    def set_encoder(
        self,
        encoder: Encoder | None,
        spec: str,
        on_progress: Callable[[int], None] | None = None,
        *,
        former: dict[str, str | None] | None = None,
        staged: Encoder | None = None,
    ) -> None:
        """Encode everything beside the old vectors, then swap in one commit.

        former   fingerprint and spec of the encoder that can be returned to from then on
        staged   gives the encoder's vectors of documents, and remembers most of them

        An interrupted call leaves the old encoder in place; what a slow encoder did is cached.
        """
        settings: dict[str, Any] = {"encoder_spec": spec, "fusion": None}
        if former is not None:
            settings["former_encoder"] = former
        if self._ends_reencode(encoder, spec):
            settings[REENCODING] = None
        build = partial(self._dense, staged or encoder)
        self._swap("encoder", encoder, build, settings, on_progress)
        self._store.use_encoder(encoder)
        self._sweep_staged()

    def _ends_reencode(self, encoder: Encoder | None, spec: str) -> bool:
        """Tell whether an encoder ends the re-encode under way; a new fit of the present one, as
        the collection grows, does not."""
        under_way = self.catalogue.get(REENCODING)
        if under_way is None:
            return False
        reached = encoder is not None and encoder.fingerprint == under_way["encoder"]
        return reached or spec == "given" or spec != self.catalogue.get("encoder_spec")

    def set_words(
        self,
        encoder: BagEncoder | None,
        spec: str,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Encode the words of everything beside the old ones, then swap in one commit."""
        self._swap("words", encoder, partial(_bags, encoder), {"words_spec": spec}, on_progress)
        self._store.use_words(encoder)

    def _swap(
        self,
        key: Literal["encoder", "words"],
        encoder: Kept | None,
        build: Callable[[Sequence[Document]], dict[str, Arrays]],
        settings: dict[str, Any],
        on_progress: Callable[[int], None] | None,
    ) -> None:
        """Give every segment another file of a leg; key is the setting that names its encoder."""
        if encoder is not None:
            keep_encoder(self.folder, encoder)
        fingerprint = None if encoder is None else encoder.fingerprint
        before = self.catalogue.get(key)
        swapped = []
        for row in self.catalogue.segments():
            swapped.append((row, self._reencoded(row, key, fingerprint, build)))
            if on_progress:
                on_progress(row.documents)
        with self.catalogue.writing():
            for row, digests in swapped:
                folder = self.folder / "segments" / row.name
                size = sum((folder / file).stat().st_size for file in digests)
                self.catalogue.set_files(row.number, _dense_of(digests), size, digests)
            for name, value in ({key: fingerprint} | settings).items():
                self.catalogue.set(name, value)
        if before is not None and (old := encoder_folder(self.folder, before)).exists():
            os.utime(old)

    def _reencoded(
        self,
        row: SegmentRow,
        key: Literal["encoder", "words"],
        fingerprint: str | None,
        build: Callable[[Sequence[Document]], dict[str, Arrays]],
    ) -> dict[str, str]:
        """Write a segment's new file of a leg; return what the segment then has, with checksums."""
        named, old = (dense_name, row.dense) if key == "encoder" else (words_name, row.words)
        if fingerprint is not None and named(fingerprint) == old:
            return dict(row.digests)
        kept = {file: digest for file, digest in row.digests.items() if file != old}
        if fingerprint is None:
            return kept
        documents = [Document("-", "") for _ in range(row.documents)]
        for place, document in self.catalogue.documents_of(row.number):
            documents[place] = document
        return kept | write_segment(self.folder / "segments" / row.name, build(documents))

    # repair and sweeping

    def rebuild(self, row: SegmentRow) -> int:
        """Index a segment's documents again from their stored texts, in one commit.

        Returns how many documents it holds. What the segment's files held does not matter.
        """
        documents = [document for _, document in self.catalogue.documents_of(row.number)]
        if documents:
            name, files = self._built(documents)
            digests = self._written(name, files)
        with self.catalogue.writing():
            if documents:
                number = self._register(name, len(documents), digests)
                places = [place for place, _ in self.catalogue.places_of(row.number)]
                mapping = np.zeros(max(places) + 1, dtype=np.int64)
                mapping[places] = np.arange(len(places))
                self.catalogue.move([row.number], [mapping], number)
            self.catalogue.drop_segments([row.number])
        shutil.rmtree(self.folder / "segments" / row.name, ignore_errors=True)
        return len(documents)

    def sweep(self) -> None:
        """Remove what an interrupted writer left behind."""
        with storage_errors(self.folder):
            (self.folder / "segments").mkdir(exist_ok=True)
            (self.folder / "encoders").mkdir(exist_ok=True)
        named = {row.name: row for row in self.catalogue.segments()}
        for folder in (self.folder / "segments").iterdir():
            if folder.name not in named:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            for file in folder.iterdir():
                if file.name not in named[folder.name].digests:
                    file.unlink(missing_ok=True)
        self._sweep_staged()
        former = self.catalogue.get("former_encoder") or {}  # an adaptation can be rolled back
        fingerprints = [self.catalogue.get(key) for key in ("encoder", "words")]
        fingerprints.append(former.get("fingerprint"))
        fingerprints.append((self.catalogue.get(REENCODING) or {}).get("encoder"))
        needed = {encoder_folder(self.folder, each) for each in fingerprints if each}
        for folder in (self.folder / "encoders").iterdir():
            unfinished = folder.name.startswith(".")
            if unfinished or (folder not in needed and _age(folder) > ENCODER_GRACE):
                shutil.rmtree(folder, ignore_errors=True)

    def _sweep_staged(self) -> None:
        """Remove the vectors that a re-encode laid up, where none is under way."""
        if self.catalogue.get(REENCODING) is None:
            shutil.rmtree(self.folder / REENCODING, ignore_errors=True)


def _bags(encoder: BagEncoder | None, documents: Sequence[Document]) -> dict[str, Arrays]:
    if encoder is None:
        return {}
    return {words_name(encoder.fingerprint): words.build(documents, encoder)}


def _dense_of(files: Iterable[str]) -> str | None:
    """Return which of a segment's files holds its passages' vectors, if any."""
    return next((file for file in files if file.startswith(DENSE)), None)


def _age(path: Path) -> float:
    """Return the seconds since a folder was made or touched."""
    return time.time() - path.stat().st_mtime


@contextmanager
def writer(store: Store, patience: float = 0.0) -> Iterator[Writer]:
    """Write to an index, alone.

    patience   seconds that another writer is waited for

    Raises LockedError if somebody else writes.
    """
    with writing_alone(store.folder, patience):
        made = Writer(store)
        try:
            made.sweep()
            yield made
        finally:
            try:
                made.catalogue.checkpoint()
            except (EverygrainError, OSError):
                pass
            finally:
                made.catalogue.close()
