"""Unicode words: the unit that the lexical leg, the static encoder and the latent encoder share.

A word is a run of letters and digits, with the marks on them, after NFKC normalisation and case
folding; a character of Chinese, Japanese, Thai, Lao, Burmese or Khmer is a word by itself, as those
scripts put no space between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_FIRST_WHOLE_WORD = "\u0e00"
_ASCII_WORD = re.compile(r"[^\W_]+")
# what each ASCII character becomes before a text is cut at spaces, three times as fast as matching
_ASCII_LOWERED = "".join(chr(i).lower() if chr(i).isalnum() else " " for i in range(128))
# dashes, quotation marks and the like: most of what makes an English text more than ASCII
_TYPOGRAPHIC = re.compile("[\u00a0\u2013\u2014\u2018\u2019\u201c\u201d\u2026]")
# what normalisation may join to the character before: jamo, half-width voicing
_JOINING = "\u1160-\u11ff\uff9e\uff9f"


@dataclass(frozen=True)
class Words:
    """The words of some texts, in columns.

    vocabulary   the distinct words, in order of first occurrence
    ids          (n,) int32, places in the vocabulary, text after text
    offsets      (texts + 1,) int64; text i holds ids[offsets[i]:offsets[i + 1]]
    """

    vocabulary: Sequence[str]
    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self) -> npt.NDArray[np.int64]:
        """Return the number of words of each text."""
        return np.diff(self.offsets)

    def of(self, text: int) -> list[str]:
        """Return the words of one text, in order."""
        return [self.vocabulary[i] for i in self.ids[self.offsets[text] : self.offsets[text + 1]]]

    def take(self, texts: npt.NDArray[np.int64]) -> Words:
        """Return the same texts in another order or number; the vocabulary stays whole."""
        lengths = self.lengths()[texts]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        shift = np.repeat(self.offsets[:-1][texts] - offsets[:-1], lengths)
        return Words(self.vocabulary, self.ids[np.arange(offsets[-1]) + shift], offsets)

    def compact(self) -> Words:
        """Return the same texts over the words that they hold, in order of first occurrence: what
        `split` gives for them alone."""
        first = np.full(len(self.vocabulary), len(self.ids), dtype=np.int64)
        np.minimum.at(first, self.ids, np.arange(len(self.ids)))
        order = np.argsort(first, kind="stable")[: int((first < len(self.ids)).sum())]
        places = np.empty(len(self.vocabulary), dtype=np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return Words([self.vocabulary[i] for i in order], places[self.ids], self.offsets)


def is_mark(word: str) -> bool:
    """Tell whether a word is a single letter or digit: as often an initial or a list mark as a
    word. Single characters of scripts that put no space between words are words."""
    return len(word) == 1 and word < _FIRST_WHOLE_WORD


def of_text(text: str) -> list[str]:
    """Return the words of one text, in order."""
    if text.isascii():
        return text.translate(_ASCII_LOWERED).split()
    plain = _TYPOGRAPHIC.sub(" ", text)
    if plain.isascii():
        return plain.translate(_ASCII_LOWERED).split()
    return _patterns()[0].findall(_folded(text))


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    # folding takes some letters apart again, and leaves a dot of its own on the Turkish I
    return unicodedata.normalize("NFKC", folded.replace("i\u0307", "i"))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a word and of a character with its marks.

    Python's \\w leaves combining marks out, which would cut Hindi or Tamil words at every vowel.
    """
    marks = "".join(c for c in map(chr, range(0x10000)) if unicodedata.category(c)[0] == "M")
    letter = rf"[^\W_{_UNSPACED}]"
    return (
        re.compile(rf"{letter}+(?:[{marks}]+{letter}*)*|(?![\W_])[{_UNSPACED}][{marks}]*"),
        re.compile(rf"(?s:.)[{marks}{_JOINING}]*"),
    )


def split(texts: Sequence[str]) -> Words:
    """Split texts into words."""
    numbered: defaultdict[str, int] = defaultdict()
    numbered.default_factory = numbered.__len__
    lists = [of_text(text) for text in texts]
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(words) for words in lists], out=offsets[1:])
    ids = np.fromiter(
        map(numbered.__getitem__, chain.from_iterable(lists)), np.int32, int(offsets[-1])
    )
    return Words(list(numbered), ids, offsets)


def locate(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, word) for the words of a text, at their offsets in the text as it is.

    Where normalisation makes one character several, each word of them gets that character's
    offsets.
    """
    if text.isascii():
        for match in _ASCII_WORD.finditer(text):
            yield match.start(), match.end(), match.group().lower()
        return
    word, cluster = _patterns()
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    for each in cluster.finditer(text):
        piece = _folded(each.group())
        folded.append(piece)
        places += [each.span()] * len(piece)
    for match in word.finditer("".join(folded)):
        yield places[match.start()][0], places[match.end() - 1][1], match.group()
