"""Named concepts: are they the right ones, and what does ranking by them cost?

    python benchmarks/rank/concepts.py [--steps 400] [--test 1800]

papers with keywords: concepts are the keywords of five training papers or more. Precision: the
first and first five concepts of held-out papers (title and abstract), by their own keywords.
Retrieval among the held-out papers: title -> abstract, keywords -> paper; and scifact/train, which
nothing was trained on. `--tune` takes a part of the training papers as if held out.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.encode.base import unit
from everygrain.encode.concepts import Concepts
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.learn.train.concepts import (
    Annotated,
    ConceptTraining,
    indicators,
    train_concepts,
    vocabulary,
)
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
ENCODER = "the static encoder itself"
NAMES = "concepts, untrained"
BOTH = "concepts, tagging and ranking"


def tagged_papers() -> list[Annotated]:
    """Return papers with keywords, in an order by hash: the title asks for title and abstract."""
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [r for r in rows if r.get("keywords") and len(r["abstract"]) >= 200]
    rows.sort(key=lambda r: hashlib.blake2b(r["id"].encode()).digest())
    found = []
    for r in rows:
        names = dict.fromkeys(" ".join(word.split()).casefold() for word in r["keywords"])
        found.append(Annotated(r["abstract"], tuple(n for n in names if n), r["title"]))
    return found


def gains(scores: np.ndarray, wanted: list[set[int]]) -> np.ndarray:
    """Return nDCG@10 of each query; grades are 0 and 1."""
    found = np.zeros(len(wanted))
    for i, row in enumerate(scores):
        best = np.argsort(-row, kind="stable")[:10]
        best = best[row[best] > 0]
        ideal = sum(1 / np.log2(r + 2) for r in range(min(10, len(wanted[i]))))
        told = [1 / np.log2(r + 2) for r, place in enumerate(best) if place in wanted[i]]
        found[i] = sum(told) / ideal
    return found


def centred(start: Concepts, train: list[Annotated]) -> Concepts:
    """Return concepts whose rows are the mean vectors of the texts that have them."""
    labels = indicators(start.names, train)
    means = labels.T @ start.inner.encode([each.text for each in train])
    return Concepts(start.inner, start.names, unit(means), start.biases, start.most)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=400)
    options.add_argument("--test", type=int, default=1800)
    options.add_argument("--tune", action="store_true", help="measure on training papers instead")
    told = options.parse_args()
    papers = tagged_papers()
    train, test = papers[told.test :], papers[: told.test]
    if told.tune:
        train, test = train[1000:], train[:1000]
    encoder = Static(static_table(), {}).fit(split([f"{p.asked} {p.text}" for p in train]))
    names = vocabulary(train)
    start = Concepts.named(encoder, names)
    seconds: dict[str, float] = {}

    def trained(name: str, **changes: Any) -> Concepts:
        begun = time.monotonic()
        made = train_concepts(start, train, ConceptTraining(steps=told.steps, **changes))
        seconds[name] = round(time.monotonic() - begun, 1)
        print(name, seconds[name], "s", np.mean(made.curve[:20]), np.mean(made.curve[-20:]))
        return made.encoder

    systems = {
        NAMES: start,
        "concepts, means of their papers": centred(start, train),
        "concepts, tagging alone": trained("tagging", ranking_weight=0.0),
        "concepts, ranking alone": trained("ranking", tagging_weight=0.0),
        BOTH: trained("both"),
    }
    systems |= {
        f"the same, at most {most} a text": replace(systems[BOTH], most=most) for most in (8, 128)
    }
    truth = indicators(names, test)
    asked = np.flatnonzero(truth.any(axis=1))
    whole = [f"{test[i].asked} {test[i].text}" for i in asked]
    common = np.argsort(-indicators(names, train).sum(0), kind="stable")[:5]

    def precision(k: int) -> dict[str, np.ndarray]:
        found = {"the most common": truth[asked][:, common[:k]].mean(1)}
        for name, model in systems.items():
            if not name.startswith("the same"):  # how many are kept changes none of the first
                best = np.argsort(-model.logits(encoder.encode(whole)), axis=1, kind="stable")
                found[name] = np.take_along_axis(truth[asked], best[:, :k], axis=1).mean(1)
        return found

    def retrieval(
        queries: list[str], texts: list[str], wanted: list[set[int]]
    ) -> dict[str, np.ndarray]:
        q, d = encoder.encode(queries, "query"), encoder.encode(texts)
        plain = q @ d.T
        found = {ENCODER: gains(plain, wanted)}
        for name, model in systems.items():
            scores = model.over(q) @ model.over(d).T
            found[name] = gains(scores, wanted)
            if name == BOTH:
                found["encoder and concepts, summed"] = gains(plain + scores, wanted)
        return found

    claims = load(DATA / "scifact", "train")
    documents = list(claims.documents())
    places = {d.id: i for i, d in enumerate(documents)}
    abstracts = [p.text for p in test]
    own = [{i} for i in range(len(test))]
    judged = claims.scored_queries
    tasks: dict[str, Callable[[], dict[str, np.ndarray]]] = {
        "title -> abstract": lambda: retrieval([p.asked for p in test], abstracts, own),
        "keywords -> title and abstract": lambda: retrieval(
            [", ".join(p.concepts) for p in test], [f"{p.asked} {p.text}" for p in test], own
        ),
        "scifact/train, claim -> abstract": lambda: retrieval(
            list(judged.values()),
            [f"{d.title} {d.text}" for d in documents],
            [{places[d] for d, g in claims.judgements[q].items() if g > 0} for q in judged],
        ),
    }
    measured = {f"P@{k}": precision(k) for k in (1, 5)}
    measured |= {name: make() for name, make in tasks.items()}
    bound = float(np.minimum(truth[asked].sum(1), 5).mean() / 5)
    lines = [
        "# Named concepts",
        "",
        f"{len(names)} keywords as concepts, {len(train)} papers to learn from, {len(test)} held "
        f"out, {told.steps} steps ({seconds['both']:.0f} s of a machine in use), at most "
        f"{start.most} concepts a text. {len(asked)} held-out papers have one of the concepts or "
        f"more; the most that P@5 could be is {bound:.3f}. Means with 95 % BCa intervals; "
        "differences paired, p of the randomisation test, not corrected. Made by "
        "`python benchmarks/rank/concepts.py`.",
    ]
    figures: dict[str, Any] = {"settings": vars(told), "seconds": seconds, "concepts": len(names)}
    for task, values in measured.items():
        base = NAMES if task.startswith("P@") else ENCODER
        unit_told = "" if task.startswith("P@") else ", nDCG@10"
        count = len(next(iter(values.values())))
        lines += ["", f"## {task}{unit_told}, {count} queries", "",
                  f"| system | mean | against {base} | p |", "|---|---|---|---|"]  # fmt: skip
        for name, each in values.items():
            bounds = bca_interval(each)
            line = f"| {name} | {each.mean():.4f} [{bounds.low:.4f}, {bounds.high:.4f}] |"
            if name == base:
                lines.append(line + " | |")
                continue
            gaps = each - values[base]
            bounds = bca_interval(gaps)
            p = randomisation_test(each, values[base], samples=10_000).p
            line += f" {gaps.mean():+.4f} [{bounds.low:+.4f}, {bounds.high:+.4f}] | {p:.2g} |"
            lines.append(line)
        figures[task] = {name: each.round(5).tolist() for name, each in values.items()}
    if not told.tune:
        (RESULTS / "rank_concepts.json").write_text(json.dumps(figures) + "\n")
        (RESULTS / "rank_concepts.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    model = systems[BOTH]
    for title in [p.asked for p in test[:3]]:
        print(title, model.concepts_of(title, 6))


if __name__ == "__main__":
    main()
