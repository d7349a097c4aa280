"""Ways to fuse, beside reciprocal ranks: nDCG@10 of judged queries, paired tests.

    python benchmarks/rank/fusion.py --keep FOLDER [--encoders static,minilm]

Fitted weights see pseudo-queries only. The temperature of Sinkhorn was chosen on cranfield, whose
figures for it are therefore no test. FOLDER keeps indexes and rankings for another run.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from collected import Collected, Found

from everygrain.document import Ranking
from everygrain.measure import evaluate
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.base import Retriever
from everygrain.rank.fit_fusion import FittedWeights, fit
from everygrain.rank.fuse import MinMax, Weighted, ZScore, fuse
from everygrain.rank.grains import AtGrain
from everygrain.rank.sinkhorn import Bank, sinkhorn_fuse
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences

RESULTS = Path(__file__).resolve().parents[1] / "results"
MADE = "Made by `python benchmarks/rank/fusion.py --keep FOLDER`. No p is corrected for the others."
TEMPERATURE = 0.3


def values_of(found: Ranking, of: Collected) -> Any:
    return evaluate(found.cut(10), of.judgements, ["nDCG@10"]).of("nDCG@10")


def told(values: Any, base: Any) -> dict[str, Any]:
    """Return mean, interval, difference and p against the base."""
    gap = bca_interval(values - base, samples=2000)
    test = randomisation_test(values, base, samples=20_000)
    return {
        "n": len(values), "nDCG@10": round(float(values.mean()), 4),
        "difference": round(test.difference, 4), "low": round(gap.low, 4),
        "high": round(gap.high, 4), "p": round(test.p, 4),
    }  # fmt: skip


def systems(of: Collected, legs: list[str]) -> dict[str, Retriever]:
    found = [Found(leg, of.ranking(leg), of.ranking(leg, "bank")) for leg in legs]
    rests = [of.ranking(leg, "rest") for leg in legs]
    queries, answers = of.pseudo("static")
    made: dict[str, Retriever] = dict(zip(legs, found, strict=True))
    made["reciprocal ranks"] = fuse(*found)
    made["best is 1, equal weights"] = fuse(*found, method=Weighted((1.0,) * len(legs)))
    made["min-max"] = fuse(*found, method=MinMax())
    made["z-score"] = fuse(*found, method=ZScore())
    if len(legs) == 2:
        with of.index(legs[1]).views.newest() as view:
            weight = view.weight
        made["weights of `hybrid`"] = fuse(*found, method=Weighted((1 - weight, weight)))
    fitted: dict[str, FittedWeights] = {
        scale: fit(rests, answers, scale=scale) for scale in ("best", "min-max", "z-score")
    }
    for scale, method in fitted.items():
        made[f"fitted, {scale}"] = fuse(*found, method=method)
    weights = fitted["min-max"].weights
    bank = Bank.learn(found, queries, temperature=TEMPERATURE)
    made["Sinkhorn, batch"] = sinkhorn_fuse(*found, temperature=TEMPERATURE)
    made["Sinkhorn, bank"] = sinkhorn_fuse(*found, temperature=TEMPERATURE, bank=bank)
    made["Sinkhorn, batch, fitted weights"] = sinkhorn_fuse(
        *found, weights=weights, temperature=TEMPERATURE
    )
    return made


def compared(of: Collected, made: dict[str, Retriever], base: str) -> dict[str, Any]:
    values = {name: values_of(each.retrieve(of.queries, 10), of) for name, each in made.items()}
    rows: dict[str, Any] = {}
    for name, each in values.items():
        rows[name] = told(each, values[base])
        method = getattr(made[name], "method", None)
        if isinstance(method, FittedWeights):
            rows[name]["weights"] = list(method.weights)
    return rows


def grains(of: Collected) -> dict[str, Any]:
    """Fuse three grains of the same candidates, by sums and by Sinkhorn."""
    index = of.index("static")
    with index.views.newest() as view:
        encoder = view.encoder
    sentences = Sentences("en")
    segmenters = {"document": None, "passage": Passages(words=64, sentences=sentences),
                  "sentence": sentences}  # fmt: skip
    candidates = of.ranking("static").cut(50)
    parts = [
        Found(grain, AtGrain(grain, encoder, index.fetch, each).rerank(of.queries, candidates))
        for grain, each in segmenters.items()
    ]
    made: dict[str, Retriever] = {repr(each): each for each in parts}
    made["min-max of the grains"] = fuse(*parts, method=MinMax())
    made["Sinkhorn of the grains"] = sinkhorn_fuse(*parts, temperature=TEMPERATURE)
    return compared(of, made, "min-max of the grains")


def lines_of(title: str, rows: dict[str, Any], base: str) -> list[str]:
    lines = [f"## {title}", "", f"| method | nDCG@10 | against {base} | p |", "|---|---|---|---|"]
    for name, row in rows.items():
        weights = row.get("weights")
        label = f"{name} ({', '.join(f'{w:.2f}' for w in weights)})" if weights else name
        gap = f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
        lines.append(f"| {label} | {row['nDCG@10']:.3f} | {gap} | {row['p']:.3f} |")
    return [*lines, ""]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", type=Path, required=True)
    options.add_argument("--encoders", default="static,minilm")
    options.add_argument("--collections", default="cranfield,cisi,scifact,vaswani,scisumm")
    options.add_argument("--grains", default="cranfield,cisi")
    given = options.parse_args()
    encoders = given.encoders.split(",")
    results: dict[str, Any] = {}
    lines = ["# Fusion", "", (__doc__ or "").split("\n\n")[2], "", MADE, ""]
    for name in given.collections.split(","):
        of = Collected(name, given.keep)
        able = [e for e in encoders if (given.keep / "index" / f"{name}-{e}-rest" / "done").exists()
                or e == "static"]  # fmt: skip
        for count in (1, 2):
            for chosen in combinations(able, count):
                legs = ["lexical", *chosen]
                rows = compared(of, systems(of, legs), "reciprocal ranks")
                title = f"{name}: {', '.join(legs)} (n {next(iter(rows.values()))['n']})"
                results[title] = rows
                lines += lines_of(title, rows, "reciprocal ranks")
                print("\n".join(lines_of(title, rows, "reciprocal ranks")), flush=True)
        if name in given.grains.split(","):
            rows = grains(of)
            title = f"{name}: grains of 50 documents that `static` found"
            results[title] = rows
            lines += lines_of(title, rows, "min-max of the grains")
    (RESULTS / "rank_fusion.md").write_text("\n".join(lines))
    (RESULTS / "rank_fusion.json").write_text(json.dumps(results, indent=1) + "\n")
    changes = [row["difference"] for rows in results.values() for row in rows.values()]
    print(f"{len(changes)} rows, differences from {min(changes):+.3f} to {max(changes):+.3f}; "
          f"median {np.median(changes):+.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
