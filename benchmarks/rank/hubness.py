"""Hubs before and after: skewness of the 10-occurrence and nDCG@10, paired tests.

    python benchmarks/rank/hubness.py --keep FOLDER [--encoders static,minilm]

The inverse temperatures of both banks are chosen on the half of the queries that is not scored,
from 5, 10, 20 and 40; "queries only" and "documents only" leave the other bank out. Banks: 500
documents of the index and a pseudo-query of each; 200 candidates are reranked.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from collected import Collected

from everygrain.document import Ranking
from everygrain.measure import evaluate
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.banks import current
from everygrain.rank.hubness import Hubness, occurrences, skewness
from everygrain.segment.sentences import Sentences

RESULTS = Path(__file__).resolve().parents[1] / "results"
MADE = (
    "Made by `python benchmarks/rank/hubness.py --keep FOLDER`. No p is corrected for the others."
)
BETAS = (5.0, 10.0, 20.0, 40.0)
KINDS = {
    "both banks": (1, 1, False), "queries only": (1, 0, False), "documents only": (0, 1, False),
    "both banks, dynamic": (1, 1, True),
}  # fmt: skip


def values_of(found: Ranking, of: Collected) -> Any:
    return evaluate(found.cut(10), of.judgements, ["nDCG@10"]).of("nDCG@10")


def measured(of: Collected, leg: str) -> dict[str, Any]:
    index, ranking = of.index(leg), of.ranking(leg)
    with index.views.newest() as view:
        banks = current(view, Sentences("en"))
        total = view.snapshot.count
    assert banks is not None
    base = values_of(ranking, of)
    half = np.random.default_rng(0).permutation(len(base)) % 2
    rows = {"as it is": row_of(ranking, base, base, total, "")}
    rows["as it is"]["hubs"] = sum(count >= 2 for count in banks.hubs.values())
    for name, (by_queries, by_documents, dynamic) in KINDS.items():
        tried = {
            beta: Hubness(
                index.views, banks, by_queries * beta, by_documents * beta, dynamic
            ).rerank(of.queries, ranking)
            for beta in BETAS
        }
        scored = {beta: values_of(each, of) for beta, each in tried.items()}
        values, picked, parts = np.zeros(len(base)), [], []
        for part in (0, 1):
            picked.append(max(BETAS, key=lambda beta: scored[beta][half != part].mean()))
            values[half == part] = scored[picked[-1]][half == part]
            mine = {q for q, h in zip(of.queries, half, strict=True) if h == part}
            parts += [row for row in tried[picked[-1]].cut(10).rows() if row[0] in mine]
        joined = Ranking.of(list(of.queries), parts)
        rows[name] = row_of(joined, values, base, total, f"{picked[0]:.0f}, {picked[1]:.0f}")
    return rows


def row_of(found: Ranking, values: Any, base: Any, total: int, betas: str) -> dict[str, Any]:
    gap = bca_interval(values - base, samples=2000)
    test = randomisation_test(values, base, samples=20_000)
    counts = occurrences(found, 10)
    return {
        "n": len(values), "nDCG@10": float(values.mean()), "difference": test.difference,
        "low": gap.low, "high": gap.high, "p": test.p, "betas": betas,
        "skewness": skewness(found, 10, total), "most": max(counts.values()),
        "never": 1 - len(counts) / total,
    }  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", type=Path, required=True)
    options.add_argument("--encoders", default="static,minilm")
    options.add_argument("--collections", default="scifact,cranfield,cisi")
    given = options.parse_args()
    results: dict[str, Any] = {}
    lines = ["# Hubness", "", (__doc__ or "").split("\n\n")[2], "", MADE, ""]
    for name in given.collections.split(","):
        for leg in given.encoders.split(","):
            rows = measured(Collected(name, given.keep), leg)
            first = rows["as it is"]
            title = f"{name}, dense {leg} (n {first['n']}, {first['hubs']} known hubs)"
            results[title] = rows
            lines += [f"## {title}", "",
                      "| | nDCG@10 | difference | p | skewness | most often found | never found | "
                      "betas of the halves |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
            for label, row in rows.items():
                lines.append(
                    f"| {label} | {row['nDCG@10']:.3f} | {row['difference']:+.4f} "
                    f"[{row['low']:+.4f}, {row['high']:+.4f}] | {row['p']:.3f} | "
                    f"{row['skewness']:.2f} | {row['most']} | {row['never']:.2f} | "
                    f"{row['betas']} |"
                )
            lines.append("")
            print("\n".join(lines[-8:]), flush=True)
            (RESULTS / "rank_hubness.md").write_text("\n".join(lines))
            (RESULTS / "rank_hubness.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
