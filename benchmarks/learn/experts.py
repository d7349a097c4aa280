"""One model with N experts against N models and one dense model, and a router over experts.

    python benchmarks/learn/experts.py [--steps 120] [--most 6000] [--keep FOLDER]

Domains are groups of venues of `papers`. Pairs are title -> abstract; the queries are titles of
papers that no training saw, 5 % of each domain. All systems start from one static table and see as
many pairs in as many steps: N separate models share the steps among them, in proportion to their
pairs, as the experts do. The step size was chosen for the dense model on other papers, between .02
and .05.

--keep   a folder for the trained tables: a run that was interrupted goes on from them
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.encode.base import unit
from everygrain.encode.distil import static_table
from everygrain.encode.experts.centroids import Centroids
from everygrain.encode.static import Static
from everygrain.learn.train.experts import Bags, ExpertTraining, train_tables
from everygrain.learn.train.pilots import learn_pilots
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
VENUES = {
    "language": ("naacl", "coling", "acl", "colm"),
    "learning": ("nips", "icml", "iclr", "acml", "automl"),
    "robotics": ("iros", "icra", "rss", "corl"),
    "statistics": ("aistats", "colt", "uai", "alt"),
    "vision": ("cvpr", "eccv", "wacv", "iccv", "3dv"),
}
NAMES = tuple(VENUES)
FAR = {"scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev"}


@dataclass
class Papers:
    """Papers as bags: titles ask, abstracts answer.

    places     the domain of each
    training   numbers of the papers trained on
    held       numbers of the papers whose titles are queries
    """

    titles: Bags
    abstracts: Bags
    places: Any
    training: Any
    held: Any


def read_papers(most: int) -> tuple[Papers, Static]:
    of = {venue: place for place, name in enumerate(NAMES) for venue in VENUES[name]}
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if row["venue"] in of and len(row["abstract"]) > 200]
    places = np.array([of[row["venue"]] for row in rows])
    parts = np.array([percentile(row["id"]) for row in rows])
    chance = np.random.default_rng(0)
    free = [np.flatnonzero((places == place) & (parts >= 20)) for place in range(len(NAMES))]
    training = np.concatenate([chance.permutation(each)[:most] for each in free])
    chosen = np.sort(np.concatenate([training, np.flatnonzero(is_held(parts))]))
    rows = [rows[i] for i in chosen]
    base = Static(static_table(), {}).fit(split([f"{r['title']} {r['abstract']}" for r in rows]))
    told = Papers(
        Bags.of(base, [row["title"] for row in rows]),
        Bags.of(base, [row["abstract"] for row in rows]),
        places[chosen],
        np.flatnonzero(parts[chosen] >= 20),
        np.flatnonzero(is_held(parts[chosen])),
    )
    return told, base


def is_held(parts: Any) -> Any:
    """Tell which papers' titles are queries: those below 5 % served to choose the step size."""
    return (parts >= 5) & (parts < 10)


