"""How good the legs are on this collection, without judgements, and what they should weigh.

A sampled document's title (or, where there is none, one of its sentences, or its first third) is
a pseudo-query for the rest of the document: title and sentence are taken out of it before both
legs score it, or the lexical leg would find its own words. Titles are asked whole and with half
of their words gone. The gain of a query is 1 / log2(1 + rank) where its document is within the
first ten, else 0.

What the legs deserve follows from how they compare, q = mean gain of the dense leg / of the
lexical leg, less one standard error (bootstrap), so that a small sample is believed less:

    weight of the dense leg / weight of the lexical leg = min(2 q^6, 3)

For an encoder that a transformer taught (`Adapted`) the exponent is 2: pseudo-queries are made of a
document's own words, and show less of what it learned than people's questions do. With 6 its dense
leg, .10 nDCG@10 better than the untrained one's on cranfield, moved the fused result by .000; with
3 by .008, with 2 by .012.

The law was fitted on five judged development collections with three encoders. The best weight
on the pseudo-queries themselves is a worse guide: their curve is flat near its top, and where
the top lies moves with the sample; taking it, its bootstrap mean or the ends of its confidence
band lost up to .0155 nDCG@10 to the lexical leg alone. See benchmarks/results/quality.md for
what the law gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import is_mark, of_text
from everygrain.document import Document
from everygrain.index.vectors import passage_text
from everygrain.rank.fuse import combine_scores
from everygrain.rank.legs import View
from everygrain.rank.query import Query, plain
from everygrain.rank.select import at_least_kth
from everygrain.segment.base import Segmenter

# ratios of the dense leg's weight to the lexical leg's at which the curve is measured
RATIOS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0)
SAMPLE = 120
_FEWEST = 20
_DEPTH = 100
_RESAMPLES = 200
LARGEST = 3.0
UNTAUGHT, TAUGHT = 6, 2  # exponents
_AT_ONCE = 40


@dataclass(frozen=True)
class PseudoQuery:
    """A query whose one known answer is a document less the query's own words."""

    document_id: str
    text: str
    title: str
    body: str
    kind: str


@dataclass(frozen=True)
class Fitted:
    """What was measured; `weight` is the dense leg's share, in [0, 1].

    lexical, dense, hybrid   mean gain of each system over the pseudo-queries, in [0, 1]
    documents                live documents when it was measured
    kinds                    how many pseudo-queries of each kind
    """

    weight: float
    lexical: float
    dense: float
    hybrid: float
    queries: int
    documents: int
    kinds: dict[str, int]

    def settings(self) -> dict[str, Any]:
        return asdict(self)


def _hashed(identity: str) -> int:
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest())


def is_reserved(identity: str) -> bool:
    """Tell whether a document is one of the quarter that pseudo-queries are taken from.

    An encoder that learns from the collection never sees these documents' pseudo-queries (see
    `unquestioned`), or it would answer them from memory.
    """
    return _hashed(identity) % 4 == 0


def sampled_ids(view: View, most: int, reserved: bool = False) -> list[str]:
    """Return ids of live documents, chosen by hash: the same whatever order they came in."""
    snapshot = view.snapshot
    ids = snapshot.document_ids(np.flatnonzero(snapshot.live))
    chosen = [identity for identity in ids if is_reserved(identity)] if reserved else ids
    return sorted(chosen, key=lambda identity: (_hashed(identity), identity))[:most]


def unquestioned(documents: Sequence[Document], sentences: Segmenter) -> list[Document]:
    """Return documents as an encoder may learn from them: reserved ones without their
    pseudo-queries."""
    kept = []
    for document in documents:
        asked = pseudo_queries(document, sentences) if is_reserved(document.id) else []
        kept.append(Document(document.id, asked[0].body, asked[0].title) if asked else document)
    return kept


