"""The best few sources and losses of learn_recipes.md, on MiniLM.

    python benchmarks/learn/recipes_minilm.py [FILE]

FILE (recipes_minilm.toml beside this one) names the recipes and the collections. MiniLM is trained
by the product's own fine-tuning with its settings (all weights, batches of 32, texts cut after 128
tokens, one pass, a rate of 2e-5) on pairs of the collection's own text, drawn at random, and its
dense leg, whole documents by exact search, is compared with MiniLM before, query by query. Judged
queries take no part in training. Larger collections are cut: all judged documents are searched,
with others that are drawn. Nobody judged the papers: held-out ones are searched for by a source
that does not train. What has been measured is kept, and not measured again.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from searched import DATA, compared, divided_papers, gains

from everygrain.document import Document
from everygrain.encode.base import Encoder
from everygrain.encode.cache import Cached, cache_folder
from everygrain.encode.transformer import Transformer
from everygrain.learn.held_out import questions
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import collect, parse_source
from everygrain.learn.train.fine_tuning import FineTuning
from everygrain.learn.train.transformer import fine_tune
from everygrain.measure import load
from everygrain.measure.correction import holm

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
PAPERS = "papers"

Row = dict[str, Any]


class Target:
    """A collection that is searched, what of it trains, and MiniLM's figures before training."""

    def __init__(
        self,
        documents: list[Document],
        learned: list[Document],
        queries: dict[str, str],
        judgements: dict[str, dict[str, int]],
    ) -> None:
        self.documents, self.learned = documents, learned
        self.queries, self.judgements = queries, judgements
        self.before = self.values(Cached(Transformer("minilm"), cache_folder() / "vectors.db"))

    @classmethod
    def judged(cls, name: str, part: str, plan: Row) -> Target:
        collection = load(DATA / name, part)
        asked = np.random.default_rng(0).permutation(sorted(collection.scored_queries))
        queries = {each: collection.scored_queries[each] for each in asked[: plan["queries"]]}
        needed = {id for query in queries for id in collection.judgements[query]}
        documents = list(collection.documents())
        others = [each for each in documents if each.id not in needed]
        lot = np.random.default_rng(0).permutation(len(others))
        room = max(plan["documents"] - (len(documents) - len(others)), 0)
        drawn = {others[i].id for i in lot[:room]} | needed
        kept = [each for each in documents if each.id in drawn]
        judgements = {each: collection.judgements[each] for each in queries}
        return cls(kept, kept, queries, judgements)

    @classmethod
    def papers(cls, trained: str, plan: Row) -> Target:
        learned, kept = divided_papers(plan["documents"])
        asked = "cloze(each=4)" if trained.startswith("title") else "title"
        made = questions(
            parse_source(asked), kept, learned,
            queries=plan["queries"], documents=plan["documents"],
        )  # fmt: skip
        return cls(made.documents, learned, made.queries, made.judgements)

    def values(self, encoder: Encoder) -> Any:
        """Return nDCG@10 of each query."""
        texts = [f"{each.title} {each.text}" for each in self.documents]
        vectors = encoder.encode(texts)
        asked = encoder.encode(list(self.queries.values()))
        return gains(self.documents, vectors, list(self.queries), asked, self.judgements)

    def row(self, source: str, loss: str, plan: Row) -> Row:
        """Fine-tune on one source by one loss, and compare."""
        pairs = collect([parse_source(source)], self.learned, 100_000).pairs
        lot = np.random.default_rng(0).permutation(len(pairs))[: plan["pairs"]]
        chosen = [pairs[i] for i in lot]
        begun = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            made = fine_tune(chosen, parse_loss(loss), Path(folder) / "m", settings=FineTuning())
            trained = time.process_time() - begun
            after = self.values(made)
        return {
            "pairs": len(chosen), "documents": len(self.documents), "n": len(after),
            **compared(after, self.before), "processor_seconds": round(trained),
        }  # fmt: skip


def main() -> None:
    torch.set_num_threads(1)
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "recipes_minilm.toml"
    plan = tomllib.loads(file.read_text(encoding="utf-8"))
    path = RESULTS / "learn_recipes_minilm.json"
    rows: list[Row] = json.loads(path.read_text()) if path.is_file() else []
    targets: dict[str, Target] = {}
    for source, loss in plan["recipes"]:
        for name, part in plan["collections"].items():
            told = {"collection": name, "source": source, "loss": loss}
            if any(told.items() <= row.items() for row in rows):
                continue
            if name == PAPERS:
                target = Target.papers(source, plan)
            else:
                if name not in targets:
                    targets[name] = Target.judged(name, part, plan)
                target = targets[name]
            rows.append(told | target.row(source, loss, plan))
            print(rows[-1], flush=True)
            write(rows)


def write(rows: list[Row]) -> None:
    """Store the figures, with p corrected over all that was trained on a collection."""
    for name in {row["collection"] for row in rows}:
        here = [row for row in rows if row["collection"] == name]
        for row, p in zip(here, holm([row["p"] for row in here]), strict=True):
            row["p_holm"] = float(p)
    (RESULTS / "learn_recipes_minilm.json").write_text(json.dumps(rows, indent=1) + "\n")
    lines = ["# Sources and losses on MiniLM", "", *(__doc__ or "").split("\n")[4:-1], ""]
    lines += [
        "Dense leg, nDCG@10; intervals are BCa, p is of the paired randomisation test, by Holm "
        "over all rows of a collection.",
        "",
        "| collection (queries; documents) | source | loss | pairs | before | after | "
        "difference [95 %] | p | p, Holm | training, s of a core |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: row["collection"]):
        lines.append(
            f"| {row['collection']} ({row['n']:,}; {row['documents']:,}) | {row['source']} | "
            f"{row['loss']} | {row['pairs']:,} | {row['before']:.4f} | {row['after']:.4f} | "
            f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}] | {row['p']:.2g} | "
            f"{row['p_holm']:.2g} | {row['processor_seconds']} |"
        )
    (RESULTS / "learn_recipes_minilm.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
