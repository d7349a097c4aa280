"""Body first: a sentence of a document's first part asks for another passage of it.

Source: Pre-training Tasks for Embedding-based Large-scale Retrieval (Body First Selection).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.document import Document
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.cloze import refuse_without_text
from everygrain.learn.pairs.parts import halves, length, with_title
from everygrain.learn.pairs.written import Written, chance, check_at_least


@dataclass(frozen=True, repr=False)
class BodyFirst(Written):
    """The first part says what a document is about; the others say it in other words.

    seed      which sentences and passages are drawn
    each      pairs of a document at most, at least 1
    passage   words of a passage, at least 1
    least     words that sentence and passage need, at least 1
    titled    whether the positive has the title in front

    The first part is the first section where the metadata have sections, else the first passage,
    else the first third of the sentences (everygrain.learn.pairs.parts.halves). A document of one
    sentence gives nothing. Raises InputError where every text is empty.
    """

    seed: int = 0
    each: int = 1
    passage: int = 256
    least: int = 5
    titled: bool = True
    kind: ClassVar[str] = "body_first"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each, passage=self.passage, least=self.least)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        refuse_without_text(self, documents)
        for document in documents:
            parts = halves(document, self.passage)
            first = [text for text in parts.first if length(text) >= self.least]
            rest = [text for text in parts.rest if length(text) >= self.least]
            if not first or not rest:
                continue
            drawn = chance(self.seed, self.kind, document.id)
            drawn.shuffle(rest)
            for positive in rest[: self.each]:
                query = first[drawn.randrange(len(first))]
                if query in positive:
                    continue
                if self.titled:
                    positive = with_title(document, positive)
                yield Pair(query, positive, self.name, document.id, document.id)
