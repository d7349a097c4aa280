"""What training a static table costs: speed beside sentence-transformers' own trainer, and memory.

    python benchmarks/learn/speed.py [speed] [memory]

speed    Both train the same table on the same titles and abstracts of papers, one epoch in the
         same batches by multiple negatives ranking, on one thread, in turns in processes of their
         own; from the first text to the trained table. Rates count the seconds of the processor,
         so that a busy machine does not sway them. Ours weighs words by their inverse document
         frequency and takes sparse steps; theirs, `SentenceTransformerTrainer` with
         `StaticEmbedding`, takes the plain mean, and dense steps, as it does unless told otherwise.
         It needs the package accelerate, which the project does not.
memory   The peak of a process that indexes papers with `static` and adapts that index.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
PAIRS, BATCH, TURNS = 8_192, 1_024, 3
PAPERS, BUDGET = 4_000, 60.0


def papers(count: int) -> list[dict[str, Any]]:
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        told = (json.loads(line) for line in lines)
        return list(islice((row for row in told if row["title"] and row["abstract"]), count))


def ours(rows: list[dict[str, Any]]) -> float:
    """Return the seconds of the processor that our training takes."""
    from everygrain.analyze import split
    from everygrain.encode.distil import static_table
    from everygrain.encode.static import Static
    from everygrain.learn.pairs.base import Pair
    from everygrain.learn.train.static import StaticTraining, train_static

    encoder = Static(static_table(), {}).fit(split([row["abstract"] for row in rows]), 384)
    pairs = [Pair(r["title"], r["abstract"], "title", f"t{r['id']}", r["id"]) for r in rows]
    settings = StaticTraining(epochs=1, batch=BATCH)
    train_static(encoder, pairs[:64], settings=StaticTraining(epochs=1, batch=32))
    begun = time.process_time()
    train_static(encoder, pairs, settings=settings)
    return time.process_time() - begun


def theirs(rows: list[dict[str, Any]]) -> float:
    """Return the seconds of the processor that sentence-transformers' trainer takes."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    from everygrain.encode.distil import static_table

    table = static_table()
    tokenizer = Tokenizer.from_str(table.tokenizer)

    def trained(chosen: list[dict[str, Any]], batch: int, folder: str) -> None:
        weights = table.matrix.astype(np.float32)
        module = StaticEmbedding(tokenizer, embedding_weights=weights)
        model = SentenceTransformer(modules=[module], device="cpu")
        data = {"anchor": [r["title"] for r in chosen], "positive": [r["abstract"] for r in chosen]}
        arguments = SentenceTransformerTrainingArguments(
            folder, num_train_epochs=1, per_device_train_batch_size=batch, use_cpu=True,
            learning_rate=0.05, save_strategy="no", logging_strategy="no", report_to="none",
            disable_tqdm=True,
        )  # fmt: skip
        loss = MultipleNegativesRankingLoss(model)
        trainer = SentenceTransformerTrainer(
            model, arguments, train_dataset=Dataset.from_dict(data), loss=loss
        )
        trainer.train()

    with tempfile.TemporaryDirectory() as folder:
        trained(rows[:64], 32, folder)
        begun = time.process_time()
        trained(rows, BATCH, folder)
        return time.process_time() - begun


def speed() -> dict[str, Any]:
    """Return pairs a second of both, in turns, and the median of the ratios."""
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(TURNS):
        for name, found in rates.items():
            found.append(PAIRS / float(child(name)))
            print(name, round(found[-1]), flush=True)
    ratios = [a / b for a, b in zip(rates["ours"], rates["theirs"], strict=True)]
    return {
        "pairs": PAIRS, "batch": BATCH, "turns": TURNS,
        **{name: [round(rate) for rate in found] for name, found in rates.items()},
        "ratio": round(float(np.median(ratios)), 2),
        "least and highest ratio": [round(min(ratios), 2), round(max(ratios), 2)],
    }  # fmt: skip


def adapted() -> float:
    """Return the peak memory of this process, in MiB, after an adaptation."""
    from everygrain import Document, Index
    from everygrain.adaptation import adapt

    rows = papers(PAPERS)
    with tempfile.TemporaryDirectory() as folder, Index(Path(folder) / "index", "static") as index:
        index.add(Document(row["id"], row["abstract"], row["title"]) for row in rows)
        done = adapt(index, budget=BUDGET)
        told = json.loads((done.report / "report.json").read_text())
        print(told["reason"], told["pairs"], told["taught"], file=sys.stderr, flush=True)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory() -> dict[str, Any]:
    """Return the peak of an adaptation in a process of its own."""
    return {
        "papers": PAPERS,
        "budget in seconds": BUDGET,
        "peak in MiB": round(float(child("adapted"))),
    }


def child(name: str) -> str:
    """Run one part in a process of its own, on one thread; return what it prints last."""
    told = subprocess.run(
        [sys.executable, __file__, name], check=True, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    return told.stdout.split()[-1]


def main() -> None:
    asked = sys.argv[1:] or ["speed", "memory"]
    if asked == ["adapted"]:
        print(adapted())
        return
    if asked in (["ours"], ["theirs"]):
        print({"ours": ours, "theirs": theirs}[asked[0]](papers(PAIRS)))
        return
    path = RESULTS / "learn_speed.json"
    results = json.loads(path.read_text()) if path.is_file() else {}
    for name in asked:
        results[name] = {"speed": speed, "memory": memory}[name]()
        path.write_text(json.dumps(results, indent=1) + "\n")
        write(results)


def write(results: dict[str, Any]) -> None:
    lines = ["# What training a static table costs", "", *(__doc__ or "").split("\n")[4:-1], ""]
    for name, found in results.items():
        lines += [f"## {name}", "", "| what | figures |", "|---|---|"]
        lines += [f"| {what} | {value} |" for what, value in found.items()]
        lines.append("")
    lines.append("Rates are pairs a second of one core.")
    (RESULTS / "learn_speed.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
