"""Near-duplicate texts with titles of their own: one title asks for the other.

Source: A Massive Scale Semantic Similarity Dataset of Historical English, whose pairs are the
headlines that newspapers wrote for the same wire article.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.clusters import Ids, clusters
from everygrain.learn.pairs.parts import body
from everygrain.learn.pairs.written import Written, chance, check_at_least, check_share

LONGEST = 20_000


@dataclass(frozen=True, repr=False)
class DuplicateTitles(Written):
    """Titles of texts that are near-duplicates, and are not nearly the same themselves.

    jaccard   share of common runs of three words, in (0, 1], that makes texts near-duplicates
    apart     share of common words of two titles, in [0, 1], from which one is taken for a copy
              of the other
    seed      which pairs of a cluster are drawn, and which title asks
    each      pairs of a cluster at most, at least 1

    Texts are compared without the titles that they begin with, in their first LONGEST characters.
    A collection without near-duplicates gives nothing. Raises InputError where fewer than two
    documents have a title and a text.
    """

    jaccard: float = 0.5
    apart: float = 0.8
    seed: int = 0
    each: int = 10
    kind: ClassVar[str] = "duplicates"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each)
        check_share(self, jaccard=self.jaccard, apart=self.apart)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        titled = [each for each in documents if of_text(each.title) and each.text.strip()]
        if len(titled) < 2:
            raise InputError(
                "The source 'duplicates' needs two documents with title and text at least.",
                "Give documents a 'title' and a 'text', or leave this source out.",
            )
        for members in grouped(duplicate_clusters(titled, self.jaccard)):
            found = sorted((titled[place] for place in members), key=lambda each: each.id)
            drawn = chance(self.seed, self.kind, found[0].id)
            drawn.shuffle(found)
            given = 0
            for one, other in combinations(found, 2):
                if given == self.each:
                    break
                if _likeness(one.title, other.title) < self.apart:
                    yield Pair(one.title, other.title, self.name, one.id, other.id)
                    given += 1


def duplicate_clusters(documents: Sequence[Document], jaccard: float = 0.5) -> Ids:
    """Return (n,) int64: the place of the first document of each one's cluster of near-duplicate
    texts; a document without text is alone."""
    return clusters([body(each)[:LONGEST] for each in documents], jaccard=jaccard)


def grouped(leaders: Ids) -> Iterator[list[int]]:
    """Yield the places of each cluster of two or more, in order of its first."""
    members: dict[int, list[int]] = {}
    for place, leader in enumerate(leaders.tolist()):
        members.setdefault(leader, []).append(place)
    yield from (places for places in members.values() if len(places) > 1)


def _likeness(one: str, other: str) -> float:
    first, second = set(of_text(one)), set(of_text(other))
    return len(first & second) / max(len(first | second), 1)
