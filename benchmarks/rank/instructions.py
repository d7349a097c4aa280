"""One embedder for several uses: with instructions, without, and one model for each use.

    python benchmarks/rank/instructions.py [--epochs 6]

Four uses: claim -> abstract (scifact/train), web query -> code (cosqa/dev), citing sentence ->
paper (scisumm/train: title and 200 words), question -> passage (xquad-en/dev). Every other query
trains, the rest are measured. A text that answers a measured query may answer a training query
too, which favours every trained model; the last table has the queries of which that is not so.
Rewards are log-likelihoods, per word, of the query given the text by a smoothed language model of
single words; they stand in for those of a large one. All models start from one static table fitted
on all four corpora, and see the same examples as often.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.analyze.words import of_text
from everygrain.encode.base import Encoder
from everygrain.encode.distil import static_table
from everygrain.encode.instructions import Instructed
from everygrain.encode.static import Static
from everygrain.learn.train.instructions import InstructionTraining, Rewarded, train_instructions
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
USES = {
    "claim": ("scifact", "train"), "code": ("cosqa", "dev"),
    "citation": ("scisumm", "train"), "question": ("xquad-en", "dev"),
}  # fmt: skip
MOST = 1200  # queries of a use, training and measured together
OTHERS = 4
MU = 500.0
WITH, WITHOUT = "one model, with instructions", "one model, without"


@dataclass(frozen=True, eq=False)
class Part:
    """A use's corpus and queries: id -> text, and the wanted ids of each query."""

    texts: dict[str, str]
    queries: dict[str, str]
    wanted: dict[str, set[str]]

    def half(self, rest: int) -> list[str]:
        return [query for i, query in enumerate(self.queries) if i % 2 == rest]


def part(name: str) -> Part:
    folder, split_name = USES[name]
    collection = load(DATA / folder, split_name)
    texts = {d.id: f"{d.title} {d.text}".strip() for d in collection.documents()}
    shut: set[str] = set()
    if folder == "scisumm":
        texts = {i: " ".join(text.split()[:200]) for i, text in texts.items()}
        shut = set((DATA / folder / "not_for_training.txt").read_text(encoding="utf-8").split())
    asked = {q: t for q, t in collection.scored_queries.items() if t.strip()}
    wanted = {q: {d for d, g in collection.judgements[q].items() if g > 0} for q in asked}
    drawn = sorted((q for q in asked if not wanted[q] & shut and wanted[q] <= set(texts)),
                   key=lambda q: hashlib.blake2b(q.encode()).digest())[:MOST]  # fmt: skip
    return Part(texts, {q: asked[q] for q in drawn}, wanted)


