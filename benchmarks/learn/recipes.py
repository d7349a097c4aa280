"""Sources and losses: every source with one loss, and one source with every loss.

    python benchmarks/learn/recipes.py [FILE]

FILE (recipes.toml beside this one) names the sources, the losses, the collections and how long is
trained. The static table, fitted to a collection, is trained by the product's own trainer on pairs
of that collection's own text, and its dense leg, whole documents by exact search, is compared with
the table before, query by query. Judged queries take no part in training. Losses that need a
teacher's scores are in learn_losses.md. What has been measured is kept, and not measured again.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import collect, parse_source
from everygrain.learn.train.static import StaticTraining, train_static
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
RESULTS = HERE.parent / "results"
MOST = 15_000


class Target:
    """A collection with its table before training."""

    def __init__(self, name: str, part: str) -> None:
        self.collection = load(DATA / name, part)
        self.documents = list(self.collection.documents())
        self.words = split([f"{each.title} {each.text}" for each in self.documents])
        self.base = Static(static_table(), {}).fit(self.words, 384)
        self.before = self.values(self.base)

    def values(self, encoder: Static) -> Any:
        """Return nDCG@10 of each query."""
        queries = self.collection.scored_queries
        vectors = encoder.encode_words(self.words)
        rows = []
        for query, vector in zip(queries, encoder.encode(list(queries.values())), strict=True):
            scores = vectors @ vector
            for i in np.argsort(-scores, kind="stable")[:10]:
                rows.append((query, self.documents[i].id, float(scores[i])))
        ranking = Ranking.of(list(queries), rows)
        return evaluate(ranking, self.collection.judgements, ["nDCG@10"]).of("nDCG@10")

    def row(self, source: str, loss: str, plan: dict[str, Any]) -> dict[str, Any]:
        """Train on one source by one loss, and compare."""
        pairs = collect([parse_source(source)], self.documents, MOST).pairs
        batch = min(plan["batch"], len(pairs))
        an_epoch = max(1, len(pairs) // batch)
        steps = float(np.clip(plan["epochs"] * an_epoch, plan["fewest_steps"], plan["most_steps"]))
        settings = StaticTraining(steps / an_epoch, batch, plan["learning_rate"])
        made = train_static(self.base, pairs, loss=parse_loss(loss), settings=settings)
        after = self.values(made.encoder)
        gap = bca_interval(after - self.before, samples=2_000)
        test = randomisation_test(after, self.before, samples=10_000)
        return {
            "pairs": len(pairs), "steps": made.steps, "n": len(after),
            "before": float(self.before.mean()), "after": float(after.mean()),
            "difference": test.difference, "low": gap.low, "high": gap.high, "p": test.p,
        }  # fmt: skip


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "recipes.toml"
    plan = tomllib.loads(file.read_text(encoding="utf-8"))
    path = RESULTS / "learn_recipes.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    wanted = [(source, plan["loss"]) for source in plan["sources"]]
    wanted += [(plan["source"], loss) for loss in plan["losses"] if loss != plan["loss"]]
    for name, part in plan["collections"].items():
        target = None
        for source, loss in wanted:
            told = {"collection": name, "source": source, "loss": loss}
            if any(told.items() <= row.items() for row in rows):
                continue
            target = target or Target(name, part)
            try:
                rows.append(told | target.row(source, loss, plan))
            except InputError as error:
                rows.append(told | {"none": error.problem})
            print(rows[-1], flush=True)
            write(rows, plan)


def write(rows: list[dict[str, Any]], plan: dict[str, Any]) -> None:
    """Store the figures, with p corrected over all that was trained on a collection."""
    for name in {row["collection"] for row in rows}:
        here = [row for row in rows if row["collection"] == name and "p" in row]
        for row, p in zip(here, holm([row["p"] for row in here]), strict=True):
            row["p_holm"] = float(p)
    (RESULTS / "learn_recipes.json").write_text(json.dumps(rows, indent=1) + "\n")
    lines = ["# Sources and losses", "", *(__doc__ or "").split("\n")[4:-1], ""]
    lines += [
        f"Batches of {plan['batch']}, {plan['epochs']} epochs within {plan['fewest_steps']} to "
        f"{plan['most_steps']} steps. nDCG@10 of the dense leg; intervals are BCa, p is of the "
        "paired randomisation test, by Holm over all rows of a collection.",
        "",
    ]
    lines += ["| collection (n) | source | loss | pairs | before | after | difference [95 %] | p | "
              "p, Holm |", "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        start = f"| {row['collection']} ({row.get('n', 0)}) | {row['source']} | {row['loss']} | "
        if "none" in row:
            lines.append(f"{start}needs what is not there | | | | | |")
            continue
        lines.append(
            f"{start}{row['pairs']:,} | {row['before']:.4f} | {row['after']:.4f} | "
            f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}] | {row['p']:.2g} | "
            f"{row['p_holm']:.2g} |"
        )
    (RESULTS / "learn_recipes.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
