"""Candidates scored at one grain: as whole documents, by their passages, or by their sentences.

    hybrid % 100 >> AtGrain("sentence", encoder, index.fetch, Sentences("en"))
    dense % 100 >> sentences             in a composition: share 0.5 of the dense leg's own score

Of the similarities s_i of a document's spans to the query, the aggregate is

    score = sum_i exp(s_i / t) s_i / sum_i exp(s_i / t)

which is their best for a temperature of 0, and nears their mean for a high one: spans count by
how much they matter to the query. Where a share of the score that a document comes with is kept,
which should be a cosine too, the new one is share * first + (1 - share) * score.

Half of each lifts the dense leg of `static`, nDCG@10: scifact .554 to .585, scisumm .263 to .300,
cranfield .273 to .292, cisi .354 to .362; `hybrid` it does not (-.004 to 0), as its words have said
that much: benchmarks/rank/grains.py.

Source: Unified Coarse-to-Fine Alignment for Video-Text Retrieval, whose importance of a frame or a
word is learned; here it is the similarity itself. `everygrain.rank.sinkhorn` fuses the grains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.document import GRAINS, Document, Grain, Ranking
from everygrain.encode.base import Encoder
from everygrain.errors import QueryError
from everygrain.index.vectors import passage_text
from everygrain.rank.base import Fetch, Queries, named
from everygrain.segment.base import Segmenter


@dataclass(frozen=True, eq=False)
class AtGrain:
    """A reranker by the similarity of spans.

    grain         "document" (title and text as one), "passage" (each led by the title) or
                  "sentence"
    segmenter     finds the spans; of no use for documents
    temperature   t >= 0, in the unit of a cosine
    share         of the score that a document comes with, in [0, 1]
    """

    grain: Grain
    encoder: Encoder
    fetch: Fetch
    segmenter: Segmenter | None = None
    temperature: float = 0.0
    share: float = 0.0

    def __post_init__(self) -> None:
        if self.grain not in GRAINS:
            raise QueryError(
                f"There is no grain '{self.grain}'.", f"Use one of {', '.join(GRAINS)}."
            )
        if self.grain != "document" and self.segmenter is None:
            raise QueryError(f"Nothing finds a {self.grain}.", "Give a segmenter.")
        if not self.temperature >= 0:
            raise QueryError(f"temperature = {self.temperature} makes no sense.", "Use 0 or more.")
        if not 0 <= self.share <= 1:
            raise QueryError(f"A share of {self.share} makes no sense.", "Use 0 to 1.")

    def __repr__(self) -> str:
        told = f", temperature={self.temperature}" if self.temperature else ""
        told += f", share={self.share}" if self.share else ""
        return f"AtGrain({self.grain!r}{told})"

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        asked = named(queries)
        held = self.fetch(list(dict.fromkeys(ranking.document_ids.tolist())))
        texts: list[str] = []
        places: dict[str, slice] = {}
        for identity, document in held.items():
            spans = self._texts(document)
            places[identity] = slice(len(texts), len(texts) + len(spans))
            texts += spans
        vectors = self.encoder.encode(texts) if texts else np.zeros((0, 1), dtype=np.float32)
        rows = []
        for query, found in ranking.by_query().items():
            if not found:
                continue
            vector = self.encoder.encode([asked[query]], "query")[0]
            for document_id, first in found:
                if document_id in places:
                    similar = vectors[places[document_id]] @ vector
                    own = aggregate(similar, self.temperature)
                    rows.append((query, document_id, self.share * first + (1 - self.share) * own))
        return Ranking.of(ranking.queries, rows)

    def _texts(self, document: Document) -> list[str]:
        if self.grain == "document" or self.segmenter is None:
            return [passage_text(document, 0, len(document.text))]
        spans = self.segmenter.spans(document.text) or [(0, len(document.text))]
        if self.grain == "sentence":
            return [document.text[start:end] for start, end in spans]
        return [passage_text(document, start, end) for start, end in spans]


def aggregate(similarities: npt.NDArray[np.float32], temperature: float) -> float:
    """Return the aggregate of the module's docstring; similarities (n,), n of 1 or more."""
    if temperature == 0:
        return float(similarities.max())
    wide = similarities.astype(np.float64)
    weights = np.exp((wide - wide.max()) / temperature)
    return float(weights @ wide / weights.sum())