def percentile(name: str) -> int:
    """Return a number from 0 to 99 that follows from a paper's id."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") % 100


def vectors(table: Any, bags: Bags, rows: Any = None) -> Any:
    return unit((bags.matrix if rows is None else bags.matrix[rows]) @ table.astype(np.float32))


def routed(tables: Any, bags: Bags, places: Any) -> Any:
    """Return vectors, each by the table of its place; the last table is that of no domain."""
    found = np.zeros((len(bags), tables[0].shape[1]), dtype=np.float32)
    for place in np.unique(places):
        rows = np.flatnonzero(places == place)
        found[rows] = vectors(tables[place], bags, rows)
    return found


def gains(asked: Any, answers: Any, targets: Any) -> Any:
    """Return nDCG@10 of queries with one right answer each; others as near count as before it."""
    found = []
    for start in range(0, len(asked), 256):
        scores = asked[start : start + 256] @ answers.T
        own = scores[np.arange(len(scores)), targets[start : start + 256]]
        ranks = (scores >= own[:, None]).sum(axis=1)
        found.append(np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0.0))
    return np.concatenate(found)


def tables_of(shared: Any, deltas: Any) -> list[Any]:
    """Return the tables of the experts and, last, that of no domain."""
    plain = shared.astype(np.float32)
    return [*(plain + delta.astype(np.float32) for delta in deltas), plain]


class Trainer:
    """Trains systems on the same pairs, and keeps what it trained."""

    def __init__(self, papers: Papers, base: Static, steps: int, keep: Path | None) -> None:
        self.papers, self.base, self.steps, self.keep = papers, base, steps, keep
        self.titles = Bags(papers.titles.matrix[papers.training])
        self.abstracts = Bags(papers.abstracts.matrix[papers.training])
        self.places = papers.places[papers.training]

    def settings(self, **changes: Any) -> ExpertTraining:
        return replace(ExpertTraining(steps=self.steps, batch=512, rate=0.05), **changes)

    def train(self, name: str, places: Any, experts: int, settings: ExpertTraining,
              base: Static | None = None, rows: Any = None) -> list[Any]:  # fmt: skip
        path = self.keep / f"{name}.npz" if self.keep else None
        if path and path.exists():
            kept = np.load(path)
            return tables_of(kept["shared"], kept["deltas"])
        titles, abstracts = self.titles, self.abstracts
        if rows is not None:
            titles, abstracts = Bags(titles.matrix[rows]), Bags(abstracts.matrix[rows])
        trained = train_tables(base or self.base, titles, abstracts, places, experts, settings)
        shared, deltas = trained.arrays()
        if path:
            np.savez(path, shared=shared, deltas=deltas)
        print("trained", name, flush=True)
        return tables_of(shared, deltas)

    def dense(self, mixed: bool, rate: float = 0.05) -> list[Any]:
        if mixed:
            none = np.full(len(self.places), -1)
            name = "dense" if rate == 0.05 else f"dense {rate}"
            settings = self.settings(mixed=True, rate=rate)
            return self.train(name, none, 0, settings) * (len(NAMES) + 1)
        # experts with a rate of 0 stay at nothing: batches of one domain, all to the shared table
        settings = self.settings(expert_rate=0.0)
        return self.train("dense by domain", self.places, len(NAMES), settings)

    def experts(self, mixed: bool) -> list[Any]:
        name = "experts mixed" if mixed else "experts"
        return self.train(name, self.places, len(NAMES), self.settings(mixed=mixed))

    def separate(self) -> list[Any]:
        found = []
        for place, name in enumerate(NAMES):
            rows = np.flatnonzero(self.places == place)
            steps = round(self.steps * len(rows) / len(self.places))
            settings = self.settings(steps=steps, mixed=True)
            none = np.full(len(rows), -1)
            found.append(self.train(f"separate {name}", none, 0, settings, rows=rows)[-1])
        return [*found, self.base.table.matrix.astype(np.float32)]

    def of_queries(self, dense: Any, experts: int) -> list[Any]:
        """Train experts of queries on top of the dense model, whose documents stay."""
        table = replace(self.base.table, matrix=dense.astype(np.float16))
        base = replace(self.base, table=table)
        places = self.places if experts > 1 else np.zeros_like(self.places)
        settings = self.settings(rate=0.0, expert_rate=0.02, documents=False, mixed=experts == 1)
        return self.train(f"queries {experts}", places, experts, settings, base)


def compare(first: Any, second: Any) -> dict[str, float]:
    """Return the mean difference, its 95 % interval and the paired test's p."""
    test = randomisation_test(first, second, samples=20_000)
    interval = bca_interval(np.asarray(first) - np.asarray(second))
    return {"difference": test.difference, "low": interval.low, "high": interval.high, "p": test.p}


