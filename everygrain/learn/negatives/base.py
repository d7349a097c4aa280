"""What a source of negatives is: pairs in, for each the ids of documents that do not answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from everygrain.document import Document
from everygrain.learn.pairs.base import Pair


@dataclass(frozen=True)
class Negatives:
    """Negatives of some pairs.

    ids       for each pair the ids of its negatives, hardest first, each once
    refused   why -> number of candidates: "own" (the documents of the pair), "duplicate" (of the
              positive's text), "margin" (scored too near to the positive, or above it),
              "unscored" (nothing is known of the positive's score, so that no margin holds)
    short     number of pairs with fewer negatives than were asked for
    """

    ids: tuple[tuple[str, ...], ...]
    refused: Mapping[str, int] = field(default_factory=dict)
    short: int = 0


@runtime_checkable
class NegativeSource(Protocol):
    """Finds negatives. A source is a frozen value."""

    def find(self, pairs: Sequence[Pair], documents: Sequence[Document]) -> Negatives:
        """Return the negatives of pairs, in their order.

        documents   those that the ids stand for; what is not among them is never a negative
        """