def pseudo_queries(document: Document, sentences: Segmenter) -> list[PseudoQuery]:
    """Make the pseudo-queries of a document; none if it is too short to lose any words."""
    title, body = document.title.strip(), document.text.strip()
    if title and body.casefold().startswith(title.casefold()):
        body = body[len(title) :].strip()
    words = of_text(title)
    if len(words) >= 3 and len(of_text(body)) >= 20:
        kept = np.random.default_rng(_hashed(document.id)).permutation(len(words))[
            : max(2, len(words) // 2)
        ]
        half = " ".join(words[i] for i in sorted(kept))
        return [
            PseudoQuery(document.id, title, "", body, "title"),
            PseudoQuery(document.id, half, "", body, "half title"),
        ]
    spans = sentences.spans(body)
    long_enough = [span for span in spans if len(of_text(body[slice(*span)])) >= 4]
    if len(spans) >= 2 and long_enough:
        start, end = long_enough[len(long_enough) // 2]
        rest = f"{body[:start]} {body[end:]}".strip()
        return [PseudoQuery(document.id, body[start:end], title, rest, "sentence")]
    parts = body.split()
    if len(parts) >= 20:
        third = len(parts) // 3
        query, rest = " ".join(parts[:third]), " ".join(parts[third:])
        return [PseudoQuery(document.id, query, title, rest, "third")]
    return []


def fit(
    view: View, documents: Sequence[Document], sentences: Segmenter, passages: Segmenter
) -> Fitted | None:
    """Measure both legs on pseudo-queries of documents and fit the weight.

    Returns None where there are too few to tell anything.
    """
    asked = [q for document in documents for q in pseudo_queries(document, sentences)]
    if len(asked) < _FEWEST:
        return None
    gains = _gains(view, asked, passages)
    kinds: dict[str, int] = {}
    for query in asked:
        kinds[query.kind] = kinds.get(query.kind, 0) + 1
    taught = getattr(view.encoder, "taught", False)
    ratio = deserved_ratio(gains[:, 0], gains[:, -1], TAUGHT if taught else UNTAUGHT)
    place = int(np.abs(np.array(RATIOS) - ratio).argmin())
    means = gains.mean(axis=0)
    return Fitted(
        round(ratio / (1 + ratio), 4),
        round(float(means[0]), 4),
        round(float(means[-1]), 4),
        round(float(means[place]), 4),
        len(asked),
        view.snapshot.count,
        kinds,
    )


def _gains(
    view: View, asked: Sequence[PseudoQuery], passages: Segmenter
) -> npt.NDArray[np.float64]:
    """Return (queries, len(RATIOS) + 1) gains: by weight, and of the dense leg alone."""
    number_of = {
        view.snapshot.document_id(int(n)): int(n) for n in np.flatnonzero(view.snapshot.live)
    }
    query_vectors = view.query_vectors([query.text for query in asked])
    own_vectors = encode_rests(view, asked, passages)
    gains = np.zeros((len(asked), len(RATIOS) + 1))
    rough = np.zeros((0, 0), dtype=np.float32)
    for i, pseudo in enumerate(asked):
        if i % _AT_ONCE == 0:
            rough = view.dense().approximate_many(query_vectors[i : i + _AT_ONCE])
        own, vector = number_of[pseudo.document_id], query_vectors[i]
        parsed = plain(pseudo.text, view.analyzer)
        lexical = view.lexical().scores(parsed)
        lexical[own] = _score_rest(view, parsed, pseudo)
        dense = rough[i % _AT_ONCE]
        dense[own] = max(float((own_vectors[i] @ vector).max(initial=0.0)), 0.0)
        near = np.union1d(at_least_kth(lexical, _DEPTH), at_least_kth(dense, _DEPTH))
        near = np.union1d(near[dense[near] > -np.inf], [own])
        at = int(np.searchsorted(near, own))
        shares = [ratio / (1 + ratio) for ratio in RATIOS] + [1.0]
        for j, share in enumerate(shares):
            scores = combine_scores(lexical[near], dense[near], share)
            rank = 1 + int((scores > scores[at]).sum())
            gains[i, j] = 1 / np.log2(1 + rank) if rank <= 10 and scores[at] > 0 else 0.0
    return gains


def encode_rests(
    view: View, asked: Sequence[PseudoQuery], passages: Segmenter
) -> list[npt.NDArray[np.float32]]:
    """Return per pseudo-query the (passages, d) vectors of what is left of its document."""
    texts: dict[str, int] = {}
    places = []
    for pseudo in asked:
        rest = Document("-", pseudo.body, pseudo.title)
        spans = passages.spans(rest.text) or [(0, 0)]
        places.append([texts.setdefault(passage_text(rest, *span), len(texts)) for span in spans])
    vectors = view.encoder.encode(list(texts))
    return [vectors[rows] for rows in places]


def _score_rest(view: View, query: Query, pseudo: PseudoQuery) -> float:
    """Return BM25 of what is left of a document, under the collection's statistics."""
    scorer = view.lexical()
    title, text = view.analyzer.query(pseudo.title), view.analyzer.query(pseudo.body)
    lengths = [sum(not is_mark(term) for term in terms) for terms in (title, text)]
    length = scorer.bm25.title * lengths[0] + scorer.bm25.text * lengths[1]
    norm = float(scorer.saturation(np.array([length], dtype=np.float64))[0])
    score = 0.0
    for term, occurrences in query.terms:
        count = scorer.bm25.title * title.count(term) + scorer.bm25.text * text.count(term)
        if count:
            idf = float(scorer.idf(len(view.snapshot.postings(term).documents)))
            score += occurrences * idf * count / (count + norm)
    return score


def deserved_ratio(
    lexical: npt.NDArray[np.float64], dense: npt.NDArray[np.float64], exponent: int = UNTAUGHT
) -> float:
    """Return the dense leg's weight over the lexical leg's, in [0, 3], from paired gains.

    lexical, dense   (queries,) gains of each leg alone
    exponent         how fast the weight falls with the quality of the dense leg
    """
    if not lexical.mean() > 0:
        return LARGEST if dense.mean() > 0 else 0.0
    draws = np.random.default_rng(0).integers(0, len(lexical), (_RESAMPLES, len(lexical)))
    below = np.maximum(lexical[draws].mean(axis=1), 1e-9)
    error = float((dense[draws].mean(axis=1) / below).std(ddof=1))
    quality = max(float(dense.mean() / lexical.mean()) - error, 0.0)
    return min(2 * quality**exponent, LARGEST)
