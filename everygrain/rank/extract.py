"""Long documents for a scorer that reads little: the sentences that speak to the query, in order.

    scorer = ExtractThenScore(CrossEncoderScorer("folder"), QueryWeighted(rarity))
    index.retriever("hybrid") % 50 >> Cross(scorer, index.fetch)

Sentences are chosen one by one until the words are used up, each time the one with the highest

    score(s) = (1 + front (1 - i / n)) * sum of w(t) over the query's terms t that s holds

where i of n is its place. w(t) starts as the term's inverse document frequency, and is multiplied
by `decay` with every chosen sentence that holds t, so that no term is spoken of by all sentences
while another is by none. The first sentences, under which a title stands, are always kept; what
no sentence speaks to leaves room for the text's beginning. `cross_calibrated` makes the scores of
such a component and those of others comparable.

Source: Pre-trained Language Model based Ranking in Baidu Search. Its query-weighted extraction;
the weight of the front and the room for the beginning are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer
from everygrain.analyze.words import locate, of_text
from everygrain.errors import QueryError
from everygrain.rank.base import PairScorer
from everygrain.rank.legs import View
from everygrain.segment.base import Segmenter
from everygrain.segment.sentences import Sentences

Part = tuple[int, int]


@dataclass(frozen=True)
class Rarity:
    """How much a term says, by how few documents hold it: ln(1 + (n - df + 0.5) / (df + 0.5)).

    count     n documents
    holders   term -> df, how many documents hold it
    analyzer  makes terms of words
    """

    count: int
    holders: Callable[[str], int]
    analyzer: Analyzer

    def __repr__(self) -> str:
        return f"Rarity({self.count} documents)"

    @classmethod
    def of(cls, texts: Sequence[str], analyzer: Analyzer) -> Rarity:
        """Count the terms of some texts."""
        found: Counter[str] = Counter()
        for text in texts:
            found.update(set(analyzer.query(text)))
        return cls(len(texts), partial(_held, found), analyzer)

    @classmethod
    def of_view(cls, view: View) -> Rarity:
        """Use the live documents of an index's generation."""

        @lru_cache(maxsize=4096)  # asked again for each document of a query
        def holders(term: str) -> int:
            return len(view.snapshot.postings(term).documents)

        return cls(view.snapshot.count, holders, view.analyzer)

    def weights(self, query: str) -> dict[str, float]:
        """Return term -> weight of a query's terms, each as often as it occurs there."""
        return {
            term: count * float(np.log1p((self.count - held + 0.5) / (held + 0.5)))
            for term, count in Counter(self.analyzer.query(query)).items()
            for held in [min(self.holders(term), self.count)]
        }


def _held(counts: Counter[str], term: str) -> int:
    return counts[term]


@dataclass(frozen=True)
class QueryWeighted:
    """Chooses the sentences of a text that speak to a query.

    rarity     weights of terms
    words      of the summary at most, at least 1; a sentence that is longer than what is left is
               cut there. A text of no more words is kept as it is
    decay      of a term's weight, in [0, 1]: 1 lets one term choose all, 0 counts each term once
    front      what the beginning is worth, at least 0
    first      sentences from the beginning that are always kept, at least 0
    segmenter  finds the sentences

    Raises QueryError for a setting out of range.
    """

    rarity: Rarity
    words: int = 150
    decay: float = 0.5
    front: float = 0.2
    first: int = 1
    segmenter: Segmenter = field(default_factory=Sentences)

    def __post_init__(self) -> None:
        if self.words < 1 or not 0 <= self.decay <= 1 or self.front < 0 or self.first < 0:
            raise QueryError(
                f"{self!r} has a setting out of range.",
                "Use 1 word or more, a decay in [0, 1], and front and first of 0 or more.",
            )

    def parts(self, query: str, text: str) -> list[Part]:
        """Return the chosen sentences' offsets in the text, in its order."""
        segmenter: Any = self.segmenter  # a value, and so hashable
        spans, lengths, terms = _sentences(segmenter, self.rarity.analyzer, text)
        if sum(lengths) <= self.words:
            return list(spans)
        weights = self.rarity.weights(query)
        column = {term: place for place, term in enumerate(weights)}
        held = np.zeros((len(spans), len(weights)))
        for row, each in enumerate(terms):
            for term in each & column.keys():
                held[row, column[term]] = 1.0
        chosen: list[Part] = []
        left = self.words
        for place in self._order(held, np.array(list(weights.values()))):
            if left <= 0:
                break
            if lengths[place]:
                chosen.append(_cut(text, spans[place], left))
                left -= lengths[place]
        return sorted(chosen)

    def _order(self, held: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> list[int]:
        """Return all sentences, those first that are taken first.

        held      (n, t): 1 where a sentence holds a term
        weights   (t,) of the terms, at the start
        """
        total = len(held)
        front = 1 + self.front * (1 - np.arange(total) / total)
        waiting = np.ones(total, dtype=bool)
        order: list[int] = []
        # a summary has no room for more sentences than words
        for number in range(min(total, self.first + self.words)):
            best = number
            if number >= self.first:
                scores = np.where(waiting, front * (held @ weights), 0.0)
                best = int(scores.argmax())
                if not scores[best] > 0:
                    break
            order.append(best)
            waiting[best] = False
            weights = weights * np.where(held[best] > 0, self.decay, 1.0)
        return order + np.flatnonzero(waiting).tolist()

    def summary(self, query: str, text: str) -> str:
        """Return the chosen sentences, joined by spaces."""
        return " ".join(text[start:end] for start, end in self.parts(query, text))


@lru_cache(maxsize=256)  # the same long documents come back for many queries
def _sentences(
    segmenter: Segmenter, analyzer: Analyzer, text: str
) -> tuple[tuple[Part, ...], tuple[int, ...], tuple[frozenset[str], ...]]:
    """Return the offsets of a text's sentences, how many words each has, and its terms."""
    spans = tuple(segmenter.spans(text))
    words = [of_text(text[start:end]) for start, end in spans]
    terms = tuple(
        frozenset(term for term in analyzer.places(each) if term is not None) for each in words
    )
    return spans, tuple(map(len, words)), terms


def _cut(text: str, span: Part, words: int) -> Part:
    """Return a span without the words after the first so many; whole where there are none."""
    start, end = span
    last = start
    for count, (_, stop, _) in enumerate(locate(text[start:end]), 1):
        if count > words:
            return start, last
        last = start + stop
    return span


@dataclass(frozen=True)
class FirstWords:
    """Truncation, to compare with: the text's first so many words."""

    words: int = 256

    def summary(self, query: str, text: str) -> str:
        start, end = _cut(text, (0, len(text)), self.words)
        return text[start:end]


@dataclass(frozen=True)
class ExtractThenScore:
    """A PairScorer that reads summaries instead of texts."""

    scorer: PairScorer
    extract: QueryWeighted | FirstWords

    def score(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return self.scorer.score(query, [self.extract.summary(query, text) for text in texts])
