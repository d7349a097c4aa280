"""How much typos and rewrites change what is found, and what they cost.

    python benchmarks/robustness.py [--sets scifact,cranfield] [--encoder latent] [--seeds 3]

Each query is typed with slips in 10 % of its words of three letters or more, once per seed, and
rewritten by the rules of everygrain.measure.variants. Rankings are compared at depth 10; the drop
is that of nDCG@10, with a 95 % BCa interval and the paired randomisation test, Holm-corrected over
the table. Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from everygrain.engine import Index
from everygrain.measure import load
from everygrain.measure.correction import holm
from everygrain.measure.robustness import drops, robustness
from everygrain.measure.typos import Typos
from everygrain.measure.variants import REWRITES, vary

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
SETS = {"scifact": "train", "cranfield": "dev"}
MEASURE = "nDCG@10"
RATE = 0.1


def measured(name: str, encoder: str, seeds: int) -> list[dict]:
    """Return a row per system and change, on one collection."""
    collection = load(DATA / name, SETS[name])
    queries = collection.scored_queries
    changes = {f"typos, {RATE:.0%} of words": vary(queries, [Typos(RATE, s) for s in range(seeds)])}
    for rewrite, change in REWRITES.items():
        variants = vary(queries, [change])
        touched = {q: v for q, v in variants.items() if v[0] != queries[q]}
        if touched:
            changes[rewrite.replace("_", " ")] = touched
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Index(Path(folder) / "i", encoder=encoder) as index,
    ):
        index.add(collection.documents())
        for system in ("lexical", "dense", "hybrid"):
            retriever = index.retriever(system)
            for change, variants in changes.items():
                alike = robustness(retriever, queries, variants, k=10)
                (drop,) = drops(
                    retriever, queries, variants, collection.judgements, [MEASURE], k=10
                )
                rows.append(
                    {
                        "collection": name,
                        "system": system if system == "lexical" else f"{system} {encoder}",
                        "change": change,
                        "queries": len(variants),
                        **alike.mean(),
                        "original": drop.original,
                        "after": drop.varied,
                        "share": drop.share,
                        "interval": asdict(drop.interval),
                        "p": drop.test.p,
                    }
                )
    return rows


def markdown(rows: list[dict], told: argparse.Namespace) -> str:
    """Return the table."""
    lines = [
        "# Robustness",
        "",
        f"Queries typed with slips in {RATE:.0%} of their words ({told.seeds} seeds, a query's "
        "mean over them), and rewritten by rule (only those queries that the rule changes). "
        f"RBO (p = 0.9) and overlap: with the original ranking, to depth 10; tau over shared "
        f"documents; 'first': queries of which any variant changes the first document; drop: in "
        f"{MEASURE} [95 % interval], * where the paired randomisation test's p, Holm-corrected "
        "over the table, is below .05. Made by `python benchmarks/robustness.py`.",
        "",
        "| collection | change | queries | of them varied | system | RBO | overlap | tau | first | "
        f"{MEASURE} | after | drop |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    unchanged: dict[tuple[str, str], list[str]] = {}
    typed = rows[0]["change"]
    for row in sorted(rows, key=lambda r: (told.sets.index(r["collection"]), r["change"] != typed,
                                           r["change"])):  # fmt: skip
        if row["overlap"] == 1 and row["tau"] > 1 - 1e-9:
            unchanged.setdefault((row["change"], row["collection"]), []).append(row["system"])
            continue
        star = "*" if row["p_corrected"] < 0.05 else ""
        interval = row["interval"]
        lines.append(
            f"| {row['collection']} | {row['change']} | {row['queries']} | {row['varied']:.0%} | "
            f"{row['system']} | {row['rbo']:.3f} | {row['overlap']:.3f} | {row['tau']:.3f} | "
            f"{row['any_first']:.0%} | {row['original']:.3f} | {row['after']:.3f} | "
            f"{row['original'] - row['after']:+.3f}{star} [{interval['low']:+.3f}, "
            f"{interval['high']:+.3f}], {row['share']:+.1%} |"
        )
    named = [f"{what} ({where}: {', '.join(who)})" for (what, where), who in unchanged.items()]
    lines += ["", f"No ranking changed at all: {'; '.join(named)}."] if named else []
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sets", default=",".join(SETS))
    options.add_argument("--encoder", default="latent")
    options.add_argument("--seeds", type=int, default=3)
    told = options.parse_args()
    rows = [
        row for name in told.sets.split(",") for row in measured(name, told.encoder, told.seeds)
    ]
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = float(p)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "robustness.json").write_text(json.dumps(rows, indent=1) + "\n")
    (RESULTS / "robustness.md").write_text(markdown(rows, told))
    print(markdown(rows, told))


if __name__ == "__main__":
    main()
