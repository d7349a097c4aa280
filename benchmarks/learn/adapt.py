"""What `adapt` does to judged collections whose judgements it never sees.

    python benchmarks/learn/adapt.py [--only cranfield,cisi] [--budget MINUTES] [--encoder static]
    python benchmarks/learn/adapt.py --papers [--budget MINUTES]

Each collection is indexed with the encoder, adapted on its own text with the default recipe, and
measured before and after with its judged queries, which take no part in training or in the gate.
With --papers the encoder is adapted on the bundle of papers instead, and then used, as it is, on
the others. Vectors of the teacher are cached, so that a second run is faster than the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from everygrain import Index
from everygrain.adaptation import adapt
from everygrain.learn.recipe import Recipe
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.read import read

BENCHMARKS = Path(__file__).resolve().parents[1]
SHARED = BENCHMARKS.parents[1] / "shared" / "data"
RESULTS = BENCHMARKS / "results"
COLLECTIONS = {
    "scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev", "scisumm": "dev",
    "xquad-en": "dev",
}  # fmt: skip
MEASURE = "nDCG@10"


def scores(index: Index, collection: Any) -> dict[str, Any]:
    found = {}
    for system in ("dense", "hybrid"):
        ranking = index.retriever(system).retrieve(collection.scored_queries, 10)
        found[system] = evaluate(ranking, collection.judgements, [MEASURE]).of(MEASURE)
    return found


def compared(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    told = {}
    for system, old in before.items():
        new = after[system]
        test, around = randomisation_test(new, old), bca_interval(new - old)
        told[system] = {
            "before": float(old.mean()), "after": float(new.mean()), "n": len(old),
            "difference": test.difference, "low": around.low, "high": around.high, "p": test.p,
        }  # fmt: skip
    return told


def own_text(name: str, encoder: str, budget: float, recipe: Recipe) -> dict[str, Any]:
    """Adapt a collection on its own text."""
    collection = load(SHARED / name, COLLECTIONS[name])
    with tempfile.TemporaryDirectory() as folder, Index(Path(folder) / "index", encoder) as index:
        index.add(collection.documents())
        before = scores(index, collection)
        begun = perf_counter()
        done = adapt(index, recipe, encoder=encoder, budget=budget)
        seconds = perf_counter() - begun
        report = json.loads((done.report / "report.json").read_text())
        after = scores(index, collection)
    kept = ("reason", "tests", "pairs", "taught", "steps", "seconds")
    told = {key: report[key] for key in kept}
    return {"collection": name, "encoder": encoder, "promoted": done.promoted,
            "wall_seconds": round(seconds), "budget": budget / 60,
            "judged": compared(before, after), **told}  # fmt: skip


def papers(budget: float, recipe: Recipe) -> list[dict[str, Any]]:
    """Adapt on papers, then use that encoder on the other collections."""
    from everygrain.encode import registry

    rows = []
    barred = (SHARED / "scisumm" / "not_for_training.txt").read_text().split()
    with tempfile.TemporaryDirectory() as folder, Index(Path(folder) / "index", "static") as index:
        source = SHARED / "papers" / "papers.jsonl.gz"
        index.add(document for document in read(source) if document.id not in barred)
        begun = perf_counter()
        done = adapt(index, recipe, budget=budget)
        seconds = perf_counter() - begun
        report = json.loads((done.report / "report.json").read_text())
        learned = index.store.encoder
        rows.append({"collection": "papers", "promoted": done.promoted, "reason": report["reason"],
                     "wall_seconds": round(seconds), "budget": budget / 60,
                     "seconds": report["seconds"],
                     "pairs": report["pairs"], "taught": report["taught"],
                     "steps": report["steps"], "tests": report["tests"]})  # fmt: skip
        print(rows[-1], file=sys.stderr, flush=True)
        for name in ("scifact", "scisumm", "cranfield", "cisi", "vaswani"):
            collection = load(SHARED / name, COLLECTIONS[name])
            with Index(Path(folder) / name, "static") as other:
                other.add(collection.documents())
                before = scores(other, collection)
                other.reencode(learned)
                row = {"collection": name, "judged": compared(before, scores(other, collection))}
                if name in ("scifact", "cranfield", "cisi", "vaswani"):
                    other.reencode(registry.create("minilm"))
                    row["minilm"] = compared(before, scores(other, collection))
            rows.append(row)
            print(row, file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| collection | n | leg | before | after | difference [95 %] | p | gate |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        for leg, told in row.get("judged", {}).items():
            gate = row.get("reason", "").split(":")[0]
            lines.append(
                f"| {row['collection']} | {told['n']} | {leg} | {told['before']:.4f} | "
                f"{told['after']:.4f} | {told['difference']:+.4f} [{told['low']:+.4f}, "
                f"{told['high']:+.4f}] | {told['p']:.4g} | {gate} |"
            )
    return lines


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--only", default=",".join(COLLECTIONS))
    options.add_argument("--papers", action="store_true")
    options.add_argument("--encoder", default="static")
    options.add_argument("--budget", type=float, default=15.0, help="minutes")
    options.add_argument("--recipe", type=Path)
    told = options.parse_args()
    recipe = Recipe.read(told.recipe) if told.recipe else Recipe()
    name = "learn_adapt_papers" if told.papers else f"learn_adapt_{told.encoder}"
    rows = papers(60 * told.budget, recipe) if told.papers else []
    for each in [] if told.papers else told.only.split(","):
        rows.append(own_text(each, told.encoder, 60 * told.budget, recipe))
        print("\n".join(table(rows[-1:])[2:]), rows[-1]["reason"], file=sys.stderr, flush=True)
        write(name, rows, told)
    write(name, rows, told)
    print("\n".join(table(rows)))


def write(name: str, made: list[dict[str, Any]], told: argparse.Namespace) -> None:
    """Write the figures; those of collections that this run left out are kept."""
    kept = json.loads(path.read_text()) if (path := RESULTS / f"{name}.json").exists() else []
    new = {row["collection"] for row in made}
    rows = made + [row for row in kept if row["collection"] not in new]
    lines = [f"# Adapted: {name.removeprefix('learn_adapt_')}", "", *table(rows), ""]
    for row in rows:
        if "reason" in row:
            lines.append(
                f"- {row['collection']}: {row['reason']} Trained on {row['pairs']}, "
                f"{row['taught']} taught texts, {row['steps']} steps; {row['wall_seconds']} s in "
                f"all with a budget of {row['budget']:g} minutes."
            )
    (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    (RESULTS / f"{name}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
