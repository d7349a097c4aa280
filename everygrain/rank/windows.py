"""Where in a text evidence is looked for, and how long a piece of it may be.

A sentence that goes on for pages is no evidence that anyone reads: it is cut between words into
windows. And nobody waits until fifty megabytes have been cut into sentences: in a very long text
only the surroundings of the places are looked at that hold most of the query,

    weight(block) = sum of idf(t) over the query's terms t that begin a word of the block

where a block is a stretch of the text, and t stands for all words that begin as its stem does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile

import numpy as np

from everygrain.analyze import Analyzer
from everygrain.analyze.words import of_text
from everygrain.rank.query import Query
from everygrain.segment.base import Segmenter

WINDOW = 1_000  # characters of a piece of evidence, at most
LONG_TEXT = 1_000_000  # characters; a longer text is not looked at as a whole
BLOCK = 1_000  # characters
BLOCKS = 50  # of a long text that are looked at
_PLACES = 20_000  # of one term that are counted
_UNSPACED = "\u0e00"  # from here on are the scripts whose words stand side by side


def spans(text: str, weights: Mapping[str, float], segmenter: Segmenter) -> list[tuple[int, int]]:
    """Return the offsets of the pieces of a text that may be evidence, in order.

    weights   of the beginnings of words (see `beginnings`); only looked at in a long text
    """
    if len(text) <= LONG_TEXT:
        found = segmenter.spans(text)
    else:
        found = [span for part in _parts(text, weights) for span in _within(text, part, segmenter)]
    return [piece for span in found for piece in _windows(text, *span)]


def beginnings(query: Query, weights: Mapping[str, float], analyzer: Analyzer) -> dict[str, float]:
    """Return what the words of a query's terms begin with, each with its term's weight.

    weights   term -> weight
    """
    stems = dict(weights)
    found: dict[str, float] = {}
    words = of_text(query.text)
    for word, term in zip(words, analyzer.places(words), strict=True):
        if term is not None and term in weights:
            stems.pop(term, None)
            same = takewhile(lambda pair: pair[0] == pair[1], zip(word, term, strict=False))
            shared = "".join(letter for letter, _ in same)
            found[shared if len(shared) >= min(3, len(word)) else word] = weights[term]
    for term, weight in stems.items():  # of an expanded query
        found[term] = weight
    # a final y, as in happy, is an i in Snowball's stems
    return {
        each[:-1] if len(each) > 3 and each.endswith("i") else each: weight
        for each, weight in found.items()
    }


def _parts(text: str, weights: Mapping[str, float]) -> list[tuple[int, int]]:
    """Return the stretches of a long text that hold most of a query; else its beginning."""
    lowered = text.replace("İ", "I").lower()  # no other letter becomes two
    scores = np.zeros(len(text) // BLOCK + 1)
    for beginning, weight in weights.items():
        scores[list({place // BLOCK for place in _places(lowered, beginning)})] += weight
    best = np.argsort(-scores, kind="stable")[:BLOCKS]
    chosen = sorted(int(block) for block in best if scores[block] > 0) or [0]
    parts: list[tuple[int, int]] = []
    for block in chosen:
        start, end = block * BLOCK, min((block + 1) * BLOCK, len(text))
        # surroundings that overlap are looked at once: else a long sentence would be found twice
        if parts and start - parts[-1][1] < 2 * WINDOW:
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return parts


def _places(text: str, beginning: str) -> Iterator[int]:
    place = text.find(beginning) if beginning else -1
    for _ in range(_PLACES):
        if place < 0:
            return
        before = text[place - 1] if place else " "
        if beginning >= _UNSPACED or not before.isalnum():
            yield place
        place = text.find(beginning, place + 1)


def _within(text: str, part: tuple[int, int], segmenter: Segmenter) -> Iterator[tuple[int, int]]:
    """Yield the segments that reach into a part; whole where they are no longer than a window."""
    start = max(0, part[0] - WINDOW)
    for first, last in segmenter.spans(text[start : part[1] + WINDOW]):
        if start + last > part[0] and start + first < part[1]:
            yield start + first, start + last


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a span, cut between words where it is longer than a window."""
    while end - start > WINDOW:
        stop = next(
            (i for i in range(start + WINDOW, start, -1) if text[i].isspace()), start + WINDOW
        )
        yield start, stop - (len(text[start:stop]) - len(text[start:stop].rstrip()))
        start = stop
        while text[start].isspace():
            start += 1
    yield start, end
