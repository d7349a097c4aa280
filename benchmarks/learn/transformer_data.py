"""The texts, pairs and scores of what the transformer side of learning is tried on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.document import Ranking
from everygrain.learn.pairs.base import Pair
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

RESULTS = Path(__file__).resolve().parents[1] / "results"

CUT, SEEDS = 96, 3

Store = Callable[[dict[str, Any]], None]


def labelled(name: str, file: str) -> list[tuple[str, str]]:
    path = DATA / name / file
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [(row["text"], row["label"]) for row in map(json.loads, lines)]


def intent_pairs(count: int) -> list[Pair]:
    """Pair texts of one intent with each other."""
    by_label: dict[str, list[str]] = {}
    for text, label in labelled("banking77", "train.jsonl.gz"):
        by_label.setdefault(label, []).append(text)
    pairs = [
        Pair(a, b, "intent", a, b)
        for texts in by_label.values()
        for a, b in zip(texts[::2], texts[1::2], strict=False)
    ]
    return [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:count]]


def code_pairs(count: int) -> list[Pair]:
    collection = load(DATA / "cosqa", "dev")
    texts = {document.id: document.text for document in collection.documents()}
    pairs = [
        Pair(query, texts[document], "code", identity, document)
        for identity, query in collection.scored_queries.items()
        for document in islice(collection.judgements[identity], 1)
    ]
    return [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[:count]]


def title_pairs(name: str, count: int) -> list[Pair]:
    found = [d for d in load(DATA / name, "dev").documents() if d.title and d.text]
    order = np.random.default_rng(0).permutation(len(found))[:count]
    return [Pair(found[i].title, found[i].text, "title", f"{i}", found[i].id) for i in order]


def paper_pairs(count: int) -> list[Pair]:
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    told = [paper for paper in told if paper.get("abstract") and paper.get("title")]
    chosen = np.random.default_rng(0).permutation(len(told))[:count]
    return [
        Pair(told[i]["title"], told[i]["abstract"], "title", f"{i}-title", told[i]["id"])
        for i in chosen
    ]


def claims(count: int, every: int = 1) -> tuple[Any, list[str], list[str]]:
    """Return every n-th claim as a collection, with ids and texts of `count` abstracts."""
    collection = load(DATA / "scifact", "train")
    chosen = list(collection.scored_queries)[::every]
    collection = replace(
        collection,
        queries={query: collection.queries[query] for query in chosen},
        judgements={query: collection.judgements[query] for query in chosen},
    )
    found = list(collection.documents())
    judged = {document for grades in collection.judgements.values() for document in grades}
    others = [i for i, document in enumerate(found) if document.id not in judged]
    wanted = {i for i, document in enumerate(found) if document.id in judged}
    drawn = np.random.default_rng(0).permutation(len(others))
    wanted |= {others[i] for i in drawn[: max(0, count - len(wanted))]}
    kept = [found[i] for i in sorted(wanted)]
    return collection, [d.id for d in kept], [f"{d.title}. {d.text}" for d in kept]


def ndcg(collection: Any, ids: list[str], documents: Any, queries: Any) -> Any:
    asked, rows = list(collection.scored_queries), []
    for query, vector in zip(asked, queries, strict=True):
        scores = documents @ vector
        for i in islice(np.argsort(-scores, kind="stable"), 10):
            rows.append((query, ids[i], float(scores[i])))
    scored = evaluate(Ranking.of(asked, rows), collection.judgements, ["nDCG@10"])
    return scored.of("nDCG@10")


def interval(values: Any) -> list[float]:
    found = bca_interval(values)
    return [round(float(np.mean(values)), 4), round(found.low, 4), round(found.high, 4)]
