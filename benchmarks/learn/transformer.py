"""What the transformer side of learning is worth: usage vectors, poolings, merging, fine-tuning.

    python benchmarks/learn/transformer.py [usage] [merging] [pooling] [tuning]

Each part takes some minutes on one core, keeps the others' figures in the results, and stores what
it has as it goes. Queries that are reported on took no part in training or in the choice of a
setting. Search is over abstracts of scifact (all judged ones, the others drawn at random; 1,000 for
poolings, 600 for fine-tuning) for its claims of `train` (809, and every second one); the training
pairs are titles and abstracts of `papers`.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from everygrain.document import Ranking
from everygrain.encode.base import unit
from everygrain.encode.pooling import POOLINGS, open_model, with_pooling
from everygrain.encode.registry import create
from everygrain.encode.transformer import Transformer, minilm_folder
from everygrain.encode.usage import UsedItems
from everygrain.encode.usage_ranking import QueryClassifier, Refiner, candidate_features
from everygrain.learn.losses.base import Batch
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.merge import Merging, learned_coefficients, merged, uniform
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.fine_tuning import FineTuning
from everygrain.learn.train.transformer import fine_tune
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
CUT, SEEDS = 96, 3

Store = Callable[[dict[str, Any]], None]


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


# usage ------------------------------------------------------------------------------------------


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


def labelled(name: str, file: str) -> list[tuple[str, str]]:
    path = DATA / name / file
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [(row["text"], row["label"]) for row in map(json.loads, lines)]


# merging ----------------------------------------------------------------------------------------


def merging(store: Store) -> dict[str, Any]:
    """Three tables tuned from one static table, each to a task, and merged into one."""
    from everygrain.encode.distil import static_table

    table = static_table()
    base = torch.tensor(table.matrix.astype(np.float32))
    tasks = {"papers": paper_pairs(6_000), "banking77": intent_pairs(6_000),
             "cosqa": code_pairs(400), "cisi": title_pairs("cisi", 1_200)}  # fmt: skip
    bags: dict[str, Any] = {}
    experts: list[dict[str, Any]] = []
    for name, pairs in tasks.items():
        cut = max(100, len(pairs) // 6)
        parts = {"test": pairs[:cut], "probe": pairs[cut : 2 * cut], "train": pairs[2 * cut :]}
        bags[name] = {part: bags_of(table, chosen) for part, chosen in parts.items()}
        experts.append({"matrix": tuned_table(base, bags[name]["train"])})
        print("expert", name, flush=True)
    state = {"matrix": base}
    lot = torch.Generator().manual_seed(0)

    def probe_loss(merged_state: Any, step: int) -> Any:
        losses = [table_loss(merged_state["matrix"], bags[name]["probe"], 100, lot)
                  for name in tasks]  # fmt: skip
        return torch.stack(losses).mean()

    settings = Merging(steps=40, learning_rate=0.2, momentum=0.8)
    coefficients = learned_coefficients(state, experts, probe_loss, settings)
    choices = {"base": [0.0] * len(experts)}
    for place, name in enumerate(tasks):
        choices[f"expert {name}"] = [float(place == i) for i in range(len(experts))]
    choices |= {"uniform": uniform(experts), "learned": coefficients}
    found: dict[str, Any] = {"coefficients": [round(a, 3) for a in coefficients]}
    values: dict[str, list[Any]] = {}
    for label, chosen in choices.items():
        matrix = merged(state, experts, chosen)["matrix"]
        values[label] = [reciprocal(matrix, bags[name]["test"]) for name in tasks]
        found[label] = {n: round(float(v.mean()), 4)
                        for n, v in zip(tasks, values[label], strict=True)}  # fmt: skip
        found[label]["mean"] = round(float(np.mean([v.mean() for v in values[label]])), 4)
    for name, learned, plain in zip(tasks, values["learned"], values["uniform"], strict=True):
        gap = learned - plain
        found[f"learned - uniform, {name}"] = [
            *interval(gap), randomisation_test(learned, plain).p, len(gap)
        ]  # fmt: skip
    return found


def bags_of(table: Any, pairs: list[Pair]) -> tuple[Any, Any]:
    """Return the word pieces of queries and of positives, each text a list."""
    sides = []
    for texts in ([p.query for p in pairs], [p.positive for p in pairs]):
        told = table._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        sides.append([each.ids[:CUT] or [0] for each in told])
    return sides[0], sides[1]


def pooled(matrix: Any, texts: list[list[int]]) -> Any:
    flat = torch.tensor([piece for text in texts for piece in text])
    starts = torch.tensor(np.cumsum([0, *map(len, texts[:-1])]))
    found = torch.nn.functional.embedding_bag(flat, matrix, starts, mode="mean")
    return torch.nn.functional.normalize(found, dim=-1)


def table_loss(matrix: Any, bags: tuple[Any, Any], size: int, lot: Any) -> Any:
    chosen = torch.randperm(len(bags[0]), generator=lot)[:size].tolist()
    queries, documents = (pooled(matrix, [side[i] for i in chosen]) for side in bags)
    eye = torch.eye(len(chosen))
    batch = Batch(queries, documents, eye, torch.ones(eye.shape, dtype=torch.bool),
                  torch.tensor(chosen))  # fmt: skip
    return MultipleNegatives()(batch).mean()


def tuned_table(base: Any, bags: tuple[Any, Any]) -> Any:
    matrix = base.clone().requires_grad_()
    optimiser = torch.optim.Adam([matrix], lr=0.003)
    lot = torch.Generator().manual_seed(0)
    for _ in range(60):
        optimiser.zero_grad()
        table_loss(matrix, bags, 128, lot).backward()
        optimiser.step()
    return matrix.detach()


def reciprocal(matrix: Any, bags: tuple[Any, Any]) -> Any:
    """Return the reciprocal rank of each query's own text among all texts of the test part."""
    queries, documents = (pooled(matrix, side) for side in bags)
    scores = queries @ documents.T
    ranks = (scores > scores.diagonal().unsqueeze(1)).sum(1) + 1
    return (1 / ranks.double()).numpy()


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


