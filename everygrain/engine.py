"""The index as a user meets it: add, delete, search. What follows from a change by itself, and
other encoders, are in `everygrain.refitting`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from everygrain.analyze import Analyzer
from everygrain.analyze.language import check as check_language
from everygrain.document import GRAINS, Document, Grain
from everygrain.encode import registry
from everygrain.encode.base import Encoder, Kind, Vectors
from everygrain.encode.words.base import BagEncoder
from everygrain.errors import InputError, QueryError
from everygrain.index.batches import BATCH, batches, documents_of, ids_of, pieces
from everygrain.index.changes import compare
from everygrain.index.dense_encoders import use_encoder
from everygrain.index.doctor import Finding, examine, repair
from everygrain.index.masks import Filter, among
from everygrain.index.report import Report
from everygrain.index.store import Store
from everygrain.index.word_encoders import check_words, use_words, words_spec
from everygrain.index.writer import writer
from everygrain.rank.approximate import KINDS
from everygrain.rank.base import Reranker, Retriever, check_k
from everygrain.rank.compose import parse as parse_composition
from everygrain.rank.compose.making import Making
from everygrain.rank.compose.search import Composed
from everygrain.rank.compose.search import find as find_composed
from everygrain.rank.cutoff import search as cutoffs
from everygrain.rank.cutoff.base import Cutoff
from everygrain.rank.hits import Hits, document_hits, span_hits
from everygrain.rank.legs import SYSTEMS, Leg, View, Views
from everygrain.rank.lexical import BM25
from everygrain.rank.query import Query, parse
from everygrain.rank.words_leg import Late
from everygrain.refitting import Refitting
from everygrain.segment.base import Segmenter
from everygrain.segment.passages import Passages

PASSAGE_WORDS = 256
EXCERPT_WORDS = 64  # a passage as a result is shorter than one that is encoded


class Index(Refitting):
    """A directory that holds documents and finds them.

    `Index(folder)` opens an index; `Index(folder, encoder="static")` makes one where there is
    none. Threads and processes may share an index: one writes at a time, any number search.

    encoder     a name (see `everygrain.encode.registry`), or an Encoder; on an existing index it
                must be the one that the index was built with. If None: static where its table
                is at hand or can be distilled, latent otherwise
    words       a name (see `everygrain.encode.words`) or a BagEncoder: whole-word vectors of every
                document for late interaction; none if None. On an existing index, as `encoder`
    language    ISO 639-1 code of stems and stop words; detected in the first documents if None
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        encoder: str | Encoder | None = None,
        *,
        words: str | BagEncoder | None = None,
        language: str | None = None,
        stemmer: str = "snowball",
        stop_words: bool = True,
        create: bool = True,
        bm25: BM25 | None = None,
        passage_words: int = PASSAGE_WORDS,
    ) -> None:
        if not isinstance(folder, str | PathLike):
            raise InputError(f"The folder is {folder!r:.80}, not a path.", "Name a folder.")
        self.folder = Path(folder)
        made = (self.folder / "catalogue.db").exists()
        if made or not create:
            self.store = Store(self.folder)
            self.views = Views(self.store)
            if encoder is not None:
                use_encoder(self.store, encoder)
            if words is not None:
                use_words(self.store, words)
        else:
            Passages(words=passage_words)  # refuses a budget that makes no sense
            if language is not None:
                check_language(language)
            analyzer = Analyzer(language or "en", stemmer, stop_words)
            if encoder is None:
                encoder = registry.default()
            spec = encoder if isinstance(encoder, str) else "given"
            registry.check(encoder)
            if words is not None:
                check_words(words)
            self.store = Store.create(
                self.folder,
                {
                    "analyzer": analyzer.settings(),
                    "language_given": language is not None,
                    "encoder": None,
                    "encoder_spec": spec,
                    "words": None,
                    "words_spec": words_spec(words),
                    "bm25": vars(bm25 or BM25()),
                    "passage_words": passage_words,
                    "passage_overlap": 1,
                    "fusion": None,
                    "approximate": None,
                },
            )
            if not isinstance(encoder, str):
                with writer(self.store) as write:
                    write.set_encoder(encoder, "given")
            if words is not None and not isinstance(words, str):
                use_words(self.store, words)
        self.views = Views(self.store)

    @classmethod
    def open(
        cls,
        folder: str | PathLike[str],
        encoder: str | Encoder | None = None,
        *,
        words: str | BagEncoder | None = None,
    ) -> Index:
        """Open an index that exists. Raises StoredIndexError if there is none."""
        return cls(folder, encoder, words=words, create=False)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self.store.reading() as snapshot:
            return snapshot.count

    def __repr__(self) -> str:
        return f"Index({str(self.folder)!r})"

    def close(self) -> None:
        self.store.close()

    # changing

    def add(
        self,
        documents: Iterable[Document],
        *,
        dry_run: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Report:
        """Add documents, or update those whose id is here with other content.

        Commits every 20,000 documents or about 30 seconds, whichever is first: an interruption
        loses only the batch in flight, and the same call run again skips what is done.
        on_progress is called with the number of documents after each piece of work.
        """
        report, documents = Report(), documents_of(documents)
        if dry_run:
            return self._compared(documents, report)
        with writer(self.store) as write:
            changed, seen = False, set[str]()
            for batch in batches(documents, BATCH):
                fields = None if changed else self._prepare(write, batch)
                for piece in pieces(batch, write.encoder, write.words):
                    change = write.add(piece, fields if len(piece) == len(batch) else None)
                    report.count(change, seen)
                    changed |= bool(change.added or change.updated)
                    if on_progress:
                        on_progress(len(piece))
            if changed:
                self._follow_up(write, report)
        return report

    def delete(self, ids: Sequence[str] = (), *, where: str | None = None) -> Report:
        """Delete documents by id, or all that a filter holds for. Ids that are not here are
        told in the report's notes."""
        chosen = ids_of(ids)
        if where is not None:
            with self.views.newest() as view:
                mask = view.mask(where)
                numbers = np.flatnonzero(mask) if mask is not None else np.zeros(0, dtype=int)
                chosen += view.snapshot.document_ids(numbers)
        with writer(self.store) as write:
            gone = set(write.delete(chosen))
        missing = [identity for identity in chosen if identity not in gone]
        notes = [f"There is no document '{identity}'." for identity in missing]
        return Report(deleted=len(gone), notes=notes)

    def compact(self) -> None:
        """Merge all segments into one. Searches are right without it, and nearly as fast."""
        with writer(self.store) as write:
            write.compact()

    def _compared(self, documents: Iterable[Document], report: Report) -> Report:
        """Count what an addition would do; takes no lock and writes nothing."""
        seen: set[str] = set()
        for batch in batches(documents, BATCH):
            with self.store.reading():
                change, _ = compare(self.store.catalogue, batch)
            report.count(change, seen)
        return report

    def configure(
        self, *, bm25: BM25 | None = None, approximate: str | None = None, above: int = 100_000
    ) -> None:
        """Change how the index is searched; nothing is indexed anew.

        approximate   "binary", "ivf" or "hnsw" (see `everygrain.rank.approximate`) for the dense
                      leg, from `above` documents on; or "none"
        """
        if approximate not in (None, "none", *KINDS):
            raise QueryError(
                f"There is no approximate search '{approximate}'.",
                f"Use {', '.join(KINDS)} or none.",
            )
        if not isinstance(above, int) or above < 0:
            raise QueryError(
                f"above = {above!r} makes no sense.", "Give a whole number of documents."
            )
        if bm25 is not None and not isinstance(bm25, BM25):
            raise QueryError(f"bm25 = {bm25!r} is no BM25.", "Write BM25(k1=0.9, b=0.4).")
        with writer(self.store) as write, write.catalogue.writing():
            if bm25 is not None:
                write.catalogue.set("bm25", vars(bm25))
            if approximate is not None:
                wanted = {"kind": approximate, "above": above}
                write.catalogue.set("approximate", None if approximate == "none" else wanted)

    # searching

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        grain: Grain = "document",
        system: str | None = None,
        where: str | None = None,
        ids: Iterable[str] | None = None,
        cutoff: str | Cutoff | None = None,
    ) -> Hits:
        """Return the best k documents, passages or sentences for a query, with evidence.

        system   "lexical", "dense", "hybrid" or a composition such as "hybrid % 50 >> late" (see
                 `everygrain.rank.compose`); hybrid where the index has vectors, if None
        where    a filter on metadata, such as 'year >= 2020 and venue = "ACL"'
        ids      of the documents that may be found, be they 80,000; those that are not here are
                 passed over. A frozenset that is searched again costs nothing; with `where`, both
                 hold
        cutoff   where the list shall end: "conformal:0.1", "adapted" or "adapted:0.5" (see
                 `everygrain.calibration`), or a Cutoff. The hits' `verdict` says what it did; no
                 hit at all means that there is no good answer

        At the grain of passages or sentences each hit is one span: the best of the best
        documents. Raises QueryError for settings that make no sense.
        """
        check_k(k)
        allowed = among(ids, where)
        if not isinstance(query, str):
            raise QueryError(f"The query is {query!r}, not a text.", "Search for a string.")
        if system is not None:
            _check_system(system)
        if grain not in GRAINS:
            raise QueryError(f"There is no grain '{grain}'.", f"Use one of {', '.join(GRAINS)}.")
        with self.views.newest() as view:
            chosen = system or ("hybrid" if view.snapshot.has_vectors else "lexical")
            depth = k if grain == "document" else max(2 * k, 20)
            parsed = parse(query, view.analyzer)
            cut = None if cutoff is None else cutoffs.made(view, cutoff)
            if parsed.is_empty:  # nothing but stop words: vectors would guess, and find everything
                return Hits.none(None if cut is None else cutoffs.of_nothing(cut))
            candidates = depth if cut is None else max(depth, cutoffs.depth_of(cut))
            composed, chosen = self._found(view, parsed, query, chosen, candidates, allowed)
            found, verdict = composed.found, composed.verdict
            if cut is not None:
                found, verdict = cutoffs.ended(view, cut, parsed, allowed, found, depth, grain)
            held = view.store.catalogue.fetch(found.ids)
            documents = [held[identity] for identity in found.ids]
            sentences = self._sentences()
            if grain == "document":
                hits = document_hits(view, parsed, chosen, found, documents, sentences)
            else:
                segmenter = sentences if grain == "sentence" else self._excerpts()
                hits = span_hits(view, parsed, chosen, found, documents, segmenter, grain, k)
            if verdict is not None:
                hits.verdict = verdict if grain == "document" else replace(verdict, of="document")
            hits.spent = composed.spent
            return hits

    def get(self, identity: str) -> Document:
        """Return a document by id. Raises InputError if it is not here."""
        with self.store.reading():
            found = self.store.catalogue.fetch(ids_of([identity]))
        if identity not in found:
            raise InputError(f"There is no document '{identity}'.", "Check the id.")
        return found[identity]

    def fetch(self, ids: Sequence[str]) -> dict[str, Document]:
        """Return documents by id; an id that is not here is left out."""
        with self.store.reading():
            return self.store.catalogue.fetch(ids_of(ids))

    def encode(self, texts: Sequence[str], kind: Kind = "query") -> Vectors:
        """Encode texts as the index does. Returns float32 (len(texts), dimensions), rows of
        length 1 or zero. Raises QueryError for an index without a dense leg."""
        with self.views.newest() as view:
            return view.encoder.encode(list(texts), kind)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return what the index holds of documents: float32 (len(ids), dimensions), each row the
        mean of a document's passages at length 1, or zero for an id that is not here.

        Raises QueryError for an index without a dense leg."""
        with self.views.newest() as view:
            return view.document_vectors(ids_of(ids))

    def documents(self) -> Iterator[Document]:
        """Yield all documents, of the generation at the start, in no particular order."""
        with self.store.reading() as snapshot:
            ids = snapshot.document_ids(np.flatnonzero(snapshot.live))
        for part in batches(ids, 1000):
            with self.store.reading():
                yield from self.store.catalogue.fetch(part).values()

    def retriever(
        self,
        system: str,
        *,
        where: str | None = None,
        ids: Iterable[str] | None = None,
        bm25: BM25 | None = None,
    ) -> Retriever:
        """Return a system of this index as a Retriever, to compose and to measure.

        system   a leg, or a composition (see `everygrain.rank.compose`)
        where    a filter on metadata, which the legs obey, as they do the next
        ids      of the documents that may be found
        bm25     for a leg alone; in a composition they are written: "lexical(k1=0.9)"
        """
        allowed = among(ids, where)
        if system in SYSTEMS:
            return Leg(self.views, system, allowed, bm25)
        if bm25 is not None:
            raise QueryError(f"BM25 is given beside '{system}'.", 'Write "lexical(k1=0.9)" in it.')
        _check_system(system)
        return parse_composition(system).build(Making(self.views, allowed))

    def reranker(self, name: str = "late", **settings: Any) -> Reranker:
        """Return a reranker of this index by name, to stand behind `>>`.

        settings   of `late`: share (of the score that a document comes with) and exact
        """
        if name != "late":
            raise QueryError(f"There is no reranker '{name}'.", "Use late.")
        if not settings.keys() <= {"share", "exact"}:
            raise QueryError(f"late takes no {', '.join(settings)}.", "It takes share and exact.")
        return Late(self.views, **settings)

    def _found(
        self, view: View, parsed: Query, query: str, system: str, k: int, where: Filter | None
    ) -> tuple[Composed, str]:
        """Search by a leg or a composition. Returns what was found, and which leg the evidence
        shall be found by."""
        if system in SYSTEMS:
            return Composed(view.find(parsed, system, k, where)), system
        composition = parse_composition(system)
        composed = find_composed(composition, Making(self.views, where), view, query, k)
        legs = composition.legs()
        alone = legs.pop() if len(legs) == 1 else "hybrid"
        return composed, alone

    def _excerpts(self) -> Segmenter:
        return Passages(words=EXCERPT_WORDS, overlap=0, sentences=self._sentences())

    # telling

    def info(self) -> dict[str, Any]:
        """Return what there is to know about the index, as JSON values."""
        from everygrain.index.describe import describe

        with self.views.newest() as view:
            told = describe(self.store, view.snapshot)
            approximate = view.approximate() if view.snapshot.has_vectors else None
            if approximate is not None:
                told["approximate"] = {
                    "kind": approximate.kind,
                    "recall@10 against exact": round(approximate.recall(), 4),
                }
            return told

    def doctor(self, fix: bool = False) -> list[Finding]:
        """Check every invariant; with `fix`, rebuild damaged segments from the stored texts."""
        if not fix:
            return examine(self.folder)
        return repair(self.folder)


def _check_system(system: str) -> None:
    if not isinstance(system, str) or not system.strip():
        raise QueryError(f"The system is {system!r}.", f"Use one of {', '.join(SYSTEMS)}.")
