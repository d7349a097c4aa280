"""Full papers by one vector each, against chunks with max pooling: citing sentence -> cited paper.

    python benchmarks/rank/long.py [--others N] [--keep FOLDER] [--only NAMES]

scisumm/dev: the papers of the dev part are searched among N others, of the train part (all 978
papers without --others), with the 1,695 sentences that cite them; nDCG@10. All vectors come from
one static table fitted to the papers, as the index fits it.

    chunks     passages of 256 words, one sentence shared, the title in front, best one counts:
               the index's way. The hierarchy stands on the same vectors
    first      the first of them alone
    bag        all words of the paper in one vector
    pairs      training on titles and sentences drawn out of the papers of the train part
    citations  training on the sentences that cite those papers; none of them cites a dev paper

Papers of not_for_training.txt train nothing. No setting was tuned here, but the size of the step of
the hierarchy's way out was mended after it had been seen to run away. Results are kept in the .json
beside the table, and with --keep also the vectors that take minutes to make, so that a run can be
gone on with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
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
from everygrain.encode.hierarchical import Depths, Hierarchical
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
DEPTHS = Depths(width=64)
OVER_BLOCKS = HierarchicalTraining(steps=200, batch=32, longest=16)
OVER_WORDS = LongTraining(steps=60, batch=16, words=256, at_once=16)


class Papers:
    """The collection, its parts, and vectors of all papers, made once."""

    def __init__(self, others: int, keep: Path | None) -> None:
        self.keep = keep
        self.collection, train = load(DATA, "dev"), load(DATA, "train")
        asked_for = {d for grades in self.collection.judgements.values() for d in grades}
        cited = {d for grades in train.judgements.values() for d in grades} - asked_for
        # an order by hash, so that fewer are a part of more
        drawn = sorted(cited, key=lambda each: hashlib.blake2b(each.encode()).digest())[:others]
        every = list(self.collection.documents())
        if others < len(cited):
            every = [d for d in every if d.id in asked_for | set(drawn)]
        self.documents = every
        self.texts = {d.id: f"{d.title} {d.text}".strip() for d in self.documents}
        left_out = set((DATA / "not_for_training.txt").read_text(encoding="utf-8").split())
        self.cited = [
            Pair(train.queries[query], self.texts[document], "citations", query, document)
            for query, grades in train.judgements.items()
            for document, grade in grades.items()
            if grade > 0 and document in self.texts and document not in left_out | asked_for
        ]
        self.training = {pair.positive_id for pair in self.cited}

    @cached_property
    def encoder(self) -> Static:
        return Static(static_table(), {}).fit(split(list(self.texts.values())))

    @cached_property
    def queries(self) -> dict[str, str]:
        return self.collection.scored_queries

    @cached_property
    def blocks(self) -> dict[Any, Vectors]:
        """Block vectors of all papers, as the index has them, and of all texts that train."""
        vectors, firsts = self.chunks
        parts = np.split(vectors, firsts[1:])
        found = {("document", text): each[each.any(axis=1)]
                 for text, each in zip(self.texts.values(), parts, strict=True)}  # fmt: skip
        wanted: list[Any] = [("query", text) for text in self.queries.values()]
        for pair in [*self.cited, *self.drawn]:
            wanted += [("query", pair.query), ("document", pair.positive)]
        encoder = Hierarchical.untrained(self.encoder, DEPTHS)
        return found | known_blocks(encoder, wanted, found)

    @cached_property
    def drawn(self) -> list[Pair]:
        chosen = [d for d in self.documents if d.id in self.training]
        return list(Whole().pairs(chosen))

    @cached_property
    def chunks(self) -> tuple[Vectors, np.ndarray]:
        """Vectors of all chunks, and the place of each paper's first."""
        kept = self.keep / f"chunks{len(self.documents)}.npz" if self.keep else None
        if kept and kept.exists():
            with np.load(kept) as arrays:
                return arrays["vectors"], arrays["firsts"]
        passages, texts, firsts = Passages(256), [], []
        for document in self.documents:
            firsts.append(len(texts))
            spans = passages.spans(document.text) or [(0, 0)]
            texts += [f"{document.title} {document.text[s:e]}".strip() for s, e in spans]
        made = self.encoder.encode(texts), np.array(firsts)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, vectors=made[0], firsts=made[1])
        return made

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

    def best_chunk() -> np.ndarray:
        vectors, firsts = papers.chunks
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
            model = Hierarchical.untrained(encoder, DEPTHS)
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
        "first chunk": lambda: asked @ papers.chunks[0][papers.chunks[1]].T,
        "bag": lambda: asked @ encoder.encode(texts).T,
        "hierarchy untrained: mean of the chunks": lambda: whole(hierarchy("")),
        "hierarchy: pairs": lambda: whole(hierarchy("pairs")),
        "hierarchy: hidden blocks, pairs": lambda: whole(hierarchy("blocks + pairs")),
        "the same, each block by itself, max": lambda: block_by_block(hierarchy("blocks + pairs")),
        "hierarchy: citations": lambda: whole(hierarchy("citations")),
        "hierarchy: hidden blocks, citations": lambda: whole(hierarchy("blocks + citations")),
        "the same, block by block, max": lambda: block_by_block(hierarchy("blocks + citations")),
        "long: pairs": lambda: long("pairs"),
        "long: pairs, multiple negatives": lambda: long("pairs, multiple"),
        "long: citations": lambda: long("citations"),
        "long: citations, multiple negatives": lambda: long("citations, multiple"),
    }


def report(figures: dict[str, Any], papers: int) -> str:
    baseline = figures[BASELINE]["values"]
    lines = [
        "# Long documents: one vector a paper against chunks",
        "",
        f"scisumm/dev, {len(baseline)} citing sentences -> {papers} full papers, nDCG@10 with 95 % "
        "BCa intervals; differences to the index's way are paired by query, p of the randomisation "
        "test, not corrected for the number of rows. One static table for all. Training: "
        f"{OVER_BLOCKS.steps} steps over blocks, {OVER_WORDS.steps} over words, one core. Seconds "
        "are those of a machine in use. Made by `python benchmarks/rank/long.py --others N`, N "
        "papers of the train part beside the dev part's.",
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
    options.add_argument("--others", type=int, default=1000)
    options.add_argument("--keep", type=Path)
    options.add_argument("--only", default="", help="names of systems, parted by semicolons")
    told = options.parse_args()
    path = RESULTS / "rank_long.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    papers = Papers(told.others, told.keep)
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
        (RESULTS / "rank_long.md").write_text(report(ordered, len(papers.documents)))
        print(report(ordered, len(papers.documents)))


if __name__ == "__main__":
    main()
