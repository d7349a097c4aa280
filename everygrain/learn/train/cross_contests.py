"""What a cross-encoder learns from: pairs of a query and a text, of which the first should win.

`word_sets` compares two sets of words for one document, as B-PROP pre-trains; `against_negatives`
compares a query's own text with texts that do not answer it.

Source: B-PROP: Bootstrapped Pre-training with Representative Words Prediction for Ad-hoc Retrieval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.parts import body, first_passage, with_title
from everygrain.learn.pairs.words import RepresentativeWords


@dataclass(frozen=True)
class Contest:
    """Two or more (query, text), the first of which fits best.

    Raises InputError for fewer than two.
    """

    pairs: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if len(self.pairs) < 2:
            raise InputError(
                f"A contest has {len(self.pairs)} pairs.", "Give a winner and one other or more."
            )


Show = Callable[[Document], str]


def bare(words: int = 256) -> Show:
    """Return what shows a document without its title, for queries that are titles."""
    return lambda document: first_passage(body(document), words)


def titled(words: int = 256) -> Show:
    """Return what shows a document under its title, as a reranker reads it."""
    return lambda document: with_title(document, first_passage(body(document), words))


def word_sets(source: RepresentativeWords, documents: Sequence[Document]) -> Iterator[Contest]:
    """Yield a contest of each two sets of words: the more representative one fits the document."""
    show = titled(source.passage) if source.titled else bare(source.passage)
    by_id = {document.id: document for document in documents}
    for each in source.sets(documents):
        text = show(by_id[each.document_id])
        yield Contest(((" ".join(each.more), text), (" ".join(each.less), text)))


def against_negatives(
    pairs: Sequence[Pair], negatives: Negatives, documents: Sequence[Document], show: Show
) -> Iterator[Contest]:
    """Yield a contest of each pair that has negatives.

    show   how a negative is shown: as the pairs' source shows positives, or their form alone
           would tell them apart
    """
    by_id = {document.id: document for document in documents}
    for pair, found in zip(pairs, negatives.ids, strict=True):
        others = [text for name in found if (text := show(by_id[name]))]
        if others:
            yield Contest(tuple((pair.query, text) for text in (pair.positive, *others)))
