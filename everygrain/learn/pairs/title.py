"""Title -> text: the question that every document answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import body, first_passage
from everygrain.learn.pairs.written import Written, check_at_least


@dataclass(frozen=True, repr=False)
class Title(Written):
    """A title asks for the first passage of its text, from which the title is taken away.

    passage   words of the positive, at least 1
    least     words that a title needs, at least 1

    A text that says no more than its title gives no pair. Raises InputError where no document has
    a title.
    """

    passage: int = 256
    least: int = 2
    kind: ClassVar[str] = "title"

    def __post_init__(self) -> None:
        check_at_least(self, 1, passage=self.passage, least=self.least)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        if not any(document.title.strip() for document in documents):
            raise InputError(
                "The source 'title' needs titles, and no document has one.",
                "Give documents a 'title', or leave this source out.",
            )
        for document in documents:
            title = document.title.strip()
            words = of_text(title)
            if len(words) < self.least:
                continue
            positive = first_passage(body(document), self.passage)
            # the rest of a text that only repeats its title is nothing, or the title again
            if not set(of_text(positive)) <= set(words):
                yield Pair(title, positive, self.name, document.id, document.id)
