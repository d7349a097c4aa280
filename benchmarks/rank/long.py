"""Full papers by one vector each, against chunks with max pooling: citing sentence -> cited paper.

    python benchmarks/rank/long.py [--keep FOLDER]

scisumm/dev: 978 papers of 4,657 words on average are searched with 1,695 citing sentences, nDCG@10.
All vectors come from one static table fitted to the papers, as the index fits it.

    chunks     passages of 256 words, one sentence shared, the title in front, best one counts:
               the index's way
    first      the first of them alone
    bag        all words of the paper in one vector
    blocks     no sentence shared, no title in front but of the first: what the hierarchy sees
    pairs      training on titles and sentences drawn out of the papers of the train part
    citations  training on the sentences that cite those papers; none of them cites a dev paper

Papers of not_for_training.txt train nothing. Nothing is tuned here: settings are the defaults but
for the number of steps. Results are kept in the .json beside the table, and with --keep also the
vectors that take minutes to make, so that a run can be gone on with.
"""

from __future__ import annotations

import argparse
import json
import pickle
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode.base import Vectors
from everygrain.encode.distil import static_table
from everygrain.encode.hierarchical import Hierarchical
from everygrain.encode.long import Long
from everygrain.encode.static import Static
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.whole import Whole
from everygrain.learn.train.hierarchical import (
    HierarchicalTraining,
    known_blocks,
    pretrain_blocks,
    train_over_blocks,
)
from everygrain.learn.train.long import LongTraining, train_long
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.segment.passages import Passages

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "scisumm"
RESULTS = Path(__file__).resolve().parents[1] / "results"
BASELINE = "chunks, max"
OVER_BLOCKS = HierarchicalTraining(steps=200)
OVER_WORDS = LongTraining(steps=100, words=512, at_once=8)


class Papers:
    """The collection, its parts, and vectors of all papers, made once."""

    def __init__(self, keep: Path | None) -> None:
        self.keep = keep
        self.collection, train = load(DATA, "dev"), load(DATA, "train")
        self.documents = list(self.collection.documents())
        self.texts = {d.id: f"{d.title} {d.text}".strip() for d in self.documents}
        left_out = set((DATA / "not_for_training.txt").read_text(encoding="utf-8").split())
        self.cited = [
            Pair(train.queries[query], self.texts[document], "citations", query, document)
            for query, grades in train.judgements.items()
            for document, grade in grades.items()
            if grade > 0 and document not in left_out
        ]
        self.training = {pair.positive_id for pair in self.cited}

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what was kept under a name, or make it. The files are this program's own."""
        path = self.keep / f"{name}.pickle" if self.keep else None
        if path and path.exists():
            return pickle.loads(path.read_bytes())
        made = make()
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(made))
        return made

    @cached_property
    def encoder(self) -> Static:
        return Static(static_table(), {}).fit(split(list(self.texts.values())))

    @cached_property
    def queries(self) -> dict[str, str]:
        return self.collection.scored_queries

    @cached_property
    def blocks(self) -> dict[Any, Vectors]:
        """Block vectors of all papers, and of all texts that train."""

        def make() -> dict[Any, Vectors]:
            wanted: list[Any] = [("document", text) for text in self.texts.values()]
            wanted += [("query", text) for text in self.queries.values()]
            for pair in [*self.cited, *self.drawn]:
                wanted += [("query", pair.query), ("document", pair.positive)]
            return known_blocks(Hierarchical.untrained(self.encoder), wanted)

        return self.kept("blocks", make)

    @cached_property
    def drawn(self) -> list[Pair]:
        chosen = [d for d in self.documents if d.id in self.training]
        return self.kept("pairs", lambda: list(Whole().pairs(chosen)))

    def chunks(self) -> tuple[Vectors, np.ndarray]:
        passages, texts, firsts = Passages(256), [], []
        for document in self.documents:
            firsts.append(len(texts))
            spans = passages.spans(document.text) or [(0, 0)]
            texts += [f"{document.title} {document.text[s:e]}".strip() for s, e in spans]
        return self.encoder.encode(texts), np.array(firsts)

    def values(self, scores: np.ndarray) -> np.ndarray:
        """Return nDCG@10 of each query, of scores (queries, papers)."""
        rows = []
        for query, each in zip(self.queries, scores, strict=True):
            best = np.argsort(-each, kind="stable")[:30]
            rows += [(query, self.documents[i].id, float(each[i])) for i in best]
        ranking = Ranking.of(list(self.queries), rows)
        return evaluate(ranking, self.collection.judgements, ["nDCG@10"]).of("nDCG@10")