def one_model(papers: Papers, systems: dict[str, list[Any]]) -> dict[str, Any]:
    """Return nDCG@10 per query of each system, by how the domain is known and what is searched."""
    found: dict[str, Any] = {}
    for name, tables in systems.items():
        answers = routed(tables, papers.abstracts, papers.places)
        asked = routed(tables, papers.titles, papers.places)[papers.held]
        within = np.zeros(len(papers.held))
        for place in range(len(NAMES)):
            own = np.flatnonzero(papers.places == place)
            of = np.flatnonzero(papers.places[papers.held] == place)
            targets = np.searchsorted(own, papers.held[of])
            within[of] = gains(asked[of], answers[own], targets)
        found[name] = {"within": within, "all": gains(asked, answers, papers.held)}
        reader = centroids(papers, tables[-1])
        places = [reader.nearest(vectors(tables[-1], b)) for b in (papers.titles, papers.abstracts)]
        read = gains(
            routed(tables, papers.titles, places[0])[papers.held],
            routed(tables, papers.abstracts, places[1]),
            papers.held,
        )
        right = [float((p == papers.places)[papers.held].mean()) for p in places]
        found[name] |= {"read": read, "right": right}
    return found


def centroids(papers: Papers, table: Any) -> Centroids:
    bags = (papers.titles, papers.abstracts)
    learned = np.concatenate([vectors(table, each, papers.training) for each in bags])
    return Centroids.of(NAMES, learned, np.tile(papers.places[papers.training], 2))


def far_away(base: Static, papers: Papers, systems: dict[str, list[Any]]) -> dict[str, Any]:
    """Return mean nDCG@10 on collections of other fields, the domain read from the text."""
    found: dict[str, Any] = {}
    for name, part in FAR.items():
        collection = load(DATA / name, part)
        documents = list(collection.documents())
        ids = {document.id: i for i, document in enumerate(documents)}
        answers = Bags.of(base, [f"{each.title} {each.text}" for each in documents])
        asked = Bags.of(base, list(collection.scored_queries.values()))
        judged = [collection.judgements[query] for query in collection.scored_queries]
        column: dict[str, Any] = {}
        for system, tables in systems.items():
            reader = centroids(papers, tables[-1])
            q, d = (routed(tables, b, reader.nearest(vectors(tables[-1], b)))
                    for b in (asked, answers))  # fmt: skip
            column[system] = [graded(q[i] @ d.T, grades, ids) for i, grades in enumerate(judged)]
        found[name] = column
        print(name, means(column), flush=True)
    return found


def means(columns: dict[str, Any]) -> dict[str, float]:
    return {name: round(float(np.mean(values)), 4) for name, values in columns.items()}


def graded(scores: Any, grades: Any, ids: dict[str, int]) -> float:
    """Return nDCG@10 with linear gains."""
    relevant = {ids[i]: grade for i, grade in grades.items() if grade > 0 and i in ids}
    order = np.argsort(-scores, kind="stable")[:10]
    gain = sum(relevant.get(i, 0) / np.log2(rank + 2) for rank, i in enumerate(order))
    best = sorted((g for g in grades.values() if g > 0), reverse=True)[:10]
    return float(gain / sum(g / np.log2(rank + 2) for rank, g in enumerate(best)))