# pooling ----------------------------------------------------------------------------------------


def pooling(store: Store) -> dict[str, Any]:
    """The same frozen MiniLM, data, loss and steps; only the pooling differs and is trained.

    Attention has a linear map after it, so a mean with a trained map stands beside: what it gains
    is the training's, not the pooling's. Trained ones are means over seeds, query by query.
    """
    collection, ids, texts = claims(1_000)
    asked = list(collection.scored_queries.values())
    pairs = paper_pairs(1_000)
    model = open_model(minilm_folder())
    body = with_pooling(model, "layers")[0]
    sides = {
        "queries": [p.query for p in pairs], "documents": [p.positive for p in pairs],
        "asked": asked, "texts": texts,
    }  # fmt: skip
    states = {name: frozen_states(body, model.tokenizer, each, 48 if name != "texts" else CUT)
              for name, each in sides.items()}  # fmt: skip
    print("states", flush=True)
    values: dict[str, Any] = {}
    for name in (*POOLINGS, "mean, mapped"):
        reached = []
        for seed in range(SEEDS) if name not in ("mean", "last") else [0]:
            torch.manual_seed(seed)
            module = MappedMean(384) if name == "mean, mapped" else with_pooling(model, name)[1]
            if name not in ("mean", "last"):
                train_pooling(name, module, states["queries"], states["documents"], seed)
            with torch.inference_mode():
                found = [unit(pool(name, module, states[s]).numpy()) for s in ("texts", "asked")]
            reached.append(ndcg(collection, ids, *found))
        values[name] = np.mean(reached, axis=0)
        result: dict[str, Any] = {name: interval(each) for name, each in values.items()}
        store(result)
    others = [name for name in values if name != "mean"]
    for against in ("mean", "mean, mapped"):
        chosen = [name for name in others if name != against]
        tests = [randomisation_test(values[name], values[against]) for name in chosen]
        for name, test, p in zip(chosen, tests, holm([t.p for t in tests]), strict=True):
            gap = values[name] - values[against]
            result[f"{name} - {against}"] = [*interval(gap), test.p, float(p)]
    result["n"], result["seeds"] = len(asked), SEEDS
    return result


class MappedMean(torch.nn.Module):
    """The mean of the last states plus a linear map of it that starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = torch.nn.Linear(width, width)
        torch.nn.init.zeros_(self.out.weight)
        torch.nn.init.zeros_(self.out.bias)

    def pooled(self, means: Any) -> Any:
        return means[:, -1] + self.out(means[:, -1])


def frozen_states(body: Any, tokenizer: Any, texts: list[str], cut: int) -> dict[str, Any]:
    """Return padded last states in half precision, which are no padding, and the layers' means."""
    last, masks, means = [], [], []
    body.eval()
    order = np.argsort([len(text) for text in texts], kind="stable")
    for start in range(0, len(texts), 32):
        batch = [texts[i] for i in order[start : start + 32]]
        features = tokenizer(batch, padding=True, truncation=True, max_length=cut,
                             return_tensors="pt")  # fmt: skip
        with torch.inference_mode():
            found = body(dict(features))
        attended = features["attention_mask"]
        weights = attended.unsqueeze(-1).float()
        means.append(torch.stack([(s * weights).sum(1) / weights.sum(1)
                                  for s in found["all_layer_embeddings"]], 1))  # fmt: skip
        wide = cut - attended.shape[1]
        last.append(torch.nn.functional.pad(found["token_embeddings"].half(), (0, 0, 0, wide)))
        masks.append(torch.nn.functional.pad(attended, (0, wide)))
    back = torch.tensor(np.argsort(order))
    return {"last": torch.cat(last)[back], "mask": torch.cat(masks)[back],
            "means": torch.cat(means)[back]}  # fmt: skip


def pool(name: str, module: Any, states: dict[str, Any], rows: Any = slice(None)) -> Any:
    if name in ("layers", "mean, mapped"):
        return module.pooled(states["means"][rows])
    last, mask = states["last"][rows].float(), states["mask"][rows]
    if name == "tokens":
        return module.pooled(last, mask)
    return module({"token_embeddings": last, "attention_mask": mask})["sentence_embedding"]


def train_pooling(
    name: str, module: Any, queries: dict[str, Any], documents: Any, seed: int
) -> None:
    optimiser = torch.optim.Adam(module.parameters(), lr=3e-4)
    lot = torch.Generator().manual_seed(seed)
    count, loss = len(queries["mask"]), MultipleNegatives()
    for _ in range(80):
        rows = torch.randperm(count, generator=lot)[:64]
        sides = [torch.nn.functional.normalize(pool(name, module, s, rows), dim=-1)
                 for s in (queries, documents)]  # fmt: skip
        eye = torch.eye(len(rows))
        optimiser.zero_grad()
        loss(Batch(*sides, eye, torch.ones(eye.shape, dtype=torch.bool), rows)).mean().backward()
        optimiser.step()


# fine-tuning ------------------------------------------------------------------------------------


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


# shared -----------------------------------------------------------------------------------------


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