class Likelihood:
    """The log-likelihood of a query's words given a text, Dirichlet-smoothed, per word."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.counts = {i: Counter(of_text(text)) for i, text in texts.items()}
        total: Counter[str] = Counter()
        for each in self.counts.values():
            total.update(each)
        size = sum(total.values())
        self.shares = {word: count / size for word, count in total.items()}
        self.rare = 0.5 / size

    def __call__(self, query: str, identity: str) -> float:
        words, counts = of_text(query), self.counts[identity]
        length = sum(counts.values())
        told = [
            np.log((counts[w] + MU * self.shares.get(w, self.rare)) / (length + MU)) for w in words
        ]
        return float(np.mean(told)) if told else 0.0


def examples(name: str, own: Part, encoder: Static) -> list[Rewarded]:
    """Return the training half with texts that the table finds, and their rewards."""
    likelihood, ids = Likelihood(own.texts), list(own.texts)
    vectors, found = encoder.encode(list(own.texts.values())), []
    asked = own.half(0)
    for query, vector in zip(asked, encoder.encode([own.queries[q] for q in asked], "query"),
                             strict=True):  # fmt: skip
        best = [ids[i] for i in np.argsort(-(vectors @ vector), kind="stable")[:60]]
        lot = np.random.default_rng(len(found))
        others = [d for d in best if d not in own.wanted[query]][:30]
        chosen = [others[i] for i in lot.permutation(len(others))[:OTHERS]]
        for positive in sorted(own.wanted[query])[:2]:
            rewards = [likelihood(own.queries[query], d) for d in [positive, *chosen]]
            found.append(
                Rewarded(name, own.queries[query], own.texts[positive],
                         tuple(own.texts[d] for d in chosen), tuple(rewards))
            )  # fmt: skip
    return found


def unseen(own: Part) -> np.ndarray:
    """Return which queries of the other half have no answer that a training query has."""
    known = {d for query in own.half(0) for d in own.wanted[query]}
    return np.array([not own.wanted[query] & known for query in own.half(1)])


def measured(encoder: Encoder, own: Part) -> np.ndarray:
    """Return nDCG@10 of the other half."""
    asked, ids = own.half(1), np.array(list(own.texts))
    scores = encoder.encode([own.queries[q] for q in asked], "query")
    scores = scores @ encoder.encode(list(own.texts.values())).T
    found = np.zeros(len(asked))
    for i, query in enumerate(asked):
        wanted = own.wanted[query]
        best = ids[np.argsort(-scores[i], kind="stable")[:10]]
        ideal = sum(1 / np.log2(r + 2) for r in range(min(10, len(wanted))))
        found[i] = sum(1 / np.log2(r + 2) for r, d in enumerate(best) if d in wanted) / ideal
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=6)
    told = options.parse_args()
    parts = {name: part(name) for name in USES}
    words = split([text for each in parts.values() for text in each.texts.values()])
    start = Static(static_table(), {}).fit(words)
    given = {name: examples(name, own, start) for name, own in parts.items()}
    every = [each for rows in given.values() for each in rows]
    usual = InstructionTraining(epochs=told.epochs)
    seconds: dict[str, float] = {}

    def trained(name: str, settings: InstructionTraining, rows: list[Rewarded]) -> Instructed:
        begun = time.monotonic()
        made = train_instructions(start, rows, settings).encoder
        seconds[name] = round(seconds.get(name, 0) + time.monotonic() - begun, 1)
        print(name, len(rows), "examples", seconds[name], "s", flush=True)
        return made

    def one(name: str, **changes: Any) -> Callable[[str], Encoder]:
        made = trained(name, replace(usual, **changes), every)
        return lambda use: made.for_use(use)

    def each() -> Callable[[str], Encoder]:
        own = {use: trained("one model for each use", replace(usual, sides="none"), given[use])
               for use in USES}  # fmt: skip
        return lambda use: own[use]

    systems: dict[str, Callable[[], Callable[[str], Encoder]]] = {
        "not trained": lambda: lambda use: start,
        WITHOUT: lambda: one(WITHOUT, sides="none"),
        WITH: lambda: one(WITH),
        "with, for queries alone": lambda: one("queries", sides="query"),
        "with, uses mixed in batches": lambda: one("mixed", one_use=False),
        "without, uses mixed in batches": lambda: one("plain mixed", sides="none", one_use=False),
        "with, without rewards": lambda: one("no rewards", reward_weight=0.0),
        "one model for each use": each,
    }
    values: dict[str, dict[str, np.ndarray]] = {}
    for name, make in systems.items():
        of = make()
        values[name] = {use: measured(of(use), parts[use]) for use in USES}
        print(name, {use: round(v.mean(), 4) for use, v in values[name].items()}, flush=True)
    lines = [
        "# One embedder for several uses",
        "",
        "nDCG@10 on queries that trained nothing, with 95 % BCa intervals; differences to the one "
        "model without instructions, paired by query, p of the randomisation test, not corrected. "
        f"{told.epochs} passes over {len(every)} examples "
        f"({', '.join(f'{use} {len(rows)}' for use, rows in given.items())}), "
        f"{seconds[WITH]:.0f} s with instructions on a machine in use. Rewards are log-likelihoods "
        "by a language model of single words. Made by `python benchmarks/rank/instructions.py`.",
    ]
    fresh = np.concatenate([unseen(own) for own in parts.values()])
    for use in [*USES, "all uses", "all uses, answers that answer no training query"]:
        rows = {
            name: by_use[use] if use in USES else np.concatenate(list(by_use.values()))
            for name, by_use in values.items()
        }
        if "no training" in use:
            rows = {name: own[fresh] for name, own in rows.items()}
        count = len(rows[WITH])
        lines += ["", f"## {use}: {count} queries", "", "| model | nDCG@10 | difference | p |",
                  "|---|---|---|---|"]  # fmt: skip
        for name, own in rows.items():
            bounds = bca_interval(own)
            line = f"| {name} | {own.mean():.4f} [{bounds.low:.4f}, {bounds.high:.4f}] |"
            if name == WITHOUT:
                lines.append(line + " | |")
                continue
            gaps = own - rows[WITHOUT]
            bounds = bca_interval(gaps)
            p = randomisation_test(own, rows[WITHOUT], samples=10_000).p
            line += f" {gaps.mean():+.4f} [{bounds.low:+.4f}, {bounds.high:+.4f}] | {p:.2g} |"
            lines.append(line)
    figures: dict[str, Any] = {"settings": vars(told), "seconds": seconds}
    for name, by_use in values.items():
        figures[name] = {use: v.round(5).tolist() for use, v in by_use.items()}
    (RESULTS / "rank_instructions.json").write_text(json.dumps(figures) + "\n")
    (RESULTS / "rank_instructions.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
