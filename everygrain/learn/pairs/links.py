"""Link prediction: a sentence of a document's first part asks for a document that it cites.

Source: Pre-training Tasks for Embedding-based Large-scale Retrieval (Wiki Link Prediction).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.document import Document
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import halves, length, passages, with_title
from everygrain.learn.pairs.references import KEYS, cited, references
from everygrain.learn.pairs.written import Written, chance, check_at_least


@dataclass(frozen=True, repr=False)
class Links(Written):
    """Documents that cite each other are about related things, in words of two authors.

    key       the metadata key that lists references by id or title; empty for the usual ones
    seed      which sentences, references and passages are drawn
    each      pairs of a citing document at most, at least 1
    passage   words of a passage, at least 1
    least     words that the sentence needs, at least 1
    titled    whether the positive has the cited document's title in front

    A document without text asks by its title. Raises InputError where no document lists references.
    """

    key: str = ""
    seed: int = 0
    each: int = 4
    passage: int = 256
    least: int = 5
    titled: bool = True
    kind: ClassVar[str] = "links"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each, passage=self.passage, least=self.least)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        rows = references(documents, [self.key] if self.key else KEYS)
        for place, (document, row) in enumerate(zip(documents, rows, strict=True)):
            others = list(cited(place, row))
            if not others:
                continue
            drawn = chance(self.seed, self.kind, document.id)
            asked = [t for t in halves(document, self.passage).first if length(t) >= self.least]
            asked = asked or [document.title.strip()]
            for other in drawn.sample(others, min(self.each, len(others))):
                found = passages(documents[other].text, self.passage)
                positive = found[drawn.randrange(len(found))] if found else ""
                if self.titled or not positive:
                    positive = with_title(documents[other], positive).strip()
                query = asked[drawn.randrange(len(asked))]
                if query and positive:
                    yield Pair(query, positive, self.name, document.id, documents[other].id)
