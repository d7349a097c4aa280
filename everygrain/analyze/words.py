"""Unicode words: the unit that the lexical leg, the static encoder and the latent encoder share.

A word is a run of letters and digits after NFKC normalisation and case folding; a Chinese or
Japanese character is a word by itself, as those scripts put no space between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\W_{_IDEOGRAPH}]+")
_ASCII_WORD = re.compile(r"[^\W_]+")


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


def of_text(text: str) -> list[str]:
    """Return the words of one text, in order."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


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

    Each stretch is normalised by itself; where normalisation makes several words of one stretch,
    each is yielded at the stretch's offsets.
    """
    for match in _WORD.finditer(text):
        for word in of_text(match.group()):
            yield match.start(), match.end(), word
