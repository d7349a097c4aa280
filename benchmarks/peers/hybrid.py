"""Hybrid engines, end to end: texts in, hits out. All encode with one static encoder, timed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers import dense, lexical
from peers.engine import Batch, Engine, Found, K, Queries, static_encoder, words_of


class Everygrain(lexical.Everygrain):
    name = "everygrain"
    kind = "hybrid"
    note = "both legs exact; fits its encoder and weighs its legs while it builds; texts kept"

    def __init__(self, folder: Path, models: Path) -> None:
        from everygrain.engine import Index

        Engine.__init__(self, folder, models)
        self.index = Index(folder / "index", encoder="static")
        self.leg = self.index.retriever("hybrid")


class EverygrainEvidence(Everygrain):
    name = "everygrain, evidence"
    note = "`Index.search`: the same with documents' texts and the best sentences in them"

    def search(self, queries: Queries) -> list[Found]:
        # without the quotation marks of a title, which would mean a phrase here
        found = [self.index.search(" ".join(words_of(text)), K) for text in queries.texts]
        return [[(hit.document.id, hit.score) for hit in hits] for hits in found]


class LanceDB(dense.LanceDB):
    name = "LanceDB, reciprocal rank"
    kind = "hybrid"
    note = "flat vectors, full-text index with stems, reciprocal-rank fusion; texts kept"

    def __init__(self, folder: Path, models: Path) -> None:
        from lancedb.rerankers import RRFReranker

        super().__init__(folder, models)
        self.encoder = static_encoder(models)
        self.fusion = RRFReranker()

    def rows(self, batch: Batch) -> Any:
        encoded = Batch(batch.documents, self.encoder.encode(batch.texts))
        return super().rows(encoded).append_column("text", [batch.texts])

    def build(self, batch: Batch) -> None:
        super().build(batch)
        self.table.create_fts_index("text", language="English", stem=True, remove_stop_words=True)

    def add(self, batch: Batch) -> None:
        super().add(batch)
        self.table.optimize()

    def search(self, queries: Queries) -> list[Found]:
        vectors = self.encoder.encode(list(queries.texts), "query")
        pairs = zip(queries.texts, vectors, strict=True)
        return [self._both(" ".join(words_of(text)), vector) for text, vector in pairs]

    def _both(self, words: str, vector: Any) -> Found:
        search = self.table.search(query_type="hybrid").vector(vector).text(words)
        found = search.distance_type("dot").rerank(self.fusion).limit(K).to_arrow()
        return list(zip(found["id"].to_pylist(), found["_relevance_score"].to_pylist(),
                        strict=True))  # fmt: skip


class Txtai(Engine):
    name = "txtai"
    kind = "hybrid"
    package = "txtai"
    note = "its own choice of faiss index and its BM25, half and half; ids, no texts; written at "\
        "the build, not at an update"  # fmt: skip

    def __init__(self, folder: Path, models: Path) -> None:
        from txtai import Embeddings

        super().__init__(folder, models)
        encoder = static_encoder(models)
        self.index = Embeddings(
            method="external", transform=lambda texts: encoder.encode(list(texts)), hybrid=True
        )

    def build(self, batch: Batch) -> None:
        self.index.index(zip(batch.ids, batch.texts, strict=True))
        self.index.save(str(self.folder / "index"))

    def add(self, batch: Batch) -> None:
        self.index.upsert(zip(batch.ids, batch.texts, strict=True))

    def delete(self, ids: Sequence[str]) -> None:
        self.index.delete(list(ids))

    def search(self, queries: Queries) -> list[Found]:
        if len(queries) == 1:
            return [self.index.search(queries.texts[0], K)]
        found: list[Found] = self.index.batchsearch(list(queries.texts), K)
        return found
