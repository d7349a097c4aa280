"""Which words every paper holds, kept so that new papers cost only themselves."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError, StorageError, StoredIndexError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.windows import Integers, number_of
from everygrain_papers.trends.words import BREAK, MOST_WORDS, surfaces

Words = npt.NDArray[np.int32]

FORMAT = "everygrain term counts 1"


class TermCounts:
    """The words of papers as numbers, from which the counts of all terms follow in seconds.

    Reading text is what takes long, and each paper is read once. What is counted depends on the
    papers that are held, never on the order in which they came and went. Counting from numbers
    instead of keeping a count for each term and window lets any windows be asked about, and lets a
    paper go again without its text.
    """

    def __init__(self, papers: Iterable[Paper] = ()) -> None:
        self._numbers: dict[str, int] = {BREAK: 0}
        self._words: dict[str, Words] = {}
        self._titles: dict[str, int] = {}
        self._dates: dict[str, int] = {}
        self._venues: dict[str, str] = {}
        self.add(papers)

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, id: object) -> bool:
        return id in self._words

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def add(self, papers: Iterable[Paper]) -> None:
        """Count papers; one that is held already is counted anew, in its new state."""
        numbers = self._numbers
        for paper in papers:
            title = surfaces(paper.title)[:MOST_WORDS]
            words = [*title, BREAK, *surfaces(paper.abstract[: MOST_WORDS * 40])][:MOST_WORDS]
            told = [numbers.setdefault(word, len(numbers)) for word in words]
            self._words.pop(paper.id, None)
            self._words[paper.id] = np.array(told, dtype=np.int32)
            self._titles[paper.id] = len(title)
            self._dates[paper.id] = number_of(paper)
            self._venues[paper.id] = venue_of(paper)

    def remove(self, ids: Iterable[str]) -> None:
        """Count these papers no more; ids that are not held change nothing."""
        for id in ids:
            if self._words.pop(id, None) is not None:
                del self._titles[id], self._dates[id], self._venues[id]

    @property
    def ids(self) -> list[str]:
        return list(self._words)

    @property
    def dates(self) -> Integers:
        """Return (papers,) dates as numbers, in the order of ids."""
        return np.array([self._dates[id] for id in self._words], dtype=np.int64)

    @property
    def venues(self) -> list[str]:
        """Return the venue of each paper, in the order of ids."""
        return [self._venues[id] for id in self._words]

    @property
    def vocabulary(self) -> list[str]:
        """Every surface; the number of a word is its place, and 0 is a break."""
        return list(self._numbers)

    def words(self, id: str) -> tuple[Words, int]:
        """Return the words of a paper as numbers, and how many of them are its title's."""
        return self._words[id], self._titles[id]

    def save(self, path: Path) -> None:
        """Write everything to one file (.npz), in place of what stood there, at once or not at all.

        Raises StorageError if the disk refuses.
        """
        ids, venues = self.ids, self.venues
        places = {venue: place for place, venue in enumerate(dict.fromkeys(venues))}
        told = {"format": FORMAT, "ids": ids, "vocabulary": self.vocabulary, "venues": list(places)}
        arrays = [self._words[id] for id in ids]
        waiting = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(waiting, "wb") as file:
                np.savez(
                    file,
                    told=_bytes(told),
                    venues=np.array([places[venue] for venue in venues], dtype=np.int32),
                    words=np.concatenate([np.zeros(0, np.int32), *arrays]),
                    lengths=np.array([each.size for each in arrays], dtype=np.int32),
                    titles=np.array([self._titles[id] for id in ids], dtype=np.int32),
                    dates=self.dates,
                )
                file.flush()
                os.fsync(file.fileno())
            os.replace(waiting, path)
        except OSError as error:
            with suppress(OSError):
                waiting.unlink(missing_ok=True)
            raise StorageError(
                f"The term counts cannot be written to {path} ({error.strerror}).",
                "Make room, or allow writing there.",
            ) from error

    @classmethod
    def load(cls, path: Path) -> TermCounts:
        """Read what `save` wrote.

        Raises InputError if there is no such file, StoredIndexError if it is damaged.
        """
        if not path.is_file():
            raise InputError(f"There are no term counts at {path}.", "Count the papers first.")
        try:
            with np.load(path, allow_pickle=False) as kept:
                told = json.loads(kept["told"].tobytes())
                words, lengths = kept["words"], kept["lengths"]
                titles, dates, venues = kept["titles"], kept["dates"], kept["venues"]
            ids, vocabulary, names = told["ids"], told["vocabulary"], told["venues"]
            if told["format"] != FORMAT or not (
                len(set(ids)) == lengths.size == titles.size == dates.size == venues.size
                and int(lengths.sum()) == words.size
                and len(set(vocabulary)) > int(words.max(initial=0))
                and int(words.min(initial=0)) >= 0
                and vocabulary[0] == BREAK
                and int(venues.min(initial=0)) >= 0
                and int(venues.max(initial=-1)) < len(names)
            ):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise StoredIndexError(
                f"The term counts at {path} are damaged, or of another version.",
                "Delete the file and count the papers again.",
            ) from error
        made = cls()
        made._numbers = {word: number for number, word in enumerate(vocabulary)}
        # A file without papers is split into one empty part.
        made._words = dict(zip(ids, np.split(words, np.cumsum(lengths)[:-1]), strict=False))
        made._titles = dict(zip(ids, titles.tolist(), strict=True))
        made._dates = dict(zip(ids, dates.tolist(), strict=True))
        made._venues = dict(zip(ids, (names[each] for each in venues), strict=True))
        return made


def venue_of(paper: Paper) -> str:
    """Return where a paper appeared, or, where that is not known, where it was read."""
    return paper.venue or paper.source


def _bytes(value: object) -> npt.NDArray[np.uint8]:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
