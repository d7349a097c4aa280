"""A new encoder's queries against an old encoder's vectors, and a re-encode half done.

    python benchmarks/rank/upgrade.py [--chosen]

The translation is learned from documents alone, all of the collection's or those that are
re-encoded. Methods and settings are chosen on cranfield and cisi (`--chosen`), and reported on
scifact.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from passages import RESULTS, Judged

from everygrain.index.upgrade import Method, Procrustes, Reencoding, Ridge, Simplex
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

PAIRS = (("static", "minilm"), ("latent", "static"))
METHODS: tuple[Method, ...] = (Ridge(0.03), Ridge(0.1), Ridge(0.3), Procrustes(), Simplex(64))
CHOSEN: tuple[Method, ...] = (Ridge(0.1), Procrustes(), Simplex(128))
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75)
WRITTEN = RESULTS / "rank_upgrade.json"


def against(found: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    interval = bca_interval(found - other)
    return {
        "mean": float(found.mean()),
        "difference": float((found - other).mean()),
        "interval": [interval.low, interval.high],
        "p": randomisation_test(found, other, samples=20_000).p,
    }


def measured(judged: Judged, methods: tuple[Method, ...]) -> dict[str, Any]:
    names = dict.fromkeys(name for pair in PAIRS for name in pair)
    encoded = {name: judged.encoded(name) for name in names}
    pure = {name: judged.ndcg(asked @ vectors.T) for name, (vectors, asked) in encoded.items()}
    rows: dict[str, Any] = {name: {"mean": float(each.mean())} for name, each in pure.items()}
    rows["queries"] = len(pure["static"])
    for before, after in PAIRS:
        (old, _), (new, asked) = encoded[before], encoded[after]
        for method in methods:
            scores = method.fit(old, new).score(asked, old)
            name = f"{before} -> {after}, {method!r}"
            rows[name] = against(judged.ndcg(scores), pure[before])
            print(judged.name, name, rows[name], flush=True)
    return rows


def halfway(judged: Judged) -> list[dict[str, Any]]:
    """Return nDCG@10 by share re-encoded, static -> minilm, for three ways to score the rest."""
    old, old_queries = judged.encoded("static")
    new, new_queries = judged.encoded("minilm")
    before = judged.ndcg(old_queries @ old.T)
    order = np.random.default_rng(0).permutation(len(old))
    rows = []
    for share in SHARES:
        done = np.zeros(len(old), dtype=bool)
        done[order[: round(share * len(old))]] = True
        learned = Reencoding.learned(old, new, done, Ridge(0.1))
        plain = Reencoding(old, new, done)
        assert learned.translation is not None
        raw = np.asarray(old_queries @ old.T)
        raw[:, done] = new_queries @ new[done].T
        row: dict[str, Any] = {"share": share}
        for name, scores in (
            ("both", learned.score(old_queries, new_queries)),
            ("old scores on scale", plain.score(old_queries, new_queries)),
            ("old scores as they are", raw),
        ):
            row[name] = against(judged.ndcg(scores), before)
        print(row, flush=True)
        rows.append(row)
    return rows


def shown(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{row['mean']:.3f} ({row['difference']:+.3f} [{low:+.3f}, {high:+.3f}])"


def report(results: dict[str, Any]) -> list[str]:
    rows = results["scifact"]
    lines = [
        "# New queries against old vectors",
        "",
        f"nDCG@10 on scifact, {rows['queries']} claims, dense leg alone; differences to the old "
        "encoder's queries against its own vectors, paired, with 95 % BCa intervals and p of the "
        "randomisation test. The translation is learned from the collection's passages encoded by "
        "both; no query is used. Methods chosen on cranfield and cisi. Made by "
        "`python benchmarks/rank/upgrade.py`.",
        "",
        "| old -> new, method | old/old | new/old | p | new/new |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        if "->" in name:
            before, after = name.split(",")[0].split(" -> ")
            lines.append(
                f"| {name} | {rows[before]['mean']:.3f} | {shown(row)} | {row['p']:.4f} | "
                f"{rows[after]['mean']:.3f} |"
            )
    lines += [
        "",
        "## A re-encode under way, static -> minilm",
        "",
        "Passages re-encoded in an order drawn by lot; differences to the old system. The "
        "translation is learned from those that are re-encoded. A passage that is not done is "
        "scored by the mean of its old and its translated score on the scale of new scores, by its "
        "old score on that scale, or by its old score as it is.",
        "",
        "| share done | both (`Reencoding`) | old scores on scale | old scores as they are |",
        "|---|---|---|---|",
    ]
    names = ("both", "old scores on scale", "old scores as they are")
    for row in results["halfway"]:
        cells = " | ".join(shown(row[name]) for name in names)
        lines.append(f"| {row['share']:.0%} | {cells} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chosen", action="store_true", help="measure again what was chosen from")
    asked = parser.parse_args()
    results: dict[str, Any] = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else {}
    if asked.chosen:
        for name in ("cranfield", "cisi"):
            results[name] = measured(Judged(name), METHODS)
    else:
        judged = Judged("scifact")
        if "scifact" not in results:
            results["scifact"] = measured(judged, CHOSEN)
        results["halfway"] = halfway(judged)
        told = "\n".join(report(results)) + "\n"
        WRITTEN.with_suffix(".md").write_text(told, encoding="utf-8")
    WRITTEN.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
