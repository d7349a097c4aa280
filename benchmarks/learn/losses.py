"""What each loss, curriculum, way of batching and step is worth on the static table.

    python benchmarks/learn/losses.py [NAME ...] [--titles FILE]

All variants train the same table on the same 16,384 papers (title -> abstract), twice over, in
batches of 512, and are compared with multiple negatives ranking, query by query, on collections
that they have not seen. Nothing is tuned here: the settings are the losses' defaults.

The teacher of those that need one is MiniLM: how alike it finds the titles of the two papers. Its
vectors of all titles can be given as a .npy file of float16 (papers, 384); else those of the
sample are made, which takes minutes. Feedback is simulated from the same teacher. The generator is
a unigram model of each abstract with Dirichlet smoothing.

Every finished variant is kept in the .json beside the table, so that a run can be gone on with.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from losses_judged import SETS, Judged
from losses_papers import PAIRS, Papers
from losses_training import EPOCHS, SIZE, train
from losses_variants import BASELINE, VARIANTS

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

RESULTS = Path(__file__).resolve().parents[1] / "results"


def report(results: dict[str, Any]) -> list[str]:
    lines = [
        "# Losses, curricula, batches and steps on the static table",
        "",
        f"nDCG@10 of the dense leg alone, exact search over whole documents, after training on "
        f"{PAIRS:,} papers (title -> abstract), {EPOCHS} epochs in batches of {SIZE}; keywords: "
        "keyword -> papers that have it. Differences are to the variant named, paired by query, "
        "with 95 % bootstrap (BCa) intervals and p of the randomisation test, not corrected for "
        "the number of rows. Teacher, feedback and generator are simulated as "
        "`benchmarks/learn/losses.py` says. Made by `python benchmarks/learn/losses.py`.",
        "",
        "| system | variant | compared with | "
        + " | ".join(f"{name} | difference | p" for name in SETS)
        + " | seconds |",
        "|---|---|---|" + "---|---|---|" * len(SETS) + "---|",
    ]
    for label, row in results.items():
        cells = [row["system"], label, row["against"]]
        for name in SETS:
            found = row["sets"][name]
            if "difference" in found:
                low, high = found["interval"]
                told = f"{found['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
                cells += [f"{found['mean']:.3f}", told, f"{found['p']:.3f}"]
            else:
                cells += [f"{found['mean']:.3f}", "", ""]
        lines.append(f"| {' | '.join(cells)} | {row['told'].get('seconds', 0):.0f} |")
    return lines


def compared(results: dict[str, Any]) -> None:
    """Add differences with their intervals wherever both variants are there."""
    for row in results.values():
        other = results.get(row["against"])
        for name, found in row["sets"].items():
            if other is None or other is row:
                continue
            mine, theirs = found["queries"], other["sets"][name]["queries"]
            gaps = np.subtract(mine, theirs)
            interval = bca_interval(gaps)
            found["difference"] = float(gaps.mean())
            found["interval"] = [interval.low, interval.high]
            found["p"] = randomisation_test(mine, theirs, samples=20_000).p


def keep(results: dict[str, Any]) -> None:
    compared(results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learn_losses.json").write_text(json.dumps(results) + "\n")
    (RESULTS / "learn_losses.md").write_text("\n".join(report(results)) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="variants to train anew; all that are missing")
    parser.add_argument("--titles", help="MiniLM's vectors of all titles, .npy")
    asked = parser.parse_args(arguments)
    stored = RESULTS / "learn_losses.json"
    results: dict[str, Any] = json.loads(stored.read_text()) if stored.exists() else {}
    names = asked.names or [name for name in VARIANTS if name not in results]
    papers = Papers.draw(asked.titles)
    sets = {name: Judged.of(name, papers.encoder) for name in SETS}
    measure: Callable[[np.ndarray], dict[str, Any]] = lambda matrix: {  # noqa: E731
        name: {"mean": float(values.mean()), "queries": [round(float(v), 4) for v in values]}
        for name, values in ((name, each.ndcg(matrix)) for name, each in sets.items())
    }
    if "untrained" not in results:
        figures = measure(papers.encoder.table.matrix.astype(np.float32))
        results["untrained"] = {
            "system": "", "against": BASELINE, "told": {}, "sets": figures
        }  # fmt: skip
    for name in names:
        variant = VARIANTS[name]
        matrix, told = train(papers, variant)
        results[name] = {
            "system": variant.system, "against": "" if name == variant.against else variant.against,
            "told": told, "sets": measure(matrix),
        }  # fmt: skip
        ordered = {key: results[key] for key in ("untrained", *VARIANTS) if key in results}
        keep(ordered)
        results = ordered
        figures = {key: round(each["mean"], 4) for key, each in results[name]["sets"].items()}
        print(name, figures, told, flush=True)


if __name__ == "__main__":
    main()
