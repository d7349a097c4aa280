"""How well fewer tasks, and smaller collections, keep the order of systems.

    python benchmarks/downsampling.py [--tasks scifact,cranfield,...] [--samples 40]

Tasks: nDCG@10 of 16 systems (words and latent vectors; nothing pretrained) on 8 collections. The
greedy choice is made on half of the systems, drawn at random, and judged by Spearman's rho on the
other half; beside it, as many tasks drawn at random. Figures are means over the draws.

Collections: judged documents plus the pooled best of two systems (lexical, dense) for each of at
most 100 queries, at several depths. All systems are indexed and run anew on the small collection.
Beside it, as many documents drawn at random around the judged ones. Results go to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from everygrain.engine import Index
from everygrain.measure import Collection, evaluate, load
from everygrain.measure.agreement import agreement
from everygrain.measure.downsample import Table, downsample
from everygrain.measure.small import part, small
from everygrain.rank.base import Retriever
from everygrain.rank.fuse import ReciprocalRank, Weighted, fuse
from everygrain.rank.lexical import BM25

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
TASKS = {
    "scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev", "cosqa": "dev",
    "xquad-en": "dev", "xquad-es": "dev", "xquad-ru": "dev",
}  # fmt: skip
POOLED = ("scifact", "vaswani")
DEPTHS = (1, 3, 10, 30)
QUERIES = 100
MEASURE = "nDCG@10"
SETTINGS = ((0.0, 0.0), (0.5, 0.4), (0.9, 0.4), (1.2, 0.75), (1.5, 0.6), (2.5, 0.9), (5.0, 0.6))


def systems(index: Index) -> dict[str, Retriever]:
    """Return 16 systems of one index."""
    lexical, dense, hybrid = (index.retriever(n) for n in ("lexical", "dense", "hybrid"))
    found: dict[str, Retriever] = {
        f"lexical(k1={k1}, b={b})": index.retriever("lexical", bm25=BM25(k1, b))
        for k1, b in SETTINGS
    }
    text = index.retriever("lexical", bm25=BM25(title=0.0))
    title = index.retriever("lexical", bm25=BM25(title=3.0))
    found |= {"lexical, text only": text, "lexical, title x 3": title, "dense": dense,
              "hybrid": hybrid}  # fmt: skip
    for weight in (0.3, 0.5, 0.7):
        weights = Weighted((1 - weight, weight))
        found[f"weighted {weight}"] = fuse(lexical, dense, method=weights)
    found["reciprocal ranks"] = fuse(lexical, dense)
    found["reciprocal ranks, constant 5"] = fuse(lexical, dense, method=ReciprocalRank(5))
    return found


def measured(collection: Collection, pool: int = 0) -> tuple[dict[str, np.ndarray], list]:
    """Return the queries' figures of every system, and the rankings of lexical and dense."""
    queries = collection.scored_queries
    with tempfile.TemporaryDirectory() as folder, Index(Path(folder) / "i", "latent") as index:
        index.add(collection.documents())
        figures = {
            name: evaluate(each.retrieve(queries, 10), collection.judgements, [MEASURE]).of(MEASURE)
            for name, each in systems(index).items()
        }
        deep = [index.retriever(n).retrieve(queries, pool) for n in ("lexical", "dense") if pool]
    return figures, deep


