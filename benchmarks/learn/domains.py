"""What domains do to an adaptation: batches of one domain, and an expert for each.

    python benchmarks/learn/domains.py [scifact,scisumm]

Each collection's static table is trained on its own text as `adapt` trains it by default (titles,
and a teacher's cosines), on the three quarters that the gate would leave it, but in batches of 256
and for one pass or 100 steps: without regard to domains, with batches of one domain, and with an
expert for each; as an expert moves a text beside the shared table's own move, a training without
regard to domains at twice the learning rate stands beside. Domains are learned from the texts. The
judged queries, which took no part, ask for whole documents (scisumm: their first 300 words) by
exact search with the dense leg alone; differences are to the first way. A collection that is one
domain, as cranfield and cisi are, is trained once: by domain is the same. What has been measured is
kept.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

from worth import RESULTS, Target, plain

from everygrain.encode.adapted import Adapted
from everygrain.learn.candidate import train
from everygrain.learn.held_out import divide
from everygrain.learn.recipe import Recipe
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

PARTS = {"scifact": "train", "scisumm": "dev", "cranfield": "dev", "cisi": "dev", "vaswani": "dev"}
WAYS: dict[str, dict[str, Any]] = {
    "without": {},
    "without, twice the rate": {"learning_rate": 2 * Recipe.learning_rate},
    "batches by domain": {"by_domain": True},
    "experts": {"experts": True},
}
BUDGET = 1e6  # one that ended would give a busy machine's last training fewer steps


def measured(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Measure the ways that are not in a row yet, and the first, which they are compared with."""
    target = Target(name, PARTS[name])
    documents = sorted(target.collection.documents(), key=lambda document: document.id)
    learned, _ = divide(documents)
    recipe = Recipe(batch=256, epochs=1.0, fewest_steps=100).settled(learned)
    base = plain(target)
    row = {"untrained": float(target.values(base).mean()), "ways": row.get("ways", {})}
    without = None
    for way, told in WAYS.items():
        if without is not None and way in row["ways"]:
            continue
        begun = process_time()
        with tempfile.TemporaryDirectory() as folder:
            made = train(base, "static", learned, replace(recipe, **told), budget=BUDGET,
                         folder=Path(folder))  # fmt: skip
        seconds = process_time() - begun
        row["domains"] = dict(made.domains.sizes)
        encoder: Any = made.encoder
        values = target.values(
            encoder.fit(target.words).static if isinstance(encoder, Adapted) else encoder
        )
        row["ways"][way] = {"steps": len(made.curve), "processor_seconds": round(seconds),
                            "n": len(values), "nDCG@10": float(values.mean())}  # fmt: skip
        if without is None:
            without = values
        else:
            around, test = bca_interval(values - without), randomisation_test(values, without)
            row["ways"][way] |= {"difference": test.difference, "low": around.low,
                                 "high": around.high, "p": test.p}  # fmt: skip
        print(name, row, flush=True)
        if not made.domains.divides:
            break  # all ways but the second are the same
    return row


def write(rows: dict[str, Any]) -> None:
    tested = [told for row in rows.values() for told in row["ways"].values() if "p" in told]
    for each, p in zip(tested, holm([each["p"] for each in tested]), strict=True):
        each["p_holm"] = float(p)
    lines = ["# Domains in an adaptation", "", *(__doc__ or "").split("\n")[4:-1], ""]
    lines += [
        "Intervals are BCa, p is of the paired randomisation test, by Holm over all rows.",
        "",
    ]
    lines += [
        "| collection (n) | way | steps | seconds | nDCG@10 | difference [95 %] | p | p, Holm |"
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for name, row in rows.items():
        for way in [each for each in WAYS if each in row["ways"]]:
            told = row["ways"][way]
            lines.append(
                f"| {name} ({told['n']}) | {way} | {told['steps']} | {told['processor_seconds']} | "
                f"{told['nDCG@10']:.4f} | " + compared(told)
            )
    lines.append("")
    for name, row in rows.items():
        sizes = ", ".join(f"{domain} ({count:,})" for domain, count in row["domains"].items())
        lines.append(f"- {name}, untrained {row['untrained']:.4f}; domains: {sizes}.")
    (RESULTS / "learn_domains.json").write_text(json.dumps(rows, indent=1) + "\n")
    (RESULTS / "learn_domains.md").write_text("\n".join(lines) + "\n")


def compared(told: dict[str, float]) -> str:
    if "p" not in told:
        return " | | |"
    return (
        f"{told['difference']:+.4f} [{told['low']:+.4f}, {told['high']:+.4f}] | {told['p']:.2g} | "
        f"{told['p_holm']:.2g} |"
    )


def main() -> None:
    path = RESULTS / "learn_domains.json"
    rows: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    names = sys.argv[1] if len(sys.argv) > 1 else "scifact,scisumm"
    for name in names.split(","):
        known = rows.get(name, {"ways": {}})
        if set(WAYS) - set(known["ways"]) and len(known.get("domains", "some")) > 1:
            rows[name] = measured(name, known)
            write(rows)


if __name__ == "__main__":
    main()
