"""A text asks for itself, lightly corrupted: pairs where there is nothing but text.

Source: Fast, Effective, and Self-Supervised: Transforming Masked Language Models into Universal
Lexical and Sentence Encoders (Mirror-BERT). Of its two corruptions random span masking is here;
the other, dropout, is the encoder's while it trains.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import LONGEST, body, first_passage, length, sentences, with_title
from everygrain.learn.pairs.written import Written, chance, check_at_least, check_share

GRAINS = ("sentence", "passage")


@dataclass(frozen=True, repr=False)
class Itself(Written):
    """A sentence, or a document's first passage, whole as the query and masked as the positive.

    grain     "sentence" or "passage"
    seed      which sentences and places are drawn
    each      sentences of a document at most, at least 1
    span      characters of a masked stretch, at least 1
    share     share of the characters, in [0, 1], that is masked; one stretch at least unless 0
    mask      what stands for a stretch: "[MASK]" for an encoder that knows it
    least     words that a text needs, at least 1
    passage   words of a passage, at least 1

    Raises InputError where no document has text or title.
    """

    grain: str = "sentence"
    seed: int = 0
    each: int = 1
    span: int = 5
    share: float = 0.1
    mask: str = " "
    least: int = 3
    passage: int = 256
    kind: ClassVar[str] = "itself"

    def __post_init__(self) -> None:
        check_at_least(
            self, 1, each=self.each, span=self.span, least=self.least, passage=self.passage
        )
        check_share(self, share=self.share)
        if self.grain not in GRAINS:
            raise InputError(f"itself: grain = {self.grain!r}.", f"Use {' or '.join(GRAINS)}.")

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        if not any(document.text.strip() or document.title.strip() for document in documents):
            raise InputError(
                "The source 'itself' needs texts or titles, and every one is empty.",
                "Give documents a 'text', or leave this source out.",
            )
        for document in documents:
            drawn = chance(self.seed, self.kind, document.id)
            texts = [text for text in self._texts(document) if length(text) >= self.least]
            for text in drawn.sample(texts, min(self.each, len(texts))):
                masked = corrupted(text, drawn, self.span, self.share, self.mask)
                if masked.strip():
                    yield Pair(text, masked, self.name, document.id, document.id)

    def _texts(self, document: Document) -> list[str]:
        text = body(document)
        if self.grain == "passage":
            return [with_title(document, first_passage(text, self.passage)).strip()]
        found = [text[start:end][:LONGEST] for start, end in sentences(text)]
        return [document.title.strip(), *found]


def corrupted(text: str, drawn: random.Random, span: int, share: float, mask: str) -> str:
    """Return the text with stretches of `span` characters masked, so many as make up the share.

    Stretches do not overlap. The text is laid out in slots of `span` characters from an offset
    drawn by chance, and whole slots are drawn of them; a text shorter than a span is left alone.
    """
    offset = drawn.randrange(span)
    slots = (len(text) - offset) // span
    if slots < 1 or not share:
        return text
    count = min(slots, max(1, round(share * len(text) / span)))
    parts, end = [], 0
    for slot in sorted(drawn.sample(range(slots), count)):
        start = offset + slot * span
        parts += [text[end:start], mask]
        end = start + span
    return "".join([*parts, text[end:]])
