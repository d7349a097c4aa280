"""Synonyms, and synonyms with their glosses, from WordNet.

Source: Massively Multilingual Lexical Specialization of Multilingual Transformers, which takes
both from BabelNet. Other languages come in through tables that join by WordNet's offsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from everygrain.analyze.words import of_text, split
from everygrain.document import Document
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.wordnet import Synset, folder_of, synsets
from everygrain.learn.pairs.written import Written, chance, check_at_least


@dataclass(frozen=True, repr=False)
class Synonyms(Written):
    """Two words of one meaning ask for each other.

    folder   WordNet's folder; empty for the usual places
    tables   files of other languages' words (see everygrain.learn.pairs.wordnet)
    known    whether only words count that the documents hold, and meanings with one of them
    seed     which pairs are drawn
    each     pairs of a meaning at most, at least 1

    Ids of the pairs are WordNet's, not documents'. Raises InputError where WordNet is not there.
    """

    folder: str = ""
    tables: tuple[str, ...] = ()
    known: bool = True
    seed: int = 0
    each: int = 2
    kind: ClassVar[str] = "synonyms"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        held = vocabulary(documents) if self.known else None
        for synset in synsets(folder_of(self.folder), self.tables):
            if not any(is_held(word, held) for word in synset.words):
                continue
            found = list(combinations(synset.words, 2))
            drawn = chance(self.seed, self.kind, synset.id)
            for one, other in drawn.sample(found, min(self.each, len(found))):
                if of_text(one) != of_text(other):
                    yield Pair(one, other, self.name, synset.id, synset.id)


@dataclass(frozen=True, repr=False)
class Glosses(Written):
    """A word asks for the definition of one of its meanings.

    folder, tables, known, seed, each   as in Synonyms; each counts the words of a meaning

    Raises InputError where WordNet is not there.
    """

    folder: str = ""
    tables: tuple[str, ...] = ()
    known: bool = True
    seed: int = 0
    each: int = 1
    kind: ClassVar[str] = "glosses"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        held = vocabulary(documents) if self.known else None
        for synset in synsets(folder_of(self.folder), self.tables):
            words = [word for word in synset.words if is_held(word, held)]
            if not words or not synset.definition:
                continue
            drawn = chance(self.seed, self.kind, synset.id)
            for word in drawn.sample(words, min(self.each, len(words))):
                yield Pair(word, synset.definition, self.name, synset.id, synset.id)


def vocabulary(documents: Sequence[Document]) -> frozenset[str]:
    """Return the words of all titles and texts."""
    held: set[str] = set()
    for start in range(0, len(documents), 2_000):
        some = documents[start : start + 2_000]
        held.update(split([f"{document.title} {document.text}" for document in some]).vocabulary)
    return frozenset(held)


def is_held(entry: str, held: frozenset[str] | None) -> bool:
    """Say whether the vocabulary has every word of an entry; every entry where it is None."""
    words = of_text(entry)
    return bool(words) and (held is None or held.issuperset(words))


__all__ = ["Glosses", "Synonyms", "Synset", "is_held", "vocabulary"]
