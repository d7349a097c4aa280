"""BM25 over title and text as weighted fields, with phrases.

    score(q, d) = sum_t w(t) * idf(t) * tf / (tf + k1 * (1 - b + b * length / mean length))
    idf(t) = ln(1 + (N - n(t) + 0.5) / (n(t) + 0.5))

w(t) is how often the query holds the term, or its weight where the query was expanded. tf and
length are sums over the fields, each times its weight, before saturation: the simple
BM25 extension to weighted fields (Robertson, Zaragoza and Taylor). Statistics are those of the
live documents. A document's score is summed over the terms in one order, in float32, so that it
is the same bit for bit however the documents lie in segments.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import QueryError
from everygrain.index.files import Arrays
from everygrain.index.snapshot import Snapshot
from everygrain.rank.query import Query

_CACHE_BYTES = 256 * 2**20

Impacts = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class BM25:
    """k1 (>= 0) and b (0 to 1), and what an occurrence in each field counts (>= 0).

    The defaults did best on average over six development collections, a little above 1.2 and
    .75.
    """

    k1: float = 1.5
    b: float = 0.6
    title: float = 1.0
    text: float = 1.0

    def __post_init__(self) -> None:
        if not (self.k1 >= 0 and 0 <= self.b <= 1 and self.title >= 0 and self.text >= 0):
            raise QueryError(
                f"{self} is out of range.", "Use k1 >= 0, 0 <= b <= 1 and field weights >= 0."
            )


class Lexical:
    """Scores the documents of one snapshot; what a term adds to each document is remembered."""

    def __init__(self, snapshot: Snapshot, bm25: BM25) -> None:
        self.snapshot = snapshot
        self.bm25 = bm25
        self._impacts: OrderedDict[str, Impacts] = OrderedDict()
        self._bytes = 0
        live = snapshot.live
        titles = int(snapshot.title_lengths[live].sum(dtype=np.int64))
        texts = int(snapshot.text_lengths[live].sum(dtype=np.int64))
        self.mean_length = (bm25.title * titles + bm25.text * texts) / max(snapshot.count, 1)
        lengths = bm25.title * snapshot.title_lengths + bm25.text * snapshot.text_lengths
        self._norms = self.saturation(lengths.astype(np.float64))

    def saturation(self, lengths: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Return k1 * (1 - b + b * length / mean length)."""
        relative = lengths / self.mean_length if self.mean_length > 0 else lengths
        return (self.bm25.k1 * (1 - self.bm25.b + self.bm25.b * relative)).astype(np.float32)

    def idf(self, holders: int) -> np.float32:
        """Return the inverse document frequency of a term that so many live documents hold."""
        return np.float32(np.log1p((self.snapshot.count - holders + 0.5) / (holders + 0.5)))

    def impacts(self, term: str) -> Impacts:
        """Return (documents, what the term adds to each): only live documents with tf > 0."""
        found = self._impacts.get(term)
        if found is not None:
            self._impacts.move_to_end(term)
            return found
        documents, counts = self._occurrences(term)
        weight = self.idf(len(documents))
        if not (self.bm25.title and self.bm25.text):
            held = counts > 0
            documents, counts = documents[held], counts[held]
        beside = self._norms.take(documents)
        beside += counts
        counts /= beside
        counts *= weight
        self._remember(term, (documents, counts))
        return documents, counts

    def _occurrences(self, term: str) -> Impacts:
        """Return the live documents that hold a term, and tf in each.

        It is what takes the time of a term's first query. So columns of the segments are copied
        once, into the types that scores need; indices of the machine's own width are added at
        without a conversion.
        """
        snapshot, documents, titles, texts = self.snapshot, [], [], []
        for i, (base, segment) in enumerate(zip(snapshot.bases, snapshot.segments, strict=True)):
            found = segment.postings(term)
            if found is None:
                continue
            places, in_title, in_text = found
            if snapshot.dead[i] is not None:
                keep = snapshot.live_in(i)[places]
                places, in_title, in_text = places[keep], in_title[keep], in_text[keep]
            documents.append(places + np.int32(base) if base else places)
            titles.append(in_title)
            texts.append(in_text)
        if not documents:
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.float32)
        frequency = _weighed(titles, self.bm25.title)
        frequency += _weighed(texts, self.bm25.text)
        return np.concatenate(documents, dtype=np.intp), frequency

    def _remember(self, term: str, impacts: Impacts) -> None:
        self._impacts[term] = impacts
        self._bytes += impacts[0].nbytes + impacts[1].nbytes
        while self._bytes > _CACHE_BYTES and len(self._impacts) > 1:
            _, dropped = self._impacts.popitem(last=False)
            self._bytes -= dropped[0].nbytes + dropped[1].nbytes

    def scores(
        self, query: Query, allowed: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.float32]:
        """Return (snapshot.size,) float32 scores; 0 where no term occurs or it is not allowed."""
        scores = np.zeros(self.snapshot.size, dtype=np.float32)
        for term, weight in query.terms:
            documents, impacts = self.impacts(term)
            np.add.at(scores, documents, impacts if weight == 1 else impacts * weight)
        for phrase in query.phrases:
            scores[~self.holds_phrase(phrase)] = 0
        if allowed is not None:
            scores[~allowed] = 0
        return scores

    def holds_phrase(self, phrase: tuple[str | None, ...]) -> npt.NDArray[np.bool_]:
        """Return (snapshot.size,) whether a document's title or text holds the phrase."""
        held = np.zeros(self.snapshot.size, dtype=bool)
        for base, segment in zip(self.snapshot.bases, self.snapshot.segments, strict=True):
            numbers = [-1 if t is None else segment.term_number(t) for t in phrase]
            if any(number is None for number in numbers):
                continue
            wanted = np.array(numbers, dtype=np.int32)
            candidates = _holding_all(segment.lexical, np.unique(wanted[wanted >= 0]))
            places = _with_run(segment.lexical, candidates, wanted)
            held[base + places] = True
        return held & self.snapshot.live


def _weighed(counts: list[npt.NDArray[np.uint16]], weight: float) -> npt.NDArray[np.float32]:
    column = np.concatenate(counts, dtype=np.float32)
    if weight != 1:
        column *= np.float32(weight)
    return column


def _holding_all(lexical: Arrays, terms: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return the places of documents that hold every term, shortest list first."""
    starts, documents = lexical["starts"], lexical["documents"]
    lists = sorted((documents[starts[t] : starts[t + 1]] for t in terms), key=len)
    found = lists[0]
    for other in lists[1:]:
        found = np.intersect1d(found, other, assume_unique=True)
    return found.astype(np.int64)


def _with_run(
    lexical: Arrays,
    candidates: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.int32],
) -> npt.NDArray[np.int64]:
    """Return those candidates whose title or text holds the terms one after the other."""
    starts = lexical["token_offsets"][candidates]
    lengths = lexical["token_offsets"][candidates + 1] - starts
    owner = np.repeat(np.arange(len(candidates)), lengths)
    first = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    within = np.arange(len(owner)) - first[owner]
    tokens = lexical["tokens"][starts[owner] + within]
    in_text = within >= lexical["title_tokens"][candidates][owner]
    span = len(wanted)
    if len(tokens) < span:
        return np.zeros(0, dtype=np.int64)
    last = len(tokens) - span + 1
    match = np.ones(last, dtype=bool)
    for i, number in enumerate(wanted):
        match &= tokens[i : last + i] == number
    match &= owner[:last] == owner[span - 1 :]
    match &= in_text[:last] == in_text[span - 1 :]
    return candidates[np.unique(owner[:last][match])]