def of_tasks(tasks: list[str], samples: int) -> dict:
    """Choose tasks on half of the systems and judge the choice on the others."""
    columns = {}
    for name in tasks:
        figures, _ = measured(load(DATA / name, TASKS[name]))
        columns[name] = {system: float(values.mean()) for system, values in figures.items()}
        print(name, f"best {max(columns[name].values()):.3f}", flush=True)
    names = tuple(next(iter(columns.values())))
    values = np.array([[columns[task][system] for task in tasks] for system in names])
    table = Table(names, tuple(tasks), values)
    chosen = downsample(table, floor=0.9)
    rows = []
    generator = np.random.default_rng(0)
    for least in range(len(tasks) - 1, 0, -1):
        greedy, drawn, same = [], [], []
        for _ in range(samples):
            order = generator.permutation(len(names))
            seen, held = order[: len(order) // 2], order[len(order) // 2 :]
            half = Table(tuple(names[i] for i in seen), table.tasks, values[seen])
            kept = downsample(half, predicted=-1, floor=-1, least=least)
            random = [tasks[i] for i in generator.choice(len(tasks), least, replace=False)]
            whole = table.of(tasks)[held]
            greedy.append(agreement(table.of(kept.kept)[held], whole, samples=1).spearman.value)
            drawn.append(agreement(table.of(random)[held], whole, samples=1).spearman.value)
            same.append(kept.agreement.spearman.value)
        rows.append({"tasks": least, "chosen on": np.mean(same), "held out": np.mean(greedy),
                     "at random": np.mean(drawn)})  # fmt: skip
    return {
        "columns": columns,
        "kept": chosen.kept,
        "removed": [{"task": s.task, "predicted": s.predicted, "spearman": s.spearman}
                    for s in chosen.steps],
        "agreement": {"spearman": str(chosen.agreement.spearman),
                      "kendall": str(chosen.agreement.kendall)},
        "held out": rows,
    }  # fmt: skip


def of_collections(name: str) -> list[dict]:
    """Measure all systems on a collection and on small ones made of it."""
    whole = load(DATA / name, TASKS[name])
    judged = sorted(whole.scored_queries)
    generator = np.random.default_rng(0)
    taken = [judged[i] for i in generator.permutation(len(judged))[:QUERIES]]
    whole = part(whole, sorted(taken))
    full, rankings = measured(whole, max(DEPTHS))
    ids = [document.id for document in whole.documents()]
    gold = {document for grades in whole.judgements.values() for document in grades}
    rows = []
    for depth in DEPTHS:
        pooled = small(whole, rankings, depth)
        size = sum(1 for _ in pooled.documents())
        rest = [identity for identity in ids if identity not in gold]
        extra = set(generator.choice(rest, max(0, size - len(gold)), replace=False)) | gold
        kept = replace(
            whole, documents=lambda extra=extra: (d for d in whole.documents() if d.id in extra)
        )
        for kind, collection in (("pooled", pooled), ("at random", kept)):
            found, _ = measured(collection)
            means = [np.array([v.mean() for v in each.values()]) for each in (full, found)]
            agreed = agreement(*means)
            rows.append(
                {
                    "collection": name, "queries": len(taken), "kind": kind, "depth": depth,
                    "documents": size, "of": len(ids), "share": size / len(ids),
                    "spearman": str(agreed.spearman), "kendall": str(agreed.kendall),
                    "first agrees": bool(means[0].argmax() == means[1].argmax()),
                    "rise": float(np.mean(means[1] - means[0])),
                    "spread": float(np.std(means[1] - means[0])),
                }
            )  # fmt: skip
            print(*rows[-1].values(), flush=True)
    return rows


def markdown(found: dict) -> str:
    """Return the results as a page."""
    tasks = found["tasks"]
    removed = ", ".join(
        f"{r['task']} (predicted {r['predicted']:.2f}, order then {r['spearman']:.3f})"
        for r in tasks["removed"]
    )
    lines = [
        "# Smaller suites, smaller collections",
        "",
        "nDCG@10 of 16 systems without pretrained parts. Correlations are of the systems' order "
        "on the small with that on the whole [95 % bootstrap interval over systems]. Made by "
        "`python benchmarks/downsampling.py`.",
        "",
        "## Fewer tasks",
        "",
        f"Of {len(tasks['columns'])} tasks, {len(tasks['kept'])} stay with the defaults and a "
        f"floor of .9: {', '.join(tasks['kept'])}. Removed: {removed or 'none'}. Spearman "
        f"{tasks['agreement']['spearman']}, Kendall {tasks['agreement']['kendall']}, on the "
        "systems that the choice was made with.",
        "",
        "Chosen on half of the systems, mean Spearman over draws:",
        "",
        "| tasks left | on that half | on the other half | as many tasks at random |",
        "|--:|--:|--:|--:|",
        *(
            f"| {r['tasks']} | {r['chosen on']:.3f} | {r['held out']:.3f} | {r['at random']:.3f} |"
            for r in tasks["held out"]
        ),
        "",
        "## Smaller collections",
        "",
        "Rise: mean change of nDCG@10 over systems; spread: its standard deviation over systems, "
        "which is what can change their order.",
        "",
        "| collection | queries | kept | depth | documents | Spearman | Kendall | same first "
        "| rise | spread |",
        "|---|--:|---|--:|--:|---|---|---|--:|--:|",
        *(
            f"| {r['collection']} | {r['queries']} | {r['kind']} | {r['depth']} | "
            f"{r['documents']:,} ({r['share']:.0%}) | {r['spearman']} | {r['kendall']} | "
            f"{'yes' if r['first agrees'] else 'no'} | {r['rise']:+.3f} | {r['spread']:.3f} |"
            for r in found["collections"]
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--samples", type=int, default=40)
    given = parser.parse_args()
    found = {
        "tasks": of_tasks(given.tasks.split(","), given.samples),
        "collections": [row for name in POOLED for row in of_collections(name)],
    }
    RESULTS.mkdir(exist_ok=True)
    told = json.dumps(found, indent=2, ensure_ascii=False)
    (RESULTS / "downsampling.json").write_text(told + "\n", encoding="utf-8")
    (RESULTS / "downsampling.md").write_text(markdown(found), encoding="utf-8")


if __name__ == "__main__":
    main()
