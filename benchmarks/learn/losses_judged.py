"""The collections that `losses.py` measures on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from losses_papers import DATA

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.learn.train.bags import Bags
from everygrain.measure import evaluate, load

SETS = {"scifact": "train", "cranfield": "dev"}


@dataclass(frozen=True, eq=False)
class Judged:
    """A collection to measure on, with the weights of words of its own documents."""

    ids: list[str]
    asked: list[str]
    judgements: Any
    documents: Bags
    queries: Bags

    @classmethod
    def of(cls, name: str, encoder: Static) -> Judged:
        collection = load(DATA / name, SETS[name])
        documents = list(collection.documents())
        texts = [f"{document.title} {document.text}" for document in documents]
        own = Static(static_table(), {}).fit(split(texts))
        weighed = replace(encoder, idf=own.idf, unseen=own.unseen)
        queries = collection.scored_queries
        return cls(
            [document.id for document in documents],
            list(queries),
            collection.judgements,
            Bags.of(weighed, texts),
            Bags.of(weighed, list(queries.values())),
        )

    def ndcg(self, matrix: np.ndarray) -> np.ndarray:
        """Return nDCG@10 of every query, by dot products of vectors of length 1."""
        sides = []
        for bags in (self.documents, self.queries):
            vectors = bags.matrix @ matrix
            sides.append(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
        rows = []
        for query, scores in zip(self.asked, sides[1] @ sides[0].T, strict=True):
            for i in np.argsort(-scores, kind="stable")[:10]:
                rows.append((query, self.ids[i], float(scores[i])))
        scored = evaluate(Ranking.of(self.asked, rows), self.judgements, ["nDCG@10"])
        return np.asarray(scored.of("nDCG@10"))
