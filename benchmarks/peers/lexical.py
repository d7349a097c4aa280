"""Lexical engines. All get title and text, and stem and drop stop words where they can."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers.engine import Batch, Engine, Found, K, Queries, words_of


class Everygrain(Engine):
    name = "everygrain"
    kind = "lexical"
    note = "durable at once; texts and metadata are kept; every answer exact after every change"

    def __init__(self, folder: Path, models: Path) -> None:
        from everygrain.engine import Index

        super().__init__(folder, models)
        self.index = Index(folder / "index", encoder="none")
        self.leg = self.index.retriever(self.kind)

    def build(self, batch: Batch) -> None:
        self.index.add(batch.documents)

    def add(self, batch: Batch) -> None:
        self.index.add(batch.documents)

    def delete(self, ids: Sequence[str]) -> None:
        self.index.delete(ids)

    def search(self, queries: Queries) -> list[Found]:
        return by_query(self.leg.retrieve(queries.texts, K), len(queries))


def by_query(ranking: Any, count: int) -> list[Found]:
    """Return a Ranking of queries "0", "1", ... as lists."""
    found: list[Found] = [[] for _ in range(count)]
    for query, document, score in ranking.rows():
        found[int(query)].append((document, score))
    return found


class BM25S(Engine):
    name = "bm25s (numba)"
    kind = "lexical"
    package = "bm25s[core] numba"
    note = "no update: built anew; two threads in batches; ids are kept beside it by us"
    updates = False

    def __init__(self, folder: Path, models: Path) -> None:
        import bm25s
        import Stemmer

        from everygrain.analyze.stopwords import stop_words

        super().__init__(folder, models)
        self.bm25s = bm25s
        self.cut: dict[str, Any] = {
            "stopwords": sorted(stop_words("en")),
            "stemmer": Stemmer.Stemmer("english"),
            "show_progress": False,
        }

    def build(self, batch: Batch) -> None:
        self.ids = batch.ids
        self.index = self.bm25s.BM25(backend="numba")
        tokens = self.bm25s.tokenize(batch.texts, **self.cut)
        self.index.index(tokens, show_progress=False)
        self.index.save(self.folder / "index")

    def search(self, queries: Queries) -> list[Found]:
        tokens = self.bm25s.tokenize(list(queries.texts), **self.cut)
        threads = 2 if len(queries) > 1 else 0
        places, scores = self.index.retrieve(
            tokens, k=K, show_progress=False, backend_selection="numba", n_threads=threads
        )
        return [
            [(self.ids[int(i)], float(s)) for i, s in zip(*row, strict=True)]
            for row in zip(places, scores, strict=True)
        ]


class Tantivy(Engine):
    name = "tantivy"
    kind = "lexical"
    package = "tantivy"
    note = "no stop words; ids stored, texts not; durable at commit"

    def __init__(self, folder: Path, models: Path) -> None:
        import tantivy

        super().__init__(folder, models)
        self.tantivy = tantivy
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        builder.add_text_field("text", stored=False, tokenizer_name="en_stem")
        self.schema = builder.build()
        (folder / "index").mkdir()
        self.index = tantivy.Index(self.schema, path=str(folder / "index"))
        self.writer = self.index.writer(200_000_000)

    def build(self, batch: Batch) -> None:
        self.add(batch)
        self.writer.wait_merging_threads()
        self.writer = self.index.writer(200_000_000)

    def add(self, batch: Batch) -> None:
        for identity, text in zip(batch.ids, batch.texts, strict=True):
            content = {"id": [identity], "text": [text]}
            self.writer.add_document(self.tantivy.Document.from_dict(content, self.schema))
        self._commit()

    def delete(self, ids: Sequence[str]) -> None:
        for identity in ids:
            self.writer.delete_documents("id", identity)
        self._commit()

    def _commit(self) -> None:
        self.writer.commit()
        self.index.reload()
        self.searcher = self.index.searcher()

    def search(self, queries: Queries) -> list[Found]:
        return [self._one(text) for text in queries.texts]

    def _one(self, text: str) -> Found:
        words = " ".join(words_of(text))
        hits = self.searcher.search(self.index.parse_query(words, ["text"]), K).hits
        return [(self.searcher.doc(address)["id"][0], score) for score, address in hits]


class RankBM25(Engine):
    name = "rank_bm25"
    kind = "lexical"
    package = "rank_bm25"
    note = "no update: built anew; pickled; cut into words by bm25s"
    updates = False

    def __init__(self, folder: Path, models: Path) -> None:
        import rank_bm25

        super().__init__(folder, models)
        self.words = BM25S(folder, models)
        self.made = rank_bm25.BM25Okapi

    def _cut(self, texts: Sequence[str]) -> list[list[str]]:
        tokens: list[list[str]] = self.words.bm25s.tokenize(
            list(texts), return_ids=False, **self.words.cut
        )
        return tokens

    def build(self, batch: Batch) -> None:
        self.ids = batch.ids
        self.index = self.made(self._cut(batch.texts))
        with (self.folder / "index.pickle").open("wb") as file:
            pickle.dump((self.ids, self.index), file)

    def search(self, queries: Queries) -> list[Found]:
        import numpy as np

        found = []
        for words in self._cut(queries.texts):
            scores = self.index.get_scores(words)
            best = np.argpartition(scores, -K)[-K:]
            best = best[np.argsort(-scores[best], kind="stable")]
            found.append([(self.ids[i], float(scores[i])) for i in best])
        return found


class FTS5(Engine):
    name = "SQLite FTS5"
    kind = "lexical"
    note = "words joined by OR, stop words left out of queries; texts are kept; transactional"

    def __init__(self, folder: Path, models: Path) -> None:
        import sqlite3

        from everygrain.analyze.stopwords import stop_words

        super().__init__(folder, models)
        self.stops = stop_words("en")
        self.store = sqlite3.connect(folder / "index.db")
        self.store.execute("CREATE TABLE document (number INTEGER PRIMARY KEY, id TEXT UNIQUE)")
        self.store.execute("CREATE VIRTUAL TABLE full USING fts5(text, tokenize='porter')")

    def build(self, batch: Batch) -> None:
        self.add(batch)

    def add(self, batch: Batch) -> None:
        first = self.store.execute("SELECT coalesce(max(number), 0) + 1 FROM document")
        numbers = range(first.fetchone()[0], 2**62)
        with self.store:
            self.store.executemany(
                "INSERT INTO document VALUES (?, ?)", zip(numbers, batch.ids, strict=False)
            )
            self.store.executemany(
                "INSERT INTO full (rowid, text) VALUES (?, ?)",
                zip(numbers, batch.texts, strict=False),
            )

    def delete(self, ids: Sequence[str]) -> None:
        by_id = "DELETE FROM full WHERE rowid = (SELECT number FROM document WHERE id = ?)"
        with self.store:
            self.store.executemany(by_id, [(identity,) for identity in ids])
            self.store.executemany("DELETE FROM document WHERE id = ?", [(i,) for i in ids])

    def search(self, queries: Queries) -> list[Found]:
        return [self._one(text) for text in queries.texts]

    def _one(self, text: str) -> Found:
        words = [word for word in words_of(text) if word not in self.stops]
        if not words:
            return []
        rows = self.store.execute(
            "SELECT id, -rank FROM (SELECT rowid, rank FROM full WHERE full MATCH ? "
            "ORDER BY rank LIMIT ?) AS best JOIN document ON number = best.rowid ORDER BY rank",
            (" OR ".join(f'"{word}"' for word in words), K),
        )
        return rows.fetchall()
