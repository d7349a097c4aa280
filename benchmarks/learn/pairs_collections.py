"""What the sources of pairs are tried on: collections, papers, sentence pairs, and their scores."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from everygrain.analyze import split
from everygrain.document import Document, Ranking
from everygrain.encode.base import Encoder, Vectors
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.learn.pairs.parts import passages
from everygrain.measure import evaluate, load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

SPLITS = {
    "scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev", "scisumm": "dev",
}  # fmt: skip

PAPERS = 20_000


def papers() -> list[Document]:
    found = []
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line, _ in zip(lines, range(PAPERS), strict=False):
            record = json.loads(line)
            metadata = {"keywords": record.get("keywords") or []}
            found.append(Document(record["id"], record["abstract"], record["title"], metadata))
    return found


def scisumm_linked() -> list[Document]:
    """Return scisumm's documents with the citations of its train judgements as metadata."""
    folder = DATA / "scisumm"
    barred = set((folder / "not_for_training.txt").read_text().split())
    collection = load(folder, "train")
    citing = {}
    with gzip.open(folder / "queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            citing[record["_id"]] = record["metadata"]["citing"]
    cited_by: dict[str, set[str]] = {}
    cites: dict[str, set[str]] = {}
    for query, grades in collection.judgements.items():
        for document, grade in grades.items():
            if grade > 0 and citing[query] not in barred:
                cited_by.setdefault(document, set()).add(citing[query])
                cites.setdefault(citing[query], set()).add(document)
    return [
        replace(
            each,
            metadata={
                **each.metadata,
                "references": sorted(cites.get(each.id, ())),
                "cited_by": sorted(cited_by.get(each.id, ())),
            },
        )
        for each in collection.documents()
        if each.id not in barred
    ]


class Target:
    """A collection to measure on, with its passages split once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.collection = load(DATA / name, SPLITS[name])
        self.documents = list(self.collection.documents())
        texts, owners = [], []
        for place, each in enumerate(self.documents):
            for text in passages(each.text, 256) or [""]:
                texts.append(f"{each.title} {text}")
                owners.append(place)
        self.words = split(texts)
        self.starts = np.unique(owners, return_index=True)[1]
        self.queries = self.collection.scored_queries
        whole = split([f"{each.title} {each.text}" for each in self.documents])
        self.base = Static(static_table(), {}).fit(whole)

    def values(self, encoder: Static) -> Any:
        """Return nDCG@10 of each query: a document's score is its best passage's."""
        vectors = encoder.encode_words(self.words)
        asked = encoder.encode(list(self.queries.values()), "query")
        rows = []
        for query, vector in zip(self.queries, asked, strict=True):
            scores = np.maximum.reduceat(vectors @ vector, self.starts)
            for i in np.argsort(-scores, kind="stable")[:10]:
                rows.append((query, self.documents[i].id, float(scores[i])))
        ranking = Ranking.of(list(self.queries), rows)
        scored = evaluate(ranking, self.collection.judgements, ["nDCG@10"])
        return np.asarray(scored.of("nDCG@10"))


@dataclass(frozen=True)
class Exact:
    """A retriever by one encoder over chosen texts of documents."""

    encoder: Encoder
    ids: tuple[str, ...]
    vectors: Vectors

    def retrieve(self, queries: Any, k: int = 10) -> Ranking:
        asked = self.encoder.encode(list(queries.values()), "query")
        rows = []
        for query, vector in zip(queries, asked, strict=True):
            scores = self.vectors @ vector
            best = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
            rows += [(query, self.ids[i], float(scores[i])) for i in best]
        return Ranking.of(list(queries), rows)


def sts(encoder: Static) -> float:
    """Return Spearman's correlation on the dev part of STS-B."""
    rows = [json.loads(line) for line in _lines(DATA / "stsb-en", "dev")]
    one = encoder.encode([row["sentence1"] for row in rows])
    other = encoder.encode([row["sentence2"] for row in rows])
    return float(spearmanr((one * other).sum(axis=1), [row["score"] for row in rows]).statistic)


def sts_base() -> Static:
    rows = [json.loads(line) for line in _lines(DATA / "stsb-en", "train")]
    texts = [row[name] for row in rows for name in ("sentence1", "sentence2")]
    return Static(static_table(), {}).fit(split(texts))


def sts_documents() -> list[Document]:
    rows = [json.loads(line) for line in _lines(DATA / "stsb-en", "train")]
    texts = [row[name] for row in rows for name in ("sentence1", "sentence2")]
    return [Document(str(place), text) for place, text in enumerate(dict.fromkeys(texts))]


def _lines(folder: Path, part: str) -> list[str]:
    path = next(folder.glob(f"{part}.jsonl.gz"))
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(lines)


def written(kind: str, wordnet: str) -> str:
    if wordnet and kind in ("synonyms", "glosses"):
        return f"{kind}(folder={wordnet!r})"
    if wordnet and kind == "definitions":
        return f"{kind}(dictionary={wordnet!r})"
    return kind
