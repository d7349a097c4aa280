"""Passages: runs of whole sentences up to a budget of words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice

from everygrain.errors import InputError
from everygrain.segment.base import Segmenter
from everygrain.segment.sentences import Sentences

WORD = re.compile(r"\w+")
WHITE = re.compile(r"\s+")


@dataclass(frozen=True)
class Passages:
    """Packs whole sentences into passages of at most `words` words.

    words      budget, at least 1; a word is a run of letters, digits and underscores, so a
               script without spaces counts a clause as one word
    overlap    sentences at the end of a passage that the next one repeats, at least 0; fewer
               where the budget would leave no room for a new sentence
    sentences  finds the sentences

    A sentence above the budget is cut between words. Raises InputError for a budget or an
    overlap out of range.
    """

    words: int = 256
    overlap: int = 1
    sentences: Segmenter = field(default_factory=Sentences)

    def __post_init__(self) -> None:
        if not isinstance(self.words, int) or self.words < 1:
            raise InputError(
                f"A passage of {self.words!r} words holds nothing.", "Set 'words' to 1 or more."
            )
        if self.overlap < 0:
            raise InputError(
                f"An overlap of {self.overlap} sentences makes no sense.",
                "Set 'overlap' to 0 or more.",
            )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the passages' offsets (see Segmenter).

        A text within the budget is one passage, found without looking for its sentences.
        """
        if next(islice(WORD.finditer(text), self.words, None), None) is None:
            return _whole(text)
        pieces = [
            piece
            for start, end in self.sentences.spans(text)
            for piece in _within_budget(text, start, end, self.words)
        ]
        return list(self._packed(pieces))

    def _packed(self, pieces: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of runs of (start, end, words) pieces, each run within the budget."""
        before = list(accumulate((count for _, _, count in pieces), initial=0))
        first = 0
        for following in range(1, len(pieces) + 1):
            if following < len(pieces) and before[following + 1] - before[first] <= self.words:
                continue
            yield pieces[first][0], pieces[following - 1][1]
            first = max(first, following - self.overlap)
            # The next run has to reach past this one, so it starts where that still fits.
            while following < len(pieces) and before[following + 1] - before[first] > self.words:
                first += 1


def _whole(text: str) -> list[tuple[int, int]]:
    bare = text.strip()
    if not bare:
        return []
    start = len(text) - len(text.lstrip())
    return [(start, start + len(bare))]


def _within_budget(text: str, start: int, end: int, budget: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, words) of the parts of one sentence, each with at most `budget` words.

    A cut falls on the white space between two words or, where there is none, right before the
    second of them.
    """
    count, last_end = 0, start
    for word in WORD.finditer(text, start, end):
        if count == budget:
            gap = WHITE.search(text, last_end, word.start())
            stop, resume = gap.span() if gap else (word.start(), word.start())
            yield start, stop, count
            start, count = resume, 0
        count, last_end = count + 1, word.end()
    yield start, end, count
