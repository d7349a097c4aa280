"""Representative words: of two sets of words, the one that says more about a document.

The weight of a word of a document is its part of the divergence between the document's
distribution of terms and the collection's, p(w|d) log2(p(w|d) / p(w|C)), where that is above 0
and no accident: where the log-likelihood ratio of its counts here and elsewhere is above 3.84, as
one word in twenty's is by chance. Weights over their sum are the distribution that both sets are
drawn from, without repeats. The more likely set is the more representative one.

B-PROP takes p(w|d) from BERT's attention, and its gain over counts is that alone; here it is the
share of occurrences, which every collection has.

Source: B-PROP: Bootstrapped Pre-training with Representative Words Prediction for Ad-hoc Retrieval.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import is_mark, split
from everygrain.document import Document
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.cloze import refuse_without_text
from everygrain.learn.pairs.parts import body, first_passage, with_title
from everygrain.learn.pairs.written import Written, chance, check_at_least

_AT_ONCE = 2_000
_CHANCE = 3.84


@dataclass(frozen=True)
class WordSets:
    """Two sets of words of one document, of one size.

    margin   natural logarithm of how much likelier the first set is, at least 0
    """

    document_id: str
    more: tuple[str, ...]
    less: tuple[str, ...]
    margin: float


@dataclass(frozen=True, repr=False)
class RepresentativeWords(Written):
    """Sets of words drawn from a document; the more representative one asks for the document.

    seed      which words are drawn
    each      pairs of sets of a document, at least 1
    words     mean size of a set, at least 1: sizes are Poisson, and 1 at least
    passage   words of the positive, at least 1
    titled    whether the positive has the title in front

    A document with fewer than two words that stand out gives nothing; so do documents all alike,
    whose words are the collection's. Raises InputError where every text is empty.
    """

    seed: int = 0
    each: int = 1
    words: int = 5
    passage: int = 256
    titled: bool = True
    kind: ClassVar[str] = "words"

    def __post_init__(self) -> None:
        check_at_least(self, 1, each=self.each, words=self.words, passage=self.passage)

    def sets(self, documents: Sequence[Document]) -> Iterator[WordSets]:
        """Yield the pairs of sets. Raises InputError where every text is empty."""
        refuse_without_text(self, documents)
        # what the positive shows: words from beyond it would ask for what it does not hold
        texts = [first_passage(body(document), self.passage) for document in documents]
        background: Counter[str] = Counter()
        for _, names, counts in _counted(texts):
            background.update(dict(zip(names, counts.tolist(), strict=True)))
        total = background.total()
        for place, names, counts in _counted(texts):
            everywhere = np.array([background[name] for name in names], dtype=np.float64)
            weights = contrast(counts, everywhere, total)
            weights[[is_mark(name) for name in names]] = 0.0
            yield from self._drawn(documents[place].id, names, weights)

    def _drawn(
        self, identity: str, names: Sequence[str], weights: npt.NDArray[np.float64]
    ) -> Iterator[WordSets]:
        # by name, so that the draw does not follow from the place in the vocabulary
        order = sorted(np.flatnonzero(weights).tolist(), key=lambda place: names[place])
        if len(order) < 2:
            return
        likely = weights[order] / weights[order].sum()
        drawn = np.random.default_rng(chance(self.seed, self.kind, identity).getrandbits(64))
        for _ in range(self.each):
            size = min(max(1, int(drawn.poisson(self.words))), len(order) - 1)
            sets = []
            for _ in range(2):
                picked = drawn.choice(len(order), size, replace=False, p=likely)
                words = tuple(names[order[place]] for place in picked)
                sets.append((math.fsum(np.log(likely[picked])), words))
            if set(sets[0][1]) == set(sets[1][1]):
                continue
            less, more = sorted(sets)
            yield WordSets(identity, more[1], less[1], more[0] - less[0])

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        by_id = {document.id: document for document in documents}
        for each in self.sets(documents):
            document = by_id[each.document_id]
            positive = first_passage(body(document), self.passage)
            if self.titled:
                positive = with_title(document, positive)
            yield Pair(" ".join(each.more), positive, self.name, document.id, document.id)


def contrast(
    counts: npt.NDArray[np.int64], everywhere: npt.NDArray[np.float64], total: float
) -> npt.NDArray[np.float64]:
    """Return (n,) weights in bits, at least 0, of a document's words.

    counts       (n,) occurrences in the document, at least 1
    everywhere   (n,) occurrences in the collection, the document included
    total        occurrences of all words in the collection
    """
    here = counts / max(counts.sum(), 1)
    weights: npt.NDArray[np.float64] = here * np.log2(here * total / everywhere)
    length = counts.sum()
    rest = np.maximum(everywhere - counts, 0)
    expected_rest = everywhere * (total - length) / total
    # where nothing is left elsewhere, its term is 0
    ratios = np.divide(rest, expected_rest, out=np.ones(len(rest)), where=rest > 0)
    elsewhere = rest * np.log(ratios)
    ratio = 2 * (counts * np.log(here * total / everywhere) + elsewhere)
    return np.where((weights > 0) & (ratio > _CHANCE), weights, 0.0)


def _counted(
    texts: Sequence[str],
) -> Iterator[tuple[int, list[str], npt.NDArray[np.int64]]]:
    """Yield for each text its place, its words, and how often each occurs."""
    for start in range(0, len(texts), _AT_ONCE):
        found = split(texts[start : start + _AT_ONCE])
        for place in range(len(found)):
            ids = found.ids[found.offsets[place] : found.offsets[place + 1]]
            words, counts = np.unique(ids, return_counts=True)
            yield start + place, [found.vocabulary[word] for word in words.tolist()], counts
