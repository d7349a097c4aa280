"""Texts -> terms of one or two words, counted by stem, shown as they are mostly written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from everygrain_papers.topics.stop_words import ONLY_IN_PAIRS, STOP_WORDS

Numbers = npt.NDArray[np.int64]

# a command of LaTeX; a word, with its hyphens; or a mark that ends a phrase
_TOKEN = re.compile(r"\\[A-Za-z]+|[^\W_]+(?:[-'’][^\W_]+)*|[.,;:!?()\[\]{}$=/\\]")
_POSSESSIVE = re.compile(r"['’]s$|['’]$")
_NUMBER = re.compile(r"[\d-]+")
BREAK = -1
_PART_OF = 0.6  # of its occurrences: then a term is a part of a longer phrase


@dataclass(frozen=True, eq=False)
class Tokens:
    """The words of texts in order, as numbers.

    forms    every way in which a word is written, the first met first
    stems    the stems of words that count
    stem_of  (forms,) the number of a form's stem, BREAK for stop words, numbers and marks
    alone    (stems,) whether a stem may be a term by itself
    form     (tokens,) the number of each token's form;   text  (tokens,) of its text
    texts    how many texts there are
    """

    forms: tuple[str, ...]
    stems: tuple[str, ...]
    stem_of: Numbers
    alone: npt.NDArray[np.bool_]
    form: Numbers
    text: Numbers
    texts: int

    @property
    def pair(self) -> int:
        """A term of one word has its stem's number; of two, (first + 1) * pair + second."""
        return max(1, len(self.stems))

    @cached_property
    def grams(self) -> tuple[Numbers, Numbers, Numbers]:
        """Every occurrence of a term: its text, its number, the place of its first token."""
        stems = self.stem_of[self.form] if len(self.form) else np.zeros(0, dtype=np.int64)
        alone = np.append(self.alone, False)[stems]  # BREAK is the last
        single = np.flatnonzero(alone)
        follows = (stems[:-1] != BREAK) & (stems[1:] != BREAK) & (self.text[:-1] == self.text[1:])
        follows &= (stems[:-1] != stems[1:]) & (alone[:-1] | alone[1:])
        double = np.flatnonzero(follows)
        places = np.concatenate([single, double])
        numbers = np.concatenate(
            [stems[single], (stems[double] + 1) * self.pair + stems[double + 1]]
        )
        return self.text[places], numbers, places

    def stems_of(self, term: int) -> tuple[str, ...]:
        """Return the stems, one or two, of a term's number."""
        first, second = divmod(term, self.pair)
        return (self.stems[second],) if first == 0 else (self.stems[first - 1], self.stems[second])

    def number(self, stems: tuple[str, ...]) -> int | None:
        """Return the number of the term of these stems; None if no text holds them."""
        if not 1 <= len(stems) <= 2 or not all(stem in self.places for stem in stems):
            return None
        numbers = [self.places[stem] for stem in stems]
        return numbers[0] if len(numbers) == 1 else (numbers[0] + 1) * self.pair + numbers[1]

    @cached_property
    def places(self) -> dict[str, int]:
        """Stem -> its number."""
        return {stem: number for number, stem in enumerate(self.stems)}

    @cached_property
    def _by_term(self) -> tuple[Numbers, Numbers]:
        _, numbers, places = self.grams
        order = np.argsort(numbers, kind="stable")
        return numbers[order], places[order]

    def occurrences(self, term: int) -> Numbers:
        """Return the places of a term's first tokens, ascending."""
        numbers, places = self._by_term
        start, stop = np.searchsorted(numbers, [term, term + 1])
        return places[start:stop]

    def phrase(self, places: Numbers, size: int, longest: int = 4) -> tuple[int, ...]:
        """Return the forms of the phrase of which the terms at `places` are mostly a part.

        places  first tokens of a term's occurrences, at least one;   size  its words
        A term grows by the word before or after it, the commoner first, while that stands by it
        in 60 % of its occurrences: "chain monte" becomes "markov chain monte carlo".
        """
        starts, stops = places, places + size
        while stops[0] - starts[0] < longest:
            sides = [self._neighbour(starts, starts - 1), self._neighbour(starts, stops)]
            (share, side), way = max((each, -way) for way, each in enumerate(sides))
            if share < _PART_OF:
                break
            beside = stops if way else starts - 1
            kept = self._stems_at(starts, beside) == side
            starts, stops = starts[kept] + min(0, -1 - way), stops[kept] - way
        whole = np.stack([self.form[starts + i] for i in range(stops[0] - starts[0])], axis=1)
        found, first, counts = np.unique(whole, axis=0, return_index=True, return_counts=True)
        best = np.lexsort((first, -counts))[0]
        return tuple(map(int, found[best]))

    def _stems_at(self, within: Numbers, places: Numbers) -> Numbers:
        """Return the stems at places, BREAK outside the text of `within`."""
        inside = (places >= 0) & (places < len(self.form))
        safe = np.where(inside, places, 0)
        inside &= self.text[safe] == self.text[within]
        return np.where(inside, self.stem_of[self.form[safe]], BREAK)

    def _neighbour(self, within: Numbers, places: Numbers) -> tuple[float, int]:
        stems = self._stems_at(within, places)
        known = stems[stems != BREAK]
        if not len(known):
            return 0.0, BREAK
        counts = np.bincount(known)
        return float(counts.max() / len(stems)), int(counts.argmax())


def split(texts: Sequence[str]) -> Tokens:
    """Split texts into tokens.

    A form is lower-cased unless a letter after its first is a capital (LiDAR, SLAM): a capital at
    the start is mostly a title's.
    """
    from Stemmer import Stemmer

    stemmer = Stemmer("english")
    numbers: dict[str, int] = {}
    written: dict[str, int] = {}
    form: list[int] = []
    lengths = np.zeros(len(texts), dtype=np.int64)
    for place, text in enumerate(texts):
        tokens = _TOKEN.findall(text)
        lengths[place] = len(tokens)
        for token in tokens:
            number = written.get(token)
            if number is None:
                bare = _POSSESSIVE.sub("", token)
                shown = bare if bare[1:] != bare[1:].lower() else bare.lower()
                number = written[token] = numbers.setdefault(shown, len(numbers))
            form.append(number)
    forms = tuple(numbers)
    weak = set(stemmer.stemWords(sorted(ONLY_IN_PAIRS)))
    stemmed = stemmer.stemWords([each.lower() for each in forms])
    stems: dict[str, int] = {}
    stem_of = np.full(len(forms), BREAK, dtype=np.int64)
    for number, (each, stem) in enumerate(zip(forms, stemmed, strict=True)):
        lower = each.lower()
        if lower[0] == "\\" or lower in STOP_WORDS or len(lower) < 2 or _NUMBER.fullmatch(lower):
            continue
        stem_of[number] = stems.setdefault(stem, len(stems))
    return Tokens(
        forms,
        tuple(stems),
        stem_of,
        np.array([stem not in weak for stem in stems], dtype=bool),
        np.array(form, dtype=np.int64),
        np.repeat(np.arange(len(texts)), lengths),
        len(texts),
    )
