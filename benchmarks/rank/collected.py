"""What retrievers found for collections, kept in a folder, so that each thing is run once.

For each collection and leg: the ranking of its judged queries; that of pseudo-queries over an
index in which their documents have lost them (`rest`); and over the index as it is (`bank`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as parquet

from everygrain.document import Document, Ranking
from everygrain.engine import Index
from everygrain.measure import Collection, load
from everygrain.rank import weigh
from everygrain.rank.base import Composable, Queries, named
from everygrain.rank.fit_fusion import questioned

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SPLITS = {
    "cranfield": "dev", "cisi": "dev", "scifact": "train", "vaswani": "dev", "scisumm": "dev",
}  # fmt: skip
EVERY = {"scisumm": 4}  # 1,695 queries on full papers take long: every fourth is asked
SAMPLE = 200
DEPTH = 200


@dataclass(frozen=True, eq=False)
class Collected:
    """One collection, with the indexes and the rankings that were made of it.

    keep   the folder
    """

    name: str
    keep: Path

    @cached_property
    def collection(self) -> Collection:
        return load(DATA / self.name, SPLITS[self.name])

    @cached_property
    def documents(self) -> list[Document]:
        return list(self.collection.documents())

    @cached_property
    def queries(self) -> dict[str, str]:
        return dict(list(self.collection.scored_queries.items())[:: EVERY.get(self.name, 1)])

    @cached_property
    def judgements(self) -> dict[str, Mapping[str, int]]:
        return {query: self.collection.judgements[query] for query in self.queries}

    def index(self, encoder: str, rest: bool = False) -> Index:
        """Open an index, or make it; `rest`: without the pseudo-queries."""
        folder = self.keep / "index" / f"{self.name}-{encoder}{'-rest' if rest else ''}"
        if not (folder / "done").exists():
            documents = self.documents
            if rest:
                with self.index(encoder).views.newest() as view:
                    ids = set(weigh.sampled_ids(view, SAMPLE, reserved=True))
                documents = questioned(documents, ids, self.index(encoder)._sentences())[0]
            made = Index(folder, encoder=encoder, language="en")
            made.add(documents)
            (folder / "done").touch()
        return Index(folder)

    def pseudo(self, encoder: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return pseudo-queries as id -> text, and id -> the document each asks for."""
        with self.index(encoder).views.newest() as view:
            ids = weigh.sampled_ids(view, SAMPLE, reserved=True)
            held = view.store.catalogue.fetch(ids)
        _, queries, answers = questioned(held.values(), set(ids), self.index(encoder)._sentences())
        return queries, answers

    def ranking(self, leg: str, part: str = "run") -> Ranking:
        """Return what a leg found: "lexical", or the name of an encoder for its dense leg.

        part   "run", "rest" or "bank"
        """
        path = self.keep / "runs" / f"{self.name}-{leg}-{part}.parquet"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            encoder = "static" if leg == "lexical" else leg
            index = self.index(encoder, rest=part == "rest")
            retriever = index.retriever("lexical" if leg == "lexical" else "dense")
            asked = self.queries if part == "run" else self.pseudo(encoder)[0]
            found = retriever.retrieve(asked, DEPTH if part == "run" else 100)
            parquet.write_table(found.to_arrow(), path)
        return Ranking.from_arrow(parquet.read_table(path))


class Found(Composable):
    """A retriever that gives what was found before."""

    def __init__(self, name: str, *rankings: Ranking) -> None:
        self.name = name
        self.rankings = rankings

    def __repr__(self) -> str:
        return self.name

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        asked = named(queries)
        ranking = next(r for r in self.rankings if asked.keys() <= set(r.queries))
        rows = [row for row in ranking.cut(k).rows() if row[0] in asked]
        return Ranking.of(list(asked), rows)
