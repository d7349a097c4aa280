"""A judged collection as passages with vectors, and how well scores of passages rank it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode import registry
from everygrain.encode.base import FittedEncoder
from everygrain.engine import PASSAGE_WORDS
from everygrain.index.vectors import passage_text
from everygrain.measure import Collection, evaluate, load
from everygrain.segment.passages import Passages

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
SPLITS = {"scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev"}


@dataclass(frozen=True, eq=False)
class Judged:
    """Passages as the index cuts them; a document's score is its best passage's."""

    name: str

    @cached_property
    def collection(self) -> Collection:
        return load(DATA / self.name, SPLITS[self.name])

    @cached_property
    def passages(self) -> tuple[list[str], list[str], np.ndarray]:
        """Ids of documents, texts of passages, and the place of each document's first one."""
        cutter = Passages(words=PASSAGE_WORDS)
        ids, texts, firsts = [], [], []
        for document in self.collection.documents():
            ids.append(document.id)
            firsts.append(len(texts))
            spans = cutter.spans(document.text) or [(0, 0)]
            texts += [passage_text(document, start, end) for start, end in spans]
        return ids, texts, np.array(firsts)

    def encoded(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors of passages and of the judged queries, in their order."""
        encoder = registry.create(name)
        if isinstance(encoder, FittedEncoder):
            encoder = encoder.fit(split(self.passages[1]))
        asked = list(self.collection.scored_queries.values())
        return encoder.encode(self.passages[1]), encoder.encode(asked, "query")

    def best_documents(self, scores: np.ndarray, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Return the places and scores of each query's best k documents."""
        of_documents = np.maximum.reduceat(scores, self.passages[2], axis=1)
        best = np.argsort(-of_documents, axis=1, kind="stable")[:, :k]
        return best, np.take_along_axis(of_documents, best, axis=1)

    def ndcg(self, scores: np.ndarray) -> np.ndarray:
        """Return nDCG@10 of every query, of scores (queries, passages)."""
        asked, ids = list(self.collection.scored_queries), self.passages[0]
        rows = [
            (query, ids[document], float(score))
            for query, documents, found in zip(asked, *self.best_documents(scores), strict=True)
            for document, score in zip(documents, found, strict=True)
        ]
        measured = evaluate(Ranking.of(asked, rows), self.collection.judgements, ["nDCG@10"])
        return np.asarray(measured.of("nDCG@10"))


def shared(found: np.ndarray, exact: np.ndarray) -> float:
    """Return the mean share of the exact best that was found; (queries, k) places both."""
    return float(np.mean([np.isin(e, f).mean() for e, f in zip(exact, found, strict=True)]))
