"""The directory of an index: what readers and the one writer share.

catalogue.db                 the record of truth
segments/<name>/             immutable arrays; a folder that no row names is swept
encoders/<fingerprint>/      what queries are encoded with
write.lock                   held by the writer
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from everygrain.analyze import Analyzer
from everygrain.encode import registry
from everygrain.encode.base import Encoder
from everygrain.encode.words.base import BagEncoder
from everygrain.errors import StorageError
from everygrain.index.catalogue import Catalogue, SegmentRow
from everygrain.index.encoders import Loading
from everygrain.index.files import missing, storage_errors
from everygrain.index.lock import writing_alone
from everygrain.index.segment import Segment
from everygrain.index.snapshot import Snapshot

# what a folder may hold that is to become an index: an index that was never made
OWN_FILES = frozenset(
    ("catalogue.new", "catalogue.new-journal", "segments", "encoders", "write.lock", "write.holder")
)
_TRIES = 50


def _load_words(folder: Path) -> BagEncoder:
    from everygrain.encode.words import load  # only an index with words needs it

    return load(folder)


class Store:
    """An open index, for reading; `Writer` changes it.

    Threads may share a Store; each generation is loaded once. Raises StoredIndexError where
    there is no index, or where it is damaged or newer than this program.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._guard = threading.RLock()
        self._catalogue = Catalogue(folder / "catalogue.db")
        self._snapshot: Snapshot | None = None
        self._dense = Loading[Encoder](folder, registry.load, "--encoder")
        self._words = Loading[BagEncoder](folder, _load_words, "--words")

    @classmethod
    def create(cls, folder: Path, settings: dict[str, Any]) -> Store:
        """Make an empty index in a folder that is new, empty, or holds one that was never made.

        Raises StorageError if the folder holds something else or cannot be written, LockedError
        if somebody else is making one there.
        """
        if folder.exists() and not folder.is_dir():
            raise StorageError(f"{folder} is a file.", "Name a folder for the index.")
        if folder.exists() and {path.name for path in folder.iterdir()} - OWN_FILES:
            raise StorageError(
                f"The folder {folder} holds other files.",
                "Name a new folder for the index, so that nothing of yours gets mixed up.",
            )
        with storage_errors(folder):
            (folder / "segments").mkdir(parents=True, exist_ok=True)
            (folder / "encoders").mkdir(exist_ok=True)
        with writing_alone(folder):
            if not (folder / "catalogue.db").exists():
                Catalogue.create(folder / "catalogue.db", settings)
        return cls(folder)

    def close(self) -> None:
        with self._guard:
            self._catalogue.close()
            self._snapshot = None

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def setting(self, key: str, default: Any = None) -> Any:
        with self._guard:
            return self._catalogue.get(key, default)

    @property
    def analyzer(self) -> Analyzer:
        return Analyzer(**self.setting("analyzer"))

    @property
    def fingerprint(self) -> str | None:
        """Return the fingerprint of the encoder whose vectors the index holds, if any."""
        found: str | None = self.setting("encoder")
        return found

    @property
    def encoder(self) -> Encoder | None:
        """Return the encoder of the index, loaded on first use; None without a dense leg.

        Raises EncoderMismatchError if what is installed is not what the index was built with.
        """
        with self._guard:
            return self._dense.get(self.fingerprint)

    def use_encoder(self, encoder: Encoder | None) -> None:
        """Keep an encoder that was just made, so that it need not be loaded."""
        with self._guard:
            self._dense.use(encoder)

    @property
    def words(self) -> BagEncoder | None:
        """Return the word encoder of the index, loaded on first use; None without words.

        Raises EncoderMismatchError if what is installed is not what the index was built with.
        """
        with self._guard:
            return self._words.get(self.setting("words"))

    def use_words(self, encoder: BagEncoder | None) -> None:
        """Keep a word encoder that was just made, so that it need not be loaded."""
        with self._guard:
            self._words.use(encoder)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Hold one generation whole: the snapshot, and what the catalogue says meanwhile."""
        with self._guard:
            for attempt in range(_TRIES):
                with self._catalogue.reading():
                    try:
                        snapshot = self._load()
                    except FileNotFoundError as error:
                        # a compaction removed a file of this generation; look at the next one
                        if attempt == _TRIES - 1 or self._is_lost(Path(error.filename)):
                            raise missing(Path(error.filename)) from error
                        continue
                    try:
                        yield snapshot
                    except (LookupError, ValueError, OverflowError, MemoryError):
                        # nonsense in the files, perhaps: then that is what to tell
                        for segment in snapshot.segments:
                            segment.check_files()
                        raise
                    return

    def _is_lost(self, path: Path) -> bool:
        """Tell whether the newest generation still names a file that is not there."""
        other = Catalogue(self.folder / "catalogue.db")
        try:
            with other.reading():
                return not path.exists() and any(
                    row.name == path.parent.name and path.name in row.digests
                    for row in other.segments()
                )
        finally:
            other.close()

    def _load(self) -> Snapshot:
        generation = int(self._catalogue.get("generation", 0))
        held = self._snapshot
        if held is not None and held.generation == generation:
            return held
        # by name: the number of a segment that is gone may be given again
        known = {_files(s.row): s for s in held.segments} if held else {}
        dead = self._catalogue.tombstones()
        segments = [
            known.get(_files(row)) or Segment(self.folder / "segments" / row.name, row)
            for row in self._catalogue.segments()
        ]
        self._snapshot = Snapshot(
            generation, tuple(segments), tuple(dead.get(s.row.number) for s in segments)
        )
        return self._snapshot


def _files(row: SegmentRow) -> tuple[str, str | None, str | None]:
    """Return what tells the files of a segment from those of any other, at any time."""
    return row.name, row.dense, row.words
