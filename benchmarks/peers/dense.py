"""Dense engines: all get the same vectors, so encoding is not in their figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from peers import lexical
from peers.engine import Batch, Engine, Found, K, Queries, Vectors, static_encoder


class Known:
    """The static encoder, which looks up what the benchmark has encoded before."""

    def __init__(self, models: Path) -> None:
        self.encoder = static_encoder(models)
        self.fingerprint = self.encoder.fingerprint
        self.dimensions = self.encoder.dimensions
        self.vectors: dict[str, Vectors] = {}

    def learn(self, texts: Sequence[str], vectors: Vectors) -> None:
        self.vectors.update(zip(texts, vectors, strict=True))

    def encode(self, texts: Sequence[str], kind: Any = "document") -> Vectors:
        if all(text in self.vectors for text in texts) and texts:
            return np.stack([self.vectors[text] for text in texts])
        made: Vectors = self.encoder.encode(texts, kind)
        return made

    def save(self, folder: Path) -> None:
        self.encoder.save(folder)


class Everygrain(lexical.Everygrain):
    name = "everygrain"
    kind = "dense"
    note = (
        "exact; its figures of building and updating hold the lexical leg, the texts and the "
        "weighing of the legs as well, which cannot be left out; one vector a document"
    )
    approximate: ClassVar[str] = "none"

    def __init__(self, folder: Path, models: Path) -> None:
        from everygrain.engine import Index

        Engine.__init__(self, folder, models)
        self.known = Known(models)
        self.index = Index(folder / "index", encoder=self.known, passage_words=1_000_000)
        self.leg = self.index.retriever("dense")

    def build(self, batch: Batch) -> None:
        self.add(batch)
        if self.approximate != "none":
            self.index.configure(approximate=self.approximate, above=0)
            self.leg.retrieve(["made at the first search"], K)

    def add(self, batch: Batch) -> None:
        self.known.learn(batch.texts, batch.vectors)
        self.index.add(batch.documents)

    def search(self, queries: Queries) -> list[Found]:
        self.known.learn(queries.texts, queries.vectors)
        return super().search(queries)


class EverygrainHNSW(Everygrain):
    name = "everygrain, hnsw"
    note = "faiss's HNSW (M 16, ef 100/128) in memory, candidates scored exactly; made anew after "\
        "every change"  # fmt: skip
    approximate = "hnsw"


class Numbered(Engine):
    """An engine that knows numbers only; ids are kept beside it."""

    kind = "dense"

    def _number(self, batch: Batch) -> np.ndarray[Any, np.dtype[np.int64]]:
        if not hasattr(self, "ids"):
            self.ids: list[str] = []
            self.numbers: dict[str, int] = {}
        first = len(self.ids)
        self.ids += batch.ids
        self.numbers.update((identity, first + i) for i, identity in enumerate(batch.ids))
        return np.arange(first, len(self.ids), dtype=np.int64)

    def _named(self, rows: Any) -> list[Found]:
        return [
            [(self.ids[int(i)], float(s)) for i, s in zip(*row, strict=True) if i >= 0]
            for row in rows
        ]


class Faiss(Numbered):
    name = "faiss flat"
    package = "faiss-cpu"
    note = "exact; vectors and numbers only; the file is written at the build, not at an update"

    def __init__(self, folder: Path, models: Path) -> None:
        import faiss

        super().__init__(folder, models)
        self.faiss = faiss

    def build(self, batch: Batch) -> None:
        self.index = self.faiss.IndexIDMap2(self.faiss.IndexFlatIP(batch.vectors.shape[1]))
        self.add(batch)
        self.faiss.write_index(self.index, str(self.folder / "index.faiss"))

    def add(self, batch: Batch) -> None:
        self.index.add_with_ids(batch.vectors, self._number(batch))

    def delete(self, ids: Sequence[str]) -> None:
        self.index.remove_ids(np.array([self.numbers[i] for i in ids], dtype=np.int64))

    def search(self, queries: Queries) -> list[Found]:
        scores, numbers = self.index.search(queries.vectors, K)
        return self._named(zip(numbers, scores, strict=True))


class Hnswlib(Numbered):
    name = "hnswlib"
    package = "hnswlib"
    note = "M 16, ef 200 to build, 100 to search; written at the build, not at an update"

    def __init__(self, folder: Path, models: Path) -> None:
        import hnswlib

        super().__init__(folder, models)
        self.hnswlib = hnswlib

    def build(self, batch: Batch) -> None:
        self.index = self.hnswlib.Index(space="ip", dim=batch.vectors.shape[1])
        self.index.init_index(2 * len(batch.documents), ef_construction=200, M=16)
        self.index.set_ef(100)
        self.add(batch)
        self.index.save_index(str(self.folder / "index.hnsw"))

    def add(self, batch: Batch) -> None:
        self.index.add_items(batch.vectors, self._number(batch))

    def delete(self, ids: Sequence[str]) -> None:
        for identity in ids:
            self.index.mark_deleted(self.numbers[identity])

    def search(self, queries: Queries) -> list[Found]:
        numbers, distances = self.index.knn_query(queries.vectors, k=K)
        return self._named(zip(numbers.astype(np.int64), 1 - distances, strict=True))


class USearch(Numbered):
    name = "usearch"
    package = "usearch"
    note = "float32, its own settings (connectivity 16, expansion 128/64); written at the build"

    def __init__(self, folder: Path, models: Path) -> None:
        from usearch.index import Index

        super().__init__(folder, models)
        self.made = Index

    def build(self, batch: Batch) -> None:
        self.index = self.made(ndim=batch.vectors.shape[1], metric="ip", dtype="f32")
        self.add(batch)
        self.index.save(str(self.folder / "index.usearch"))

    def add(self, batch: Batch) -> None:
        self.index.add(self._number(batch), batch.vectors)

    def delete(self, ids: Sequence[str]) -> None:
        self.index.remove(np.array([self.numbers[i] for i in ids]))

    def search(self, queries: Queries) -> list[Found]:
        if len(queries) == 1:
            found = self.index.search(queries.vectors[0], K)
            return self._named([(found.keys.astype(np.int64), 1 - found.distances)])
        many = self.index.search(queries.vectors, K)
        rows = zip(many.keys.astype(np.int64), 1 - many.distances, many.counts, strict=True)
        return self._named((keys[:n], scores[:n]) for keys, scores, n in rows)


class LanceDB(Engine):
    name = "LanceDB flat"
    kind = "dense"
    package = "lancedb"
    note = "exact, no index; durable at once; ids and vectors, no texts"

    def __init__(self, folder: Path, models: Path) -> None:
        import lancedb

        super().__init__(folder, models)
        self.store = lancedb.connect(folder / "index")

    def rows(self, batch: Batch) -> Any:
        import pyarrow

        width = batch.vectors.shape[1]
        flat = pyarrow.array(batch.vectors.ravel())
        vectors = pyarrow.FixedSizeListArray.from_arrays(flat, width)
        return pyarrow.table({"id": batch.ids, "vector": vectors})

    def build(self, batch: Batch) -> None:
        self.table = self.store.create_table("documents", self.rows(batch))

    def add(self, batch: Batch) -> None:
        self.table.add(self.rows(batch))

    def delete(self, ids: Sequence[str]) -> None:
        listed = ", ".join("'" + identity.replace("'", "''") + "'" for identity in ids)
        self.table.delete(f"id IN ({listed})")

    def search(self, queries: Queries) -> list[Found]:
        return [self._one(vector) for vector in queries.vectors]

    def _one(self, vector: Vectors) -> Found:
        search = self.table.search(vector).distance_type("dot").select(["id"]).limit(K)
        found = search.to_arrow()
        scores = (1 - score for score in found["_distance"].to_pylist())
        return list(zip(found["id"].to_pylist(), scores, strict=True))
