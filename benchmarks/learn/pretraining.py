"""Small encoders pretrained on abstracts by three objectives, and what that is worth in search.

    python benchmarks/learn/pretraining.py [STEPS] [S11] [S19] [T01]

Each objective trains for STEPS (300) of 32 texts, on 16,000 abstracts: about a minute of one
core. Its losses on abstracts held out stand beside those of answers by frequency alone. Then the
encoder, and the same encoder without the pretraining, are tuned on titles and abstracts of other
papers for the same number of steps, and rank 700 abstracts of scifact for its claims of `train`.
Results are stored after each objective; those of the others are kept.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from everygrain.document import Ranking
from everygrain.encode.base import Encoder
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pretrain.base import Size
from everygrain.learn.pretrain.body import learned_tokenizer
from everygrain.learn.pretrain.duplex import DuplexAutoEncoder
from everygrain.learn.pretrain.grams import NGramMasks
from everygrain.learn.pretrain.replaced import ReplacedTokens
from everygrain.learn.pretrain.training import Pretraining, pretrain
from everygrain.learn.train.fine_tuning import FineTuning
from everygrain.learn.train.transformer import fine_tune
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
OBJECTIVES = {
    "replaced tokens (S11)": ReplacedTokens(),
    "duplex auto-encoder (S19)": DuplexAutoEncoder(),
    "n-gram masks (T01)": NGramMasks(),
}
ABSTRACTS, PAIRS, KEPT, STEPS = 16_000, 1_600, 700, 300
SIZE = Size(layers=2, width=128, heads=4, vocabulary=4000, tokens=64)
TUNING = FineTuning(epochs=1, batch=32, learning_rate=5e-4, tokens=64)


def papers() -> tuple[list[str], list[Pair]]:
    """Return abstracts to pretrain on, and titles with abstracts of other papers to tune on."""
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    told = [paper for paper in told if paper.get("abstract") and paper.get("title")]
    chosen = np.random.default_rng(0).permutation(len(told))[: ABSTRACTS + PAIRS]
    abstracts = [told[i]["abstract"] for i in chosen[:ABSTRACTS]]
    pairs = [
        Pair(told[i]["title"], told[i]["abstract"], "title", f"{i}-title", told[i]["id"])
        for i in chosen[ABSTRACTS:]
    ]
    return abstracts, pairs


def claims() -> tuple[Any, list[str], list[str]]:
    """Return the collection, and ids and texts of all judged abstracts with others at random."""
    collection = load(DATA / "scifact", "train")
    found = list(collection.documents())
    judged = {document for grades in collection.judgements.values() for document in grades}
    others = [i for i, document in enumerate(found) if document.id not in judged]
    wanted = {i for i, document in enumerate(found) if document.id in judged}
    drawn = np.random.default_rng(0).permutation(len(others))
    wanted |= {others[i] for i in drawn[: max(0, KEPT - len(wanted))]}
    kept = [found[i] for i in sorted(wanted)]
    return collection, [d.id for d in kept], [f"{d.title}. {d.text}" for d in kept]


def ndcg(encoder: Encoder, told: tuple[Any, list[str], list[str]]) -> np.ndarray:
    """Return nDCG@10 per query, of ranking by dot products."""
    collection, ids, texts = told
    asked = collection.scored_queries
    documents = encoder.encode(texts)
    queries = encoder.encode(list(asked.values()))
    rows = []
    for query, vector in zip(asked, queries, strict=True):
        scores = documents @ vector
        for i in islice(np.argsort(-scores, kind="stable"), 10):
            rows.append((query, ids[i], float(scores[i])))
    scored = evaluate(Ranking.of(list(asked), rows), collection.judgements, ["nDCG@10"])
    return scored.of("nDCG@10")


def main() -> None:
    torch.set_num_threads(1)
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    abstracts, pairs = papers()
    told = claims()
    tokenizer = learned_tokenizer(abstracts, SIZE)
    path = RESULTS / "learn_pretraining.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    wanted = sys.argv[2:] or ["S11", "S19", "T01"]
    for name, objective in OBJECTIVES.items():
        if not any(each in name for each in wanted):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            start = Path(scratch)
            settings = Pretraining(steps=steps, batch=32)
            begun = time.process_time()
            made = pretrain(abstracts, objective, start / "made", size=SIZE, settings=settings,
                            tokenizer=tokenizer)  # fmt: skip
            spent = time.process_time() - begun
            nothing = Pretraining(steps=1, batch=2, learning_rate=1e-12)
            plain = pretrain(abstracts, objective, start / "plain", size=SIZE, settings=nothing,
                             tokenizer=tokenizer)  # fmt: skip
            row: dict[str, Any] = {"steps": made.steps, "seconds of a core": round(spent)}
            row["losses"] = {k: [round(v, 3), round(made.baselines[k], 3)]
                             for k, v in made.losses.items()}  # fmt: skip
            values = {}
            for label, base in (("pretrained", made.encoder), ("not pretrained", plain.encoder)):
                tuned = fine_tune(
                    pairs, MultipleNegatives(), start / "tuned", base=base, settings=TUNING
                )
                values[label] = ndcg(tuned, told)
                row[label] = [round(float(values[label].mean()), 3),
                              *_ends(values[label])]  # fmt: skip
            row["before tuning"] = round(float(ndcg(made.encoder, told).mean()), 3)
            gap = values["pretrained"] - values["not pretrained"]
            row["difference"] = [round(float(gap.mean()), 3), *_ends(gap)]
            test = randomisation_test(values["pretrained"], values["not pretrained"])
            row["p"] = round(test.p, 5)
            row["n"] = len(gap)
        results[name] = row
        print(name, json.dumps(row), flush=True)
        write(results)


def _ends(values: Any) -> list[float]:
    interval = bca_interval(values)
    return [round(interval.low, 3), round(interval.high, 3)]


def write(results: dict[str, Any]) -> None:
    lines = [
        "# Pretraining small encoders",
        "",
        f"2 layers, 128 dimensions, 4,000 word pieces, {ABSTRACTS:,} abstracts of which 32 are in "
        "a step. Losses on "
        "abstracts held out, in nats, with the loss of answers by frequency alone in brackets. "
        f"Then nDCG@10 of the dense leg over {KEPT:,} abstracts of scifact for "
        f"{next(iter(results.values()))['n']} claims, after the same tuning on {PAIRS:,} titles "
        "and abstracts; intervals are BCa, p is of a paired randomisation test, without "
        "correction. Made by `python benchmarks/learn/pretraining.py`.",
        "",
        "| objective | steps | losses | tuned only | pretrained, then tuned | difference | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in results.items():
        losses = ", ".join(f"{k} {v:.2f} ({b:.2f})" for k, (v, b) in row["losses"].items())
        cells = [
            "{:.3f} [{:.3f}, {:.3f}]".format(*row[k]) for k in ("not pretrained", "pretrained")
        ]
        gap = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row["difference"])
        lines.append(
            f"| {name} | {row['steps']} | {losses} | {cells[0]} | {cells[1]} | {gap} "
            f"| {row['p']:.2g} |"
        )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learn_pretraining.md").write_text("\n".join(lines) + "\n")
    (RESULTS / "learn_pretraining.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
