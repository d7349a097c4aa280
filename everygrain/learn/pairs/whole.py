"""Whole long texts as answers: a title asks for all of its text, and so do sentences out of it.

Other sources answer with a passage; an encoder of long documents has to be trained on long ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.document import Document
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.cloze import refuse_without_text
from everygrain.learn.pairs.parts import LONGEST, body, length, sentences
from everygrain.learn.pairs.written import Written, chance, check_at_least


@dataclass(frozen=True, repr=False)
class Whole(Written):
    """A title, and sentences drawn by chance, each ask for the whole text without them.

    each    sentences of a document at most, at least 1
    least   words that a title, a sentence and the rest each need, at least 1
    seed    which sentences are drawn

    All drawn sentences are taken out of the text, and so is the title, so that a document's pairs
    have one and the same positive. A text of one sentence gives its title's pair alone. Raises
    InputError where every text is empty.
    """

    each: int = 4
    least: int = 5
    seed: int = 0
    kind: ClassVar[str] = "whole"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each, least=self.least)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        refuse_without_text(self, documents)
        for document in documents:
            text = body(document)
            spans = sentences(text)
            fit = [span for span in spans if length(text[slice(*span)]) >= self.least]
            if len(spans) < 2:
                fit = []
            drawn = chance(self.seed, self.kind, document.id)
            taken = {text[slice(*span)] for span in drawn.sample(fit, min(self.each, len(fit)))}
            rest = " ".join(part for s, e in spans if (part := text[s:e]) not in taken)
            if length(rest) < self.least:
                continue
            title = document.title.strip()
            if length(title) >= self.least:
                yield Pair(title, rest, self.name, document.id, document.id)
            for query in sorted(taken):
                yield Pair(query[:LONGEST], rest, self.name, document.id, document.id)
