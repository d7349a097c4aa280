"""How much of a test set occurs in training text, and which of its items do not.

The first of the source's two checks: looking for test items in the training text. It retrieves
candidates; here every training text is read, once, and only hashes of the test items are held, so
that the training text may be larger than memory. The second check asks a language model to fill in
what was masked, and is no part of this module.

Texts are compared as words, after NFKC and case folding and without punctuation (see
`everygrain.analyze.words`). Word runs are compared by 64-bit hashes: a run of the test set is found
by chance with about one in 2**64 per distinct run of the training text.

Source: Investigating Data Contamination in Modern Benchmarks for Large Language Models.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import Words, split
from everygrain.errors import MeasureError
from everygrain.measure.scores import Scores

SIZES = (8, 13)
BATCH = 1_000
FACTOR = np.uint64(0x9E3779B97F4A7C15)

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Contamination:
    """What of the test items occurs in the training text.

    items    ids of the m items, in the order given
    sizes    lengths of the runs, in words
    exact    (m,) bool: whether the whole item is, word for word, one of the training texts
    runs     (m, sizes) number of runs; 0 for an item with fewer words than the run
    found    (m, sizes) number of those that occur in the training text, in any place
    """

    items: tuple[str, ...]
    sizes: tuple[int, ...]
    exact: npt.NDArray[np.bool_]
    runs: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]

    def shares(self, size: int) -> npt.NDArray[np.float64]:
        """Return (m,) the share of each item's runs that were found; NaN where it has none."""
        j = self._column(size)
        shares = np.full(len(self.items), np.nan)
        has = self.runs[:, j] > 0
        shares[has] = self.found[has, j] / self.runs[has, j]
        return shares

    def clean(self, size: int, tolerated: float = 0.0) -> tuple[str, ...]:
        """Return the ids that are no exact match and share at most `tolerated` of their runs.

        An item too short for a run can only be caught as an exact match.
        """
        shares = np.nan_to_num(self.shares(size))
        return tuple(
            item
            for item, exact, share in zip(self.items, self.exact, shares, strict=True)
            if not exact and share <= tolerated
        )

    def total(self) -> dict[str, float]:
        """Return the number of items and of exact matches, and three figures for each size n.

        n-gram share       of the runs of all items; NaN where there is none
        n-gram items       number of items with a run that was found
        n-gram too short   number of items without a run
        """
        told: dict[str, float] = {"items": len(self.items), "exact": int(self.exact.sum())}
        for j, size in enumerate(self.sizes):
            runs, found = int(self.runs[:, j].sum()), int(self.found[:, j].sum())
            told[f"{size}-gram share"] = found / runs if runs else math.nan
            told[f"{size}-gram items"] = int((self.found[:, j] > 0).sum())
            told[f"{size}-gram too short"] = int((self.runs[:, j] == 0).sum())
        return told

    def _column(self, size: int) -> int:
        if size not in self.sizes:
            raise MeasureError(
                f"Runs of {size} words were not counted.",
                f"There are {', '.join(map(str, self.sizes))}.",
            )
        return self.sizes.index(size)


def contamination(
    items: Mapping[str, str], training: Iterable[str], sizes: Sequence[int] = SIZES
) -> Contamination:
    """Look for test items in training text, which is read once and not kept.

    items      id -> text of a query or a document
    training   the training texts; a run never reaches from one into the next
    sizes      lengths of runs, in words; 8 and 13 are usual

    Raises MeasureError if there is no item, and for sizes that are repeated or below 1.
    """
    if not items:
        raise MeasureError("There is no test item.", "Give id -> text.")
    if not sizes or len(set(sizes)) != len(sizes) or min(sizes) < 1:
        raise MeasureError(f"The sizes are {tuple(sizes)}.", "Use distinct numbers such as 8, 13.")
    words = split(list(items.values()))
    hashed = _word_hashes(words)
    wholes = _wholes(words)
    runs = [_runs(words, hashed, size) for size in sizes]
    wanted = [np.unique(values) for values, _ in runs]
    present = [np.zeros(len(values), dtype=bool) for values in wanted]
    seen: set[bytes] = set()
    known = set(wholes)
    for batch in _batches(training):
        read = split(batch)
        seen |= known & set(_wholes(read))
        read_hashes = _word_hashes(read)
        for size, values, marks in zip(sizes, wanted, present, strict=True):
            if not len(values):
                continue
            occurring, _ = _runs(read, read_hashes, size)
            places = np.searchsorted(values, occurring)
            places[places == len(values)] = 0
            marks[places[values[places] == occurring]] = True
    shape = (len(items), len(sizes))
    counts, found = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for j, (values, owners) in enumerate(runs):
        marked = present[j][np.searchsorted(wanted[j], values)]
        counts[:, j] = np.bincount(owners, minlength=len(items))
        found[:, j] = np.bincount(owners[marked], minlength=len(items))
    # A text without a word is like no other.
    exact = np.array([whole in seen for whole in wholes]) & (words.lengths() > 0)
    return Contamination(tuple(items), tuple(sizes), exact, counts, found)


def restricted(scores: Scores, ids: Iterable[str]) -> Scores:
    """Return the scores of some queries only, in the scores' order: figures of the clean subset.

    Raises MeasureError if none of the ids was scored.
    """
    wanted = set(ids)
    kept = np.array([query in wanted for query in scores.queries], dtype=bool)
    if not kept.any():
        raise MeasureError("None of these queries was scored.", "Use ids of scored queries.")
    queries = tuple(query for query in scores.queries if query in wanted)
    return Scores(queries, scores.measures, scores.values[kept])


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    stream = iter(texts)
    while batch := list(islice(stream, BATCH)):
        yield batch


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _wholes(words: Words) -> list[bytes]:
    """Return one hash per text, of all its words."""
    return [_digest(" ".join(words.of(i))) for i in range(len(words))]


def _word_hashes(words: Words) -> Hashes:
    """Return (n,) the hash of every word, text after text."""
    joined = b"".join(_digest(word) for word in words.vocabulary)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)[words.ids]


def _runs(words: Words, hashed: Hashes, size: int) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return (hash of each run of `size` words, number of the text that it is in)."""
    starts = len(hashed) - size + 1
    if starts <= 0:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    values = np.zeros(starts, dtype=np.uint64)
    for i in range(size):  # sums wrap around at 2**64; the odd factor loses nothing
        values = values * FACTOR + hashed[i : i + starts]
    owners = np.repeat(np.arange(len(words)), words.lengths())
    whole = owners[:starts] == owners[size - 1 :]
    return values[whole], owners[:starts][whole]
