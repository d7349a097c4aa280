"""What a transformer changes in the digest benchmark: for zotero-arxiv-daily's method and ours.

    python benchmarks/papers/digest_transformer.py [--readers 60]

Needs the extra `models`. One year of the report, readers of one interest, 1,000 candidates: a
transformer encodes some ten abstracts a second on one core, so it is a smaller case than that of
digest.py, and on its own readers all are compared.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from digest import measured
from digest_readers import REPORT, Archive
from digest_systems import Systems

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

RESULTS = Path(__file__).resolve().parents[1] / "results"
CANDIDATES = 1_000
ENCODERS = {"static": "static", "MiniLM": "minilm"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=60)
    options = parser.parse_args()
    archive, values = Archive(), {}
    for name, encoder in ENCODERS.items():
        year = archive.replay(REPORT[0], False, options.readers, 0, CANDIDATES, encoder)
        systems = Systems(year)
        methods = {
            f"mean similarity (zotero-arxiv-daily), {name}": systems.mean,
            f"ours, {name}": systems.ours,
        }
        if name == "static":
            methods["SVM (arxiv-sanity-lite)"] = systems.machines
        for system, method in methods.items():
            values[system] = [measured(method(reader), reader)["nDCG@10"] for reader in year.single]
    own, rows = values["ours, static"], []
    for system, told in values.items():
        interval, test = bca_interval(told), randomisation_test(own, told)
        rows.append({
            "system": system, "n": len(told), "nDCG@10": float(np.mean(told)),
            "low": interval.low, "high": interval.high, "below": test.difference, "p": test.p,
        })  # fmt: skip
    path = RESULTS / "papers_digest_transformer.json"
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    lines = [
        "# What a transformer's vectors change in a digest",
        "",
        "    python benchmarks/papers/digest_transformer.py",
        "",
        f"{options.readers} readers of one interest, {CANDIDATES:,} candidates of {REPORT[0]}. "
        "Tests are paired, against ours with static vectors, not corrected.",
        "",
        "| system | nDCG@10 | ours (static) above it | p |",
        "|---|---|--:|--:|",
        *(
            f"| {r['system']} | {r['nDCG@10']:.3f} [{r['low']:.3f}, {r['high']:.3f}] "
            f"| {r['below']:+.3f} | {r['p']:.5f} |"
            for r in rows
        ),
    ]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