def routing(papers: Papers, trainer: Trainer, dense: Any, separate: list[Any]) -> dict[str, Any]:
    """Return nDCG@10 per query among all abstracts, by who chose the expert of a query.

    Once with experts of queries over the dense model's documents (one index), once with the
    separate models (each query searches the index of its expert: N vectors per document).
    """
    names = list(NAMES)
    base = vectors(dense, papers.titles)
    shared = vectors(dense, papers.abstracts)
    expert = trainer.of_queries(dense, len(names))[:-1]
    single = trainer.of_queries(dense, 1)[0]
    truth = papers.places[papers.held]
    random = np.random.default_rng(0).integers(0, len(names), len(truth))
    reader = centroids(papers, dense).nearest(base[papers.held])
    found: dict[str, Any] = {
        "dense": gains(base[papers.held], shared, papers.held),
        "one expert of all queries": gains(
            vectors(single, papers.titles, papers.held), shared, papers.held
        ),
    }
    for label, tables, one in (("", expert, True), ("separate: ", separate[:-1], False)):
        train, each, scores = papers.training, [], {}
        for place, table in enumerate(tables):
            asked = vectors(table, papers.titles)
            answers = shared if one else vectors(table, papers.abstracts)
            each.append(gains(asked[papers.held], answers, papers.held))
            scores[names[place]] = in_blocks(asked[train], answers[train])
        plain = gains(base[papers.held], shared, papers.held)
        values = np.stack([*each, plain], axis=1)  # the last for queries of no domain
        domains = [names[place] for place in papers.places[train]]
        pilots = learn_pilots(base[train], scores, domains, smallest=20)
        chosen = np.array([names.index(n) for n in pilots.choose(base[papers.held])])
        rows = np.arange(len(truth))
        for way, places in (("pilots", chosen), ("nearest centroid", reader),
                            ("known domain", truth), ("random", random)):  # fmt: skip
            found[label + way] = values[rows, places]
        found[label + "best expert of each query"] = values[:, :-1].max(axis=1)
        found[label + "right"] = float((chosen == truth).mean())
        found[label + "pilots of"] = list(pilots.experts)
    return found


def in_blocks(asked: Any, answers: Any, block: int = 512) -> Any:
    """Return log-probabilities of the own answer among those of a shuffled block."""
    order = np.random.default_rng(0).permutation(len(asked))
    found = np.zeros(len(asked))
    for start in range(0, len(asked), block):
        rows = order[start : start + block]
        logits = 20.0 * (asked[rows] @ answers[rows].T).astype(np.float64)
        found[rows] = np.diag(logits) - np.log(np.exp(logits).sum(axis=1))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--most", type=int, default=6000, help="training pairs of a domain")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    papers, base = read_papers(asked.most)
    print("papers", np.bincount(papers.places[papers.training]),
          np.bincount(papers.places[papers.held]), flush=True)  # fmt: skip
    trainer = Trainer(papers, base, asked.steps, asked.keep)
    start = base.table.matrix.astype(np.float32)
    systems = {
        "untrained": [start] * (len(NAMES) + 1),
        "dense": trainer.dense(mixed=True),
        "experts": trainer.experts(mixed=False),
        "N models": trainer.separate(),
        # a text's vector moves by the shared step and its expert's: the dense one may step as far
        "dense, twice the step": trainer.dense(mixed=True, rate=0.1),
        "dense, batches by domain": trainer.dense(mixed=False),
        "experts, mixed batches": trainer.experts(mixed=True),
    }
    found = one_model(papers, systems)
    for name, each in found.items():
        print(name, means(each), flush=True)
    ways = routing(papers, trainer, systems["dense"][-1], systems["N models"])
    print(means({way: v for way, v in ways.items() if isinstance(v, np.ndarray)}), flush=True)
    far = far_away(base, papers, systems)
    report(papers, asked.steps, found, ways, far)


