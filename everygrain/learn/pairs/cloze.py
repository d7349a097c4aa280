"""Inverse cloze: a sentence asks for the passage that it was taken out of.

Source: Pre-training Tasks for Embedding-based Large-scale Retrieval, which takes the task from
Lee, Chang and Toutanova, Latent Retrieval for Weakly Supervised Open Domain Question Answering.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import LONGEST, body, length, passages, sentences, with_title
from everygrain.learn.pairs.written import Written, chance, check_at_least, check_share


@dataclass(frozen=True, repr=False)
class Cloze(Written):
    """A sentence drawn from a passage asks for the rest of it.

    seed      which sentences are drawn
    each      pairs of a document at most, each from another passage, at least 1
    keep      share of the pairs, in [0, 1], whose positive keeps the sentence: then exact words
              count as well
    passage   words of a passage, at least 2
    least     words that the sentence and the rest need, at least 1
    titled    whether the positive has the title in front, as the index shows it to an encoder

    Passages of one sentence give nothing. Where the same sentence stands twice in the passage, all
    of its occurrences are taken out. Raises InputError where every text is empty.
    """

    seed: int = 0
    each: int = 1
    keep: float = 0.0
    passage: int = 256
    least: int = 5
    titled: bool = True
    kind: ClassVar[str] = "cloze"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each, passage=self.passage, least=self.least)
        check_share(self, keep=self.keep)

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        refuse_without_text(self, documents)
        for document in documents:
            drawn = chance(self.seed, self.kind, document.id)
            found = passages(body(document), self.passage)
            drawn.shuffle(found)
            given = 0
            for text in found:
                if given == self.each:
                    break
                taken = self._taken(text, drawn.random())
                if taken is None:
                    continue
                query, rest = taken
                positive = text if drawn.random() < self.keep else rest
                if self.titled:
                    positive = with_title(document, positive)
                yield Pair(query, positive, self.name, document.id, document.id)
                given += 1

    def _taken(self, text: str, place: float) -> tuple[str, str] | None:
        """Return a sentence and the rest of the text; None if the text is too short."""
        spans = sentences(text)
        fit = [span for span in spans if length(text[slice(*span)]) >= self.least]
        if len(spans) < 2 or not fit:
            return None
        start, end = fit[int(place * len(fit))]
        query = text[start:end]
        rest = " ".join(part for s, e in spans if (part := text[s:e]) != query)
        return (query[:LONGEST], rest) if length(rest) >= self.least else None


def refuse_without_text(source: Written, documents: Sequence[Document]) -> None:
    """Raise InputError where no document has a text."""
    if not any(document.text.strip() for document in documents):
        raise InputError(
            f"The source '{source.kind}' needs texts, and every document's is empty.",
            "Give documents a 'text', or leave this source out.",
        )
