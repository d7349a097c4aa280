"""Sources and losses: every source with one loss, and one source with every loss.

    python benchmarks/learn/recipes.py [FILE]

FILE (recipes.toml beside this one) names the sources, the losses, the collections and how long is
trained. The static table, fitted to a collection, is trained by the product's own trainer on pairs
of that collection's own text, and its dense leg, whole documents by exact search, is compared with
the table before, query by query. Judged queries take no part in training. Nobody judged the papers:
a sample of them is searched for papers that were held out of training, by their titles where
another source trains, and by their sentences where titles do. Losses that need a teacher's scores
are in learn_losses.md. What has been measured is kept, and not measured again.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from searched import DATA, compared, divided_papers, gains

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.held_out import questions
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import collect, parse_source
from everygrain.learn.recipe import kind_of
from everygrain.learn.train.static import StaticTraining, train_static
from everygrain.measure import load
from everygrain.measure.correction import holm

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
MOST = 15_000


class Target:
    """A collection with its table before training.

    documents    that are searched
    learned      that train
    judgements   query id -> document id -> grade
    """

    def __init__(
        self,
        documents: list[Document],
        learned: list[Document],
        queries: dict[str, str],
        judgements: dict[str, dict[str, int]],
    ) -> None:
        self.documents, self.learned = documents, learned
        self.queries, self.judgements = queries, judgements
        self.words = words_of(documents)
        fitted = self.words if learned is documents else words_of(learned)
        self.base = Static(static_table(), {}).fit(fitted, 384)
        self.before = self.values(self.base)

    @classmethod
    def judged(cls, name: str, part: str) -> Target:
        collection = load(DATA / name, part)
        documents = list(collection.documents())
        return cls(documents, documents, collection.scored_queries, collection.judgements)

    @classmethod
    def papers(cls, count: int, asked: str) -> Target:
        """A sample of papers, of which a quarter is asked for and never trains."""
        learned, kept = divided_papers(count)
        made = questions(parse_source(asked), kept, learned, queries=1_000, documents=count)
        return cls(made.documents, learned, made.queries, made.judgements)

    def values(self, encoder: Static) -> Any:
        """Return nDCG@10 of each query."""
        vectors = encoder.encode_words(self.words)
        asked = encoder.encode(list(self.queries.values()))
        return gains(self.documents, vectors, list(self.queries), asked, self.judgements)

    def row(self, source: str, loss: str, plan: dict[str, Any]) -> dict[str, Any]:
        """Train on one source by one loss, and compare."""
        pairs = collect([parse_source(source)], self.learned, MOST).pairs
        batch = min(plan["batch"], len(pairs))
        an_epoch = max(1, len(pairs) // batch)
        steps = float(np.clip(plan["epochs"] * an_epoch, plan["fewest_steps"], plan["most_steps"]))
        settings = StaticTraining(steps / an_epoch, batch, plan["learning_rate"])
        made = train_static(self.base, pairs, loss=parse_loss(loss), settings=settings)
        after = self.values(made.encoder)
        return {
            "pairs": len(pairs), "steps": made.steps, "n": len(after),
            **compared(after, self.before),
        }  # fmt: skip


def words_of(documents: list[Document]) -> Any:
    return split([f"{each.title} {each.text}" for each in documents])


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "recipes.toml"
    plan = tomllib.loads(file.read_text(encoding="utf-8"))
    path = RESULTS / "learn_recipes.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    targets: list[tuple[str, str, str, Callable[[], Target]]] = [
        (name, plan["source"], "", partial(Target.judged, name, part))
        for name, part in plan["collections"].items()
    ]
    for each in plan.get("papers", {}).get("asked", []):
        source = plan["source"] if each["by"] != plan["source"] else each["source"]
        made = partial(Target.papers, plan["papers"]["count"], each["by"])
        targets.append((f"papers by {each['by']}", source, kind_of(each["by"]), made))
    for name, source, barred, make in targets:
        wanted = [(other, plan["loss"]) for other in plan["sources"]]
        wanted += [(source, loss) for loss in plan["losses"] if loss != plan["loss"]]
        target = None
        for trained, loss in wanted:
            told = {"collection": name, "source": trained, "loss": loss}
            known = any(told.items() <= row.items() for row in rows)
            if known or kind_of(trained) == barred:
                continue
            target = target or make()
            try:
                rows.append(told | target.row(trained, loss, plan))
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
