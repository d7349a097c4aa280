"""What the transformer side of learning is worth: usage vectors, poolings, merging, fine-tuning.

    python benchmarks/learn/transformer.py [usage] [merging] [pooling] [tuning]

Each part takes some minutes on one core, keeps the others' figures in the results, and stores what
it has as it goes. Queries that are reported on took no part in training or in the choice of a
setting. Search is over abstracts of scifact (all judged ones, the others drawn at random; 1,000 for
poolings, 600 for fine-tuning) for its claims of `train` (809, and every second one); the training
pairs are titles and abstracts of `papers`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformer_data import RESULTS, Store, claims, interval, labelled, ndcg, paper_pairs
from transformer_merging import merging
from transformer_pooling import pooling

from everygrain.encode.registry import create
from everygrain.encode.transformer import Transformer
from everygrain.encode.usage import UsedItems
from everygrain.encode.usage_ranking import QueryClassifier, Refiner, candidate_features
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.train.fine_tuning import FineTuning
from everygrain.learn.train.transformer import fine_tune
from everygrain.measure.significance import randomisation_test


def main() -> None:
    torch.set_num_threads(1)
    parts: dict[str, Callable[[Store], dict[str, Any]]] = {
        "usage": usage, "merging": merging, "pooling": pooling, "tuning": tuning,
    }  # fmt: skip
    path = RESULTS / "learn_transformer.json"
    results = json.loads(path.read_text()) if path.is_file() else {}

    def store(name: str, found: dict[str, Any]) -> None:
        results[name] = found
        path.write_text(json.dumps(results, indent=1) + "\n")
        write(results)

    for name in sys.argv[1:] or list(parts):
        begun = time.monotonic()
        found = parts[name](partial(store, name))
        store(name, found | {"seconds": round(time.monotonic() - begun)})
        print(name, json.dumps(results[name]), flush=True)


def usage(store: Store) -> dict[str, Any]:
    """banking77: an intent is an item, its name the description, train texts its uses."""
    encoder = create("minilm")
    assert encoder is not None
    rows = [labelled("banking77", "train.jsonl.gz"), labelled("banking77", "dev.jsonl")]
    seen = {text for text, _ in rows[0]}
    rows[1] = [row for row in rows[1] if row[0] not in seen]
    labels = sorted({label for _, label in rows[0]})
    places = {label: place for place, label in enumerate(labels)}
    train, dev = (encoder.encode([text for text, _ in part]) for part in rows)
    told, asked = (np.array([places[label] for _, label in part]) for part in rows)
    described = UsedItems.described(encoder, {label: label.replace("_", " ") for label in labels})
    lot = np.random.default_rng(0)
    found: dict[str, Any] = {"n": len(asked), "items": len(labels)}
    for uses in (0, 1, 3, 10, 30, 1000):
        kept = np.concatenate([lot.permutation(np.flatnonzero(told == i))[:uses]
                               for i in range(len(labels))]).astype(int)  # fmt: skip
        vectors, names = train[kept], [labels[i] for i in told[kept]]
        views = {
            "description": described.vectors,
            "usage": UsedItems(labels_of(described), described.descriptions, described.sums,
                               described.counts, 0.0).used_at(vectors, names).vectors,
            "blend": described.used_at(vectors, names).vectors,
        }  # fmt: skip
        scores = {name: dev @ matrix.T for name, matrix in views.items()}
        if 3 <= uses <= 30:  # a classifier of all uses takes minutes
            used = told[kept][:, None] == np.arange(len(labels))
            classifier = QueryClassifier.fit(vectors, used)
            scores["classifier"] = classifier.logits(dev)
            order = refined(described, vectors, told[kept], dev, scores)
            found[f"{uses} uses, refined"] = recalls(order, asked)
        for name, each in scores.items():
            order = np.argsort(-each, axis=1, kind="stable")
            found[f"{uses} uses, {name}"] = recalls(order, asked)
        if uses == 3:
            firsts = {n: (s.argmax(1) == asked).astype(float) for n, s in scores.items()}
            gap = firsts["blend"] - firsts["usage"]
            found["blend - usage, 3 uses"] = [*interval(gap),
                                              randomisation_test(gap, 0 * gap).p]  # fmt: skip
    return found


def labels_of(items: UsedItems) -> tuple[str, ...]:
    return items.ids


def refined(
    described: UsedItems, vectors: Any, told: Any, asked: Any, scores: dict[str, Any]
) -> Any:
    """Order the best 10 of the blend by a refiner learned across two halves of the uses."""
    halves = np.arange(len(told)) % 2 == 0
    features, picked = [], []
    for half in (halves, ~halves):
        names = [described.ids[i] for i in told[half]]
        items = described.used_at(vectors[half], names)
        used = told[half][:, None] == np.arange(len(described.ids))
        classifier = QueryClassifier.fit(vectors[half], used)
        queries = vectors[~half]
        views = views_of(described, items, classifier.logits(queries), queries)
        candidates = np.argsort(-views[1], axis=1, kind="stable")[:, :10]
        features.append(candidate_features(views, candidates))
        picked.append(candidates == told[~half][:, None])
    refiner = Refiner.fit(np.concatenate(features), np.concatenate(picked))
    items = described.used_at(vectors, [described.ids[i] for i in told])
    views = views_of(described, items, scores["classifier"], asked)
    candidates = np.argsort(-views[1], axis=1, kind="stable")[:, :10]
    return refiner.refine(candidate_features(views, candidates), candidates)


def views_of(described: UsedItems, items: UsedItems, logits: Any, queries: Any) -> list[Any]:
    return [
        np.float64(queries @ described.vectors.T),
        np.float64(queries @ items.vectors.T),
        logits,
    ]


def recalls(order: Any, asked: Any) -> dict[str, Any]:
    """Return Recall@1 with its interval, and Recall@3 and @5, of one relevant item a query."""
    hits = order == asked[:, None]
    found: dict[str, Any] = {"R@1": interval(hits[:, 0].astype(float))}
    for k in (3, 5):
        found[f"R@{k}"] = round(float(hits[:, :k].any(axis=1).mean()), 4)
    return found


def tuning(store: Store) -> dict[str, Any]:
    """MiniLM as it comes, with its top two layers tuned, and with low-rank adapters in them."""
    collection, ids, texts = claims(600, every=2)
    asked = list(collection.scored_queries.values())
    pairs = paper_pairs(1_600)
    before = create("minilm")
    assert before is not None
    values = {"minilm": ndcg(collection, ids, before.encode(texts), before.encode(asked))}
    result: dict[str, Any] = {"n": len(asked)}
    ways = {
        "top 2 layers": FineTuning(layers=2, batch=32, tokens=64, learning_rate=5e-5),
        "adapters of rank 8, top 2 layers": FineTuning(
            layers=2, rank=8, batch=32, tokens=64, learning_rate=5e-4
        ),
    }
    for name, settings in ways.items():
        steps: list[Any] = []
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            tuned = fine_tune(pairs, MultipleNegatives(), Path(scratch) / "tuned",
                              base=Transformer("minilm"), settings=settings,
                              progress=steps.append)  # fmt: skip
            cost = time.monotonic() - begun
            values[name] = ndcg(collection, ids, tuned.encode(texts), tuned.encode(asked))
        gap = values[name] - values["minilm"]
        test = randomisation_test(values[name], values["minilm"])
        result[name] = {
            "nDCG@10": interval(values[name]), "difference": [*interval(gap), test.p],
            "steps": len(steps), "training seconds": round(cost),
            "first and last loss": [round(steps[0].loss, 3),
                                    round(float(np.mean([s.loss for s in steps[-5:]])), 3)],
        }  # fmt: skip
        print(name, json.dumps(result[name]), flush=True)
        store(result)
    result["minilm"] = interval(values["minilm"])
    return result


def write(results: dict[str, Any]) -> None:
    lines = [
        "# Transformers that learn",
        "",
        "Means with 95 % intervals (BCa bootstrap); differences with p of a paired randomisation "
        "test, for poolings also after Holm. Made by `python benchmarks/learn/transformer.py`.",
    ]
    for part, rows in results.items():
        lines += ["", f"## {part}", "", "| what | figures |", "|---|---|"]
        lines += [f"| {name} | {told(value)} |" for name, value in rows.items()]
    (RESULTS / "learn_transformer.md").write_text("\n".join(lines) + "\n")


def told(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {told(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(f"{each:.4g}" for each in value)
    return str(value)


if __name__ == "__main__":
    main()