def systems(papers: Papers, loaded: dict[str, Any]) -> dict[str, Callable[[], np.ndarray]]:
    """Return name -> a function that scores (queries, papers)."""
    encoder = papers.encoder
    asked = encoder.encode(list(papers.queries.values()), "query")
    texts = list(papers.texts.values())

    def made(name: str, make: Callable[[], Any]) -> Any:
        if name not in loaded:
            loaded[name] = make()
        return loaded[name]

    def chunks() -> tuple[Vectors, np.ndarray]:
        return made("chunks", lambda: papers.kept("chunks", papers.chunks))

    def best_chunk() -> np.ndarray:
        vectors, firsts = chunks()
        return np.maximum.reduceat(asked @ vectors.T, firsts, axis=1)

    def document_blocks() -> list[Vectors]:
        return [papers.blocks["document", text] for text in texts]

    def query_blocks() -> list[Vectors]:
        return [papers.blocks["query", text] for text in papers.queries.values()]

    def whole(model: Hierarchical) -> np.ndarray:
        return model.over(query_blocks()) @ model.over(document_blocks()).T

    def block_by_block(model: Hierarchical) -> np.ndarray:
        each = document_blocks()
        single = model.over([row[None] for rows in each for row in rows])
        firsts = np.cumsum([0, *[len(rows) for rows in each]])[:-1]
        return np.maximum.reduceat(model.over(query_blocks()) @ single.T, firsts, axis=1)

    def hierarchy(told: str) -> Hierarchical:
        """told: "", "blocks", "pairs" or "citations", or two of them joined by " + "."""

        def make() -> Hierarchical:
            model = Hierarchical.untrained(encoder)
            if "blocks" in told:
                chosen = [papers.texts[d] for d in sorted(papers.training)]
                model = pretrain_blocks(model, chosen, OVER_BLOCKS, known=papers.blocks).encoder
            pairs = papers.drawn if "pairs" in told else papers.cited
            if "pairs" in told or "citations" in told:
                trained = train_over_blocks(model, pairs, None, OVER_BLOCKS, known=papers.blocks)
                model = trained.encoder
            return model

        return made(f"hierarchy {told}", make)

    def long(told: str) -> np.ndarray:
        model = Long.untrained(encoder)
        pairs = papers.drawn if "pairs" in told else papers.cited
        loss = MultipleNegatives() if "multiple" in told else None
        model = train_long(model, pairs, loss, OVER_WORDS).encoder
        vectors = model.encode([*papers.queries.values(), *texts])
        return vectors[: len(papers.queries)] @ vectors[len(papers.queries) :].T

    return {
        BASELINE: best_chunk,
        "first chunk": lambda: asked @ chunks()[0][chunks()[1]].T,
        "bag": lambda: asked @ encoder.encode(texts).T,
        "blocks, max": lambda: block_by_block(hierarchy("")),
        "blocks, mean (hierarchy untrained)": lambda: whole(hierarchy("")),
        "hierarchy: pairs": lambda: whole(hierarchy("pairs")),
        "hierarchy: hidden blocks, pairs": lambda: whole(hierarchy("blocks + pairs")),
        "the same, each block by itself, max": lambda: block_by_block(hierarchy("blocks + pairs")),
        "hierarchy: citations": lambda: whole(hierarchy("citations")),
        "hierarchy: hidden blocks, citations": lambda: whole(hierarchy("blocks + citations")),
        "the same, block by block, max": lambda: block_by_block(hierarchy("blocks + citations")),
        "long: pairs": lambda: long("pairs"),
        "long: citations": lambda: long("citations"),
        "long: citations, multiple negatives": lambda: long("citations, multiple"),
    }


def report(figures: dict[str, Any]) -> str:
    baseline = figures[BASELINE]["values"]
    lines = [
        "# Long documents: one vector a paper against chunks",
        "",
        f"scisumm/dev, {len(baseline)} citing sentences -> 978 full papers, nDCG@10 with 95 % BCa "
        "intervals; differences to the index's way are paired by query, p of the randomisation "
        "test, not corrected for the number of rows. One static table for all. Training: "
        f"{OVER_BLOCKS.steps} steps over blocks, {OVER_WORDS.steps} over words, one core. Seconds "
        "are those of a machine in use. Made by `python benchmarks/rank/long.py`.",
        "",
        "| system | nDCG@10 | difference | p | seconds |",
        "|---|---|---|---|---|",
    ]
    for name, row in figures.items():
        values = np.array(row["values"])
        interval = bca_interval(values)
        told = f"| {name} | {values.mean():.4f} [{interval.low:.4f}, {interval.high:.4f}] |"
        if name == BASELINE:
            lines.append(f"{told} | | {row['seconds']:.0f} |")
            continue
        gaps = values - baseline
        bounds, test = bca_interval(gaps), randomisation_test(values, baseline, samples=10_000)
        told += f" {gaps.mean():+.4f} [{bounds.low:+.4f}, {bounds.high:+.4f}] | {test.p:.2g} |"
        lines.append(f"{told} {row['seconds']:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", type=Path)
    options.add_argument("--only", default="", help="names of systems, parted by semicolons")
    told = options.parse_args()
    path = RESULTS / "rank_long.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    papers = Papers(told.keep)
    chosen = systems(papers, {})
    for name in [each for each in told.only.split(";") if each] or list(chosen):
        if name in figures:
            continue
        begun = time.monotonic()
        values = papers.values(chosen[name]())
        seconds = round(time.monotonic() - begun, 1)
        figures[name] = {"values": values.round(5).tolist(), "seconds": seconds}
        print(f"{name}: {values.mean():.4f} in {seconds} s", flush=True)
        path.write_text(json.dumps(figures) + "\n")
    ordered = {name: figures[name] for name in chosen if name in figures}
    if BASELINE in ordered:
        (RESULTS / "rank_long.md").write_text(report(ordered))
        print(report(ordered))


if __name__ == "__main__":
    main()
