"""Which spans of a document speak for it: its sentences or passages, scored by both legs.

    lexical(s) = sum of idf(t) over the query's terms in s / the same over all of its terms
    dense(s)   = cosine of s and the query

combined as documents are (`combine_scores`), over all spans that are compared. A span has at most
a thousand characters, and in a very long text not all are compared (`everygrain.rank.windows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import of_text
from everygrain.document import Document, Evidence, Grain, Span
from everygrain.rank import windows
from everygrain.rank.fuse import combine_scores
from everygrain.rank.legs import View
from everygrain.rank.query import Query
from everygrain.segment.base import Segmenter


@dataclass(frozen=True)
class Candidates:
    """Spans of several documents in one column each, document after document.

    owners   (n,) place of the span's document in the list that was asked about
    scores   (n,) float32 in [0, 1]
    """

    owners: npt.NDArray[np.int64]
    spans: list[tuple[int, int]]
    scores: npt.NDArray[np.float32]


def score_spans(
    view: View,
    query: Query,
    documents: Sequence[Document],
    segmenter: Segmenter,
    system: str,
) -> Candidates:
    """Score every span of the documents for a query by the legs of a system.

    Words are kept of whole documents, so what they found is judged by the other legs.
    """
    system = system if view.snapshot.has_vectors else "lexical"
    weights = _weights(view, query)
    begun = windows.beginnings(query, weights, view.analyzer)
    spans = [windows.spans(document.text, begun, segmenter) for document in documents]
    owners = np.repeat(np.arange(len(documents)), [len(each) for each in spans])
    flat = [span for each in spans for span in each]
    texts = [
        documents[int(owner)].text[start:end]
        for owner, (start, end) in zip(owners, flat, strict=True)
    ]
    lexical = dense = np.zeros(len(texts), dtype=np.float32)
    if system != "dense":
        lexical = _coverage(view, weights, texts)
    if system != "lexical" and texts:
        vector = view.query_vectors([query.text])[0]
        vectors = view.encoder.encode(texts).astype(np.float64)
        dense = np.multiply(vectors, vector.astype(np.float64)).sum(axis=1).astype(np.float32)
    if query.phrases:
        held = _holding(view, query, texts)
        lexical, dense = np.where(held, lexical, 0), np.where(held, dense, 0)
    share = {"lexical": 0.0, "dense": 1.0}.get(system, view.weight)
    return Candidates(owners, flat, combine_scores(lexical, dense, share))


def _weights(view: View, query: Query) -> dict[str, float]:
    """Return the rarity of each term of a query."""
    scorer = view.lexical()
    return {
        term: float(scorer.idf(len(view.snapshot.postings(term).documents)))
        for term, _ in query.terms
    }


def _coverage(
    view: View, weights: Mapping[str, float], texts: Sequence[str]
) -> npt.NDArray[np.float32]:
    whole = sum(weights.values()) or 1.0
    words = [of_text(text) for text in texts]
    stems = _stems(view, words)
    scores = []
    for each in words:
        held = {stems[word] for word in each}
        scores.append(sum(weight for term, weight in weights.items() if term in held) / whole)
    return np.array(scores, dtype=np.float32)


def _stems(view: View, words: Sequence[Sequence[str]]) -> dict[str, str | None]:
    vocabulary = sorted({word for each in words for word in each})
    return dict(zip(vocabulary, view.analyzer.places(vocabulary), strict=True))


def _holding(view: View, query: Query, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which texts hold every phrase that any of them holds; the title may hold the others."""
    words = [of_text(text) for text in texts]
    stems = _stems(view, words)
    places = [[stems[word] for word in each] for each in words]
    kept = np.ones(len(texts), dtype=bool)
    for phrase in query.phrases:
        size = len(phrase)
        held = np.array(
            [
                any(tuple(each[i : i + size]) == phrase for i in range(len(each) - size + 1))
                for each in places
            ],
            dtype=bool,
        )
        if held.any():
            kept &= held
    return kept


def best_spans(candidates: Candidates, owner: int, most: int = 3) -> list[tuple[int, float]]:
    """Return (place in the candidates, score) of one document's best spans, best first.

    Spans that say less than half of what the document's best one says are left out.
    """
    mine = np.flatnonzero(candidates.owners == owner)
    order = mine[np.argsort(-candidates.scores[mine], kind="stable")][:most]
    if not len(order):
        return []
    least = candidates.scores[order[0]] / 2
    return [(int(i), float(candidates.scores[i])) for i in order
            if candidates.scores[i] > 0 and candidates.scores[i] >= least]  # fmt: skip


def as_evidence(
    candidates: Candidates, documents: Sequence[Document], place: int, grain: Grain
) -> Evidence:
    """Return a candidate as a value, with its exact text."""
    document = documents[int(candidates.owners[place])]
    start, end = candidates.spans[place]
    span = Span(document.id, start, end, grain)
    return Evidence(span, span.of(document), float(candidates.scores[place]))