def report(papers: Papers, steps: int, found: Any, ways: Any, far: Any) -> None:
    """Write the figures, as numbers and as a page."""
    truth = papers.places[papers.held]
    result: dict[str, Any] = {
        "steps": steps, "batch": 512, "documents": len(papers.places),
        "training": np.bincount(papers.places[papers.training]).tolist(),
        "queries": np.bincount(truth).tolist(), "domains": list(NAMES),
    }  # fmt: skip
    lines = [
        "# Experts",
        "",
        f"One static table, {steps} steps of 512 title -> abstract pairs, "
        f"{len(papers.training):,} pairs of five domains; {len(truth):,} held-out titles are the "
        "queries. Made by `python benchmarks/learn/experts.py`. nDCG@10.",
        "",
        "## One model with N experts, N models, one dense model",
        "",
        "The domain of a text is known, and its own domain's abstracts are searched:",
        "",
        "| system | " + " | ".join(NAMES) + " | all queries |",
        "|---|" + "---|" * (len(NAMES) + 1),
    ]
    for name, each in found.items():
        own = [each["within"][truth == place].mean() for place in range(len(NAMES))]
        cells = " | ".join(f"{v:.4f}" for v in [*own, each["within"].mean()])
        lines.append(f"| {name} | {cells} |")
        result.setdefault("within", {})[name] = own
    lines += [
        "",
        "All abstracts are searched, the domain known or read from the text by nearest centroid:",
        "",
        "| system | known | read | queries read right | abstracts read right |",
        "|---|---|---|---|---|",
    ]
    for name, each in found.items():
        cells = [each["all"].mean(), each["read"].mean(), *each["right"]]
        lines.append(f"| {name} | " + " | ".join(f"{v:.4f}" for v in cells) + " |")
        result.setdefault("among all", {})[name] = [float(v) for v in cells]
    lines += ["", "Differences with 95 % intervals; p by Holm over the table's rows:"]
    rows: list[tuple[str, str, str, dict[str, float]]] = []
    for other in ("dense", "dense, twice the step", "dense, batches by domain", "N models"):
        for place, name in enumerate((*NAMES, "all")):
            of = truth == place if name != "all" else truth >= 0
            pair = compare(found["experts"]["within"][of], found[other]["within"][of])
            rows.append((f"experts - {other}", "own domain", name, pair))
    for first in ("experts", "experts, mixed batches"):
        for way in ("all", "read"):
            pair = compare(found[first][way], found["dense"][way])
            label = "all, domain " + ("known" if way == "all" else "read")
            rows.append((f"{first} - dense", label, "all", pair))
    written(lines, result, "differences", rows)
    lines += ["", "## A router over separate experts", ""]
    lines += ["All abstracts are searched.", "", "| expert chosen by | nDCG@10 |", "|---|---|"]
    for way, values in ways.items():
        if isinstance(values, np.ndarray):
            lines.append(f"| {way} | {values.mean():.4f} |")
            result.setdefault("routing", {})[way] = float(values.mean())
        else:
            result.setdefault("routing", {})[way] = values
    rivals = ("dense", "one expert of all queries", "known domain", "nearest centroid", "random")
    contrasts = [("pilots", rival) for rival in rivals]
    contrasts += [("separate: pilots", rival) for rival in
                  ("dense", "separate: known domain", "separate: random")]  # fmt: skip
    rows = [(f"{a} - {b}", "all", "all", compare(ways[a], ways[b])) for a, b in contrasts]
    written(lines, result, "routing differences", rows)
    lines += ["", "## Far away", "", "The domain of every text is read.", ""]
    lines += ["| system | " + " | ".join(far) + " |", "|---|" + "---|" * len(far)]
    for name in found:
        there = [float(np.mean(column[name])) for column in far.values()]
        lines.append(f"| {name} | " + " | ".join(f"{v:.4f}" for v in there) + " |")
        result.setdefault("far", {})[name] = there
    rows = []
    for first in ("experts", "experts, mixed batches"):
        for name, column in far.items():
            pair = compare(column[first], column["dense"])
            rows.append((f"{first} - dense", name, str(len(column["dense"])), pair))
    written(lines, result, "far differences", rows)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learn_experts.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (RESULTS / "learn_experts.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def written(lines: list[str], result: dict[str, Any], key: str, rows: Any) -> None:
    lines += ["", "| first - second | searched | queries | difference | interval | p |"]
    lines += ["|---|---|---|---|---|---|"]
    corrected = holm([row[3]["p"] for row in rows])
    for (label, searched, queries, pair), p in zip(rows, corrected, strict=True):
        interval = f"[{pair['low']:+.4f}, {pair['high']:+.4f}]"
        cells = (label, searched, queries, f"{pair['difference']:+.4f}", interval, f"{p:.4f}")
        lines.append("| " + " | ".join(cells) + " |")
        kept = {"searched": searched, "queries": queries, **pair, "p_holm": float(p)}
        result.setdefault(key, {})[f"{label}; {searched}; {queries}"] = kept


if __name__ == "__main__":
    main()
