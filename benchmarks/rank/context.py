"""Short queries with an event beside them: does the fusion find more than simpler ways?

    python benchmarks/rank/context.py [--train 12000] [--test 3000] [--steps 400]

papers: the query is three words of a title, the event a sentence of the abstract that is nearest to
the paper's own, to be found is the abstract. Training and test papers are apart. scisumm/dev, with
the fusion trained on papers: three words of a citing sentence, and a sentence that cites the paper
nearest to the cited one. The paper that an event was taken from is no candidate, for any system.
The mixture's share comes from the training papers, the trainings' settings from yet others.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.encode.base import unit
from everygrain.encode.context import Context
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.learn.pairs.written import chance
from everygrain.learn.train.context import ContextTraining, cut_short, train_context
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
BASELINE = "query alone"
FIXED = "fixed mixture, share from the training papers"
SHARES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)


@dataclass(frozen=True)
class Task:
    """Queries with events, candidates, and for each query the wanted and the shut candidate."""

    queries: Sequence[str]
    events: Sequence[str]
    candidates: Sequence[str]
    wanted: Sequence[frozenset[int]]
    shut: Sequence[int]

    def values(self, vectors: np.ndarray, encoder: Static) -> np.ndarray:
        """Return nDCG@10 of each query; grades are 0 and 1."""
        scores = vectors @ encoder.encode(self.candidates).T
        scores[np.arange(len(scores)), self.shut] = -np.inf
        found = np.zeros(len(scores))
        for i, row in enumerate(scores):
            best = np.argsort(-row, kind="stable")[:10]
            gains = [1 / np.log2(r + 2) for r, place in enumerate(best) if place in self.wanted[i]]
            ideal = sum(1 / np.log2(r + 2) for r in range(min(10, len(self.wanted[i]))))
            found[i] = sum(gains) / ideal
        return found


def drawn_papers(count: int) -> list[Document]:
    """Return so many papers with an abstract of some length, in an order by hash."""
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    fit = [r for r in rows if len(r["title"].split()) >= 5 and len(r["abstract"]) >= 500]
    fit.sort(key=lambda r: hashlib.blake2b(r["id"].encode()).digest())
    return [Document(r["id"], r["abstract"], r["title"]) for r in fit[:count]]


def nearest(encoder: Static, texts: Sequence[str]) -> np.ndarray:
    """Return the place of the text nearest to each, other than itself."""
    vectors = encoder.encode(texts)
    found = []
    for start in range(0, len(texts), 500):
        scores = vectors[start : start + 500] @ vectors.T
        scores[np.arange(len(scores)), start + np.arange(len(scores))] = -np.inf
        found.append(scores.argmax(1))
    return np.concatenate(found)


def occasions(
    encoder: Static, documents: Sequence[Document], seeds: Sequence[int]
) -> tuple[list, dict]:
    near = nearest(encoder, [d.text for d in documents])
    related = {d.id: documents[n].text for d, n in zip(documents, near, strict=True)}
    places = {d.id: int(n) for d, n in zip(documents, near, strict=True)}
    told = [o for draw in seeds for o in cut_short(documents, related, seed=draw)]
    return told, places


def papers_task(encoder: Static, documents: Sequence[Document]) -> Task:
    told, near = occasions(encoder, documents, [1])
    places = {d.id: i for i, d in enumerate(documents)}
    return Task(
        [o.query for o in told],
        [o.event for o in told],
        [d.text for d in documents],
        [frozenset({places[o.positive_id]}) for o in told],
        [near[o.positive_id] for o in told],
    )


def scisumm_task(encoder: Static) -> Task:
    collection = load(DATA / "scisumm", "dev")
    documents = list(collection.documents())
    places = {d.id: i for i, d in enumerate(documents)}
    texts = [f"{d.title} {' '.join(d.text.split()[:200])}" for d in documents]
    near = nearest(encoder, texts)
    cited_by: dict[int, list[str]] = {}
    both = [(load(DATA / "scisumm", part)) for part in ("dev", "train")]
    for each in both:
        for query, grades in each.judgements.items():
            if len(grades) == 1:
                cited_by.setdefault(places[next(iter(grades))], []).append(each.queries[query])
    rows: list[list[Any]] = [[], [], [], []]
    for query, text in collection.scored_queries.items():
        wanted = frozenset(places[d] for d, g in collection.judgements[query].items() if g > 0)
        other = int(near[min(wanted)])
        words = of_text(text)
        if other in wanted or other not in cited_by or len(words) < 6:
            continue
        lot = chance(0, "context", query)
        chosen = sorted(lot.sample(range(len(words)), 3))
        rows[0].append(" ".join(words[i] for i in chosen))
        rows[1].append(lot.choice(cited_by[other]))
        rows[2].append(wanted)
        rows[3].append(other)
    return Task(rows[0], rows[1], texts, rows[2], rows[3])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--train", type=int, default=12000)
    options.add_argument("--test", type=int, default=3000)
    options.add_argument("--steps", type=int, default=400)
    told = options.parse_args()
    documents = drawn_papers(told.train + told.test)
    train, test = documents[: told.train], documents[told.train :]
    encoder = Static(static_table(), {}).fit(split([f"{d.title} {d.text}" for d in train]))
    learned, near = occasions(encoder, train, [0, 2])
    start = Context.untrained(encoder)
    # the share of the fixed mixture, from the training papers
    places = {d.id: i for i, d in enumerate(train)}
    part = learned[:1500]
    tuning = Task([o.query for o in part], [o.event for o in part], [d.text for d in train],
                  [frozenset({places[o.positive_id]}) for o in part],
                  [near[o.positive_id] for o in part])  # fmt: skip

    def mixed(task: Task, share: float) -> np.ndarray:
        asked = encoder.encode(task.queries, "query")
        return unit(asked + share * encoder.encode(task.events))

    share = max(SHARES, key=lambda s: tuning.values(mixed(tuning, s), encoder).mean())
    seconds: dict[str, float] = {}

    def trained(name: str, settings: ContextTraining) -> Context:
        begun = time.monotonic()
        made = train_context(start, learned, None, settings)
        seconds[name] = round(time.monotonic() - begun, 1)
        print(name, seconds[name], "s", np.mean(made.curve[:20]), np.mean(made.curve[-20:]))
        return made.encoder

    usual = ContextTraining(steps=told.steps, batch=96)
    variants = {
        "fusion, trained": usual,
        "fusion, without the second task": replace(usual, event_weight=0),
        "fusion, without hard negatives": replace(usual, hard=0),
    }
    models = {name: trained(name, settings) for name, settings in variants.items()}
    systems: dict[str, Callable[[Task], np.ndarray]] = {
        BASELINE: lambda t: encoder.encode(t.queries, "query"),
        "event alone": lambda t: encoder.encode(t.events),
        "query and event in one text": lambda t: encoder.encode(
            [f"{q} {e}" for q, e in zip(t.queries, t.events, strict=True)], "query"
        ),
        "mean of the two vectors": lambda t: mixed(t, 1.0),
        FIXED: lambda t: mixed(t, share),
        "fusion, untrained": lambda t: start.encode_queries(t.queries, t.events),
    }
    for name, model in models.items():
        systems[name] = lambda t, model=model: model.encode_queries(t.queries, t.events)
    lines = [
        "# Short queries with an event beside them",
        "",
        f"nDCG@10 with 95 % BCa intervals; differences are paired by query, p of the randomisation "
        f"test, not corrected. One static table, fitted on {told.train} papers; {told.steps} steps "
        f"on {len(learned)} occasions from them, {seconds['fusion, trained']:.0f} s of a machine "
        f"in use. Share of the fixed mixture, chosen on training papers: {share}. Made by "
        "`python benchmarks/rank/context.py`.",
    ]
    figures: dict[str, Any] = {"settings": vars(told), "share": share, "seconds": seconds}
    tasks = {"papers": papers_task(encoder, test), "scisumm/dev": scisumm_task(encoder)}
    for name, task in tasks.items():
        values = {s: task.values(make(task), encoder) for s, make in systems.items()}
        lines += ["", f"## {name}: {len(task.queries)} queries, {len(task.candidates)} candidates",
                  "", "| system | nDCG@10 | against the query alone | p "
                  "| against the fixed mixture | p |", "|---|---|---|---|---|---|"]  # fmt: skip
        for system, own in values.items():
            bounds = bca_interval(own)
            line = f"| {system} | {own.mean():.4f} [{bounds.low:.4f}, {bounds.high:.4f}] |"
            for other in (BASELINE, FIXED):
                if other == system:
                    line += " | |"
                    continue
                gaps = own - values[other]
                bounds = bca_interval(gaps)
                p = randomisation_test(own, values[other], samples=10_000).p
                line += f" {gaps.mean():+.4f} [{bounds.low:+.4f}, {bounds.high:+.4f}] | {p:.2g} |"
            lines.append(line)
        gates = models["fusion, trained"].gates(task.queries, task.events)
        lines += ["", f"The trained gate: median {np.median(gates):.2f}, 5 to 95 %: "
                  f"{np.quantile(gates, 0.05):.2f} to {np.quantile(gates, 0.95):.2f}."]  # fmt: skip
        figures[name] = {s: own.round(5).tolist() for s, own in values.items()}
    (RESULTS / "rank_context.json").write_text(json.dumps(figures) + "\n")
    (RESULTS / "rank_context.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
