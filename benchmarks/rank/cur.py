"""CUR search beside retrieve-then-rerank at equal numbers of scorer calls.

    python benchmarks/rank/cur.py [--scorers maxsim,cross] [--model FOLDER] [--work FOLDER]

Two scorers are asked about every document of cranfield for every query, so that their exact best
are known: `maxsim`, the mean over a query's words of the largest cosine to a document's words, in
the static table; and `cross`, a small cross-encoder (benchmarks/rank/cross.py writes one), on the
first documents and queries only. Anchor queries are titles of documents, as a collection without
a query log has them. Both systems are asked for the scorer's best k; what counts is which share
of the exact best k they return (recall@k). Settings are chosen for `maxsim`
at 100 calls on every second query; figures are of its other queries, and of all of `cross`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.encode.registry import create
from everygrain.engine import Index
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.cross import CrossEncoderScorer, read
from everygrain.rank.cur import Cur, CurIndex

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cranfield"
RESULTS = Path(__file__).resolve().parents[1] / "results"
CALLS, DEPTHS = (50, 100, 200), (1, 10, 50, 100)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """exact (q, n) of the queries, anchors (a, n), and (q, 3, n) scores of the index's legs."""

    name: str
    exact: Floats
    anchors: CurIndex
    legs: Floats


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scorers", default="maxsim")
    options.add_argument("--model", default="")
    options.add_argument("--work", default="")
    options.add_argument("--documents", type=int, default=500)
    options.add_argument("--queries", type=int, default=50)
    options.add_argument("--anchors", type=int, default=40)
    told = options.parse_args()
    path = RESULTS / "rank_cur.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    collection = load(DATA, "dev")
    documents = [d for d in collection.documents() if d.text.strip()]
    queries = collection.scored_queries
    for name in told.scorers.split(","):
        begun = time.monotonic()
        if name == "maxsim":
            task = with_max_sim(documents, queries, 100)
            count = len(queries)
            chosen = settings(task, range(0, count, 2))
            results[name] = compared(task, range(1, count, 2), chosen)
        else:
            some = dict(list(queries.items())[: told.queries])
            shown = documents[: told.documents]
            task = with_cross(shown, some, told.anchors, told.model, Path(told.work or "."))
            rows = [row for row in results["maxsim"]["rows"] if "share" in row]
            chosen = {row["way"]: (row["share"], row["ridge"]) for row in rows}
            results[name] = compared(task, range(len(some)), chosen)
        results[name] |= {"seconds": round(time.monotonic() - begun)}
        path.write_text(json.dumps(results, indent=1) + "\n")
        write(results)


# the scorers' exact scores ----------------------------------------------------------------------


def titles(documents: list[Document], count: int) -> list[str]:
    """Draw titles by lot."""
    found = [d.title for d in documents if d.title.strip()]
    drawn = np.random.default_rng(0).permutation(len(found))[:count]
    return [found[place] for place in drawn]


def with_max_sim(documents: list[Document], queries: dict[str, str], anchors: int) -> Task:
    bags = [sorted(set(of_text(read(d)))) for d in documents]
    vocabulary = {word: i for i, word in enumerate(sorted({w for bag in bags for w in bag}))}
    encoder = create("static")
    assert encoder is not None
    vectors = encoder.encode(list(vocabulary))
    words = np.concatenate([[vocabulary[word] for word in bag] for bag in bags])
    starts = np.cumsum([0, *[len(bag) for bag in bags]])[:-1]

    def row(text: str) -> npt.NDArray[np.float32]:
        asked = encoder.encode(of_text(text)) @ vectors.T
        best = np.maximum.reduceat(asked[:, words], starts, axis=1)
        return np.asarray(best.mean(axis=0), dtype=np.float32)

    exact = np.stack([row(text) for text in queries.values()]).astype(np.float64)
    rows = np.stack([row(text) for text in titles(documents, anchors)])
    return Task("maxsim", exact, CurIndex(rows), leg_scores(documents, queries))


def with_cross(
    documents: list[Document], queries: dict[str, str], anchors: int, model: str, work: Path
) -> Task:
    scorer = CrossEncoderScorer(model, tokens=128)
    texts = [read(d) for d in documents]
    kept = work / f"cur-{scorer.fingerprint}-{len(texts)}.npy"
    asked = [*queries.values(), *titles(documents, anchors)]
    rows = list(np.load(kept)) if kept.is_file() else []
    for text in asked[len(rows) :]:
        rows.append(scorer.score(text, texts))
        np.save(kept, np.stack(rows))
    exact = np.stack(rows[: len(queries)]).astype(np.float64)
    index = CurIndex(np.stack(rows[len(queries) : len(asked)]))
    return Task("cross", exact, index, leg_scores(documents, queries))


def leg_scores(documents: list[Document], queries: dict[str, str]) -> Floats:
    """Return (q, 3, n) scores of the lexical and dense legs and of both; 0 where not found."""
    places = {d.id: i for i, d in enumerate(documents)}
    found = np.zeros((len(queries), 3, len(documents)))
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", encoder="static")
        index.add(documents)
        for leg, system in enumerate(("lexical", "dense", "hybrid")):
            ranking = index.retriever(system).retrieve(queries, len(documents))
            for query, rows in enumerate(ranking.by_query().values()):
                for name, score in rows:
                    found[query, leg, places[name]] = score
    return found


# the two ways -----------------------------------------------------------------------------------


def recalls(task: Task, query: int, cur: Cur | None, calls: int, cheap: bool) -> list[float]:
    """Return recall at each of DEPTHS; without `cur` that of retrieve-then-rerank."""
    row, legs = task.exact[query], task.legs[query]
    first = np.lexsort((np.arange(len(row)), -legs[2]))
    wanted = np.lexsort((np.arange(len(row)), -row))
    if cur is None:
        asked = first[:calls]
        items = asked[np.argsort(-row[asked], kind="stable")]
    else:
        best = cur.search(
            lambda items: row[items],
            max(DEPTHS),
            calls,
            first=first[:calls].tolist(),
            cheap=legs[:2] if cheap else None,
        )
        assert best.calls <= calls
        items = best.items
    return [len(set(items[:k].tolist()) & set(wanted[:k].tolist())) / k for k in DEPTHS]


def table(task: Task, queries: range, cur: Cur | None, calls: int, cheap: bool) -> Floats:
    return np.array([recalls(task, query, cur, calls, cheap) for query in queries])


WAYS: dict[str, tuple[bool, dict[str, Any]]] = {
    "random anchors": (False, {"leading": 0.0}),
    "random anchors, cheap rows": (True, {"leading": 0.0}),
    "leading anchors": (False, {"leading": 0.75}),
    "leading anchors, cheap rows": (True, {"leading": 0.75}),
    "leading anchors in rounds, cheap rows": (True, {"leading": 0.75, "rounds": 4}),
}


def settings(task: Task, queries: range) -> dict[str, tuple[float, float]]:
    """Return for each way the (share, ridge) of the highest mean recall at 100 calls."""
    found: dict[str, tuple[float, float]] = {}
    for way, (cheap, fixed) in WAYS.items():
        grid = [(share, ridge) for share in (0.4, 0.8) for ridge in (0.01, 0.1)]
        found[way] = max(
            grid,
            key=lambda pair: table(
                task, queries, Cur(task.anchors, share=pair[0], ridge=pair[1], **fixed), 100, cheap
            ).mean(),
        )
    return found


def compared(task: Task, reporting: range, told: dict[str, tuple[float, float]]) -> dict[str, Any]:
    rows = []
    for calls in CALLS:
        base = table(task, reporting, None, calls, False)
        rows.append({"calls": calls, "way": "retrieve, then rerank"} | figures(base, None))
        for way, (cheap, fixed) in WAYS.items():
            share, ridge = told[way]
            cur = Cur(task.anchors, share=share, ridge=ridge, **fixed)
            found = table(task, reporting, cur, calls, cheap)
            row = {"calls": calls, "way": way, "share": share, "ridge": ridge}
            rows.append(row | figures(found, base))
            print(rows[-1], flush=True)
    anchors, items = task.anchors.rows.shape
    return {"items": items, "anchor queries": anchors, "queries": len(reporting), "rows": rows}


def figures(found: Floats, base: Floats | None) -> dict[str, Any]:
    """Return recall at each depth with its interval, and against a base the difference's and p."""
    told: dict[str, Any] = {}
    for place, k in enumerate(DEPTHS):
        each: dict[str, Any] = {"mean": round(float(found[:, place].mean()), 4)}
        if base is not None:
            gained = found[:, place] - base[:, place]
            interval = bca_interval(gained)
            each |= {
                "gain": round(float(gained.mean()), 4),
                "low": round(float(interval.low), 4),
                "high": round(float(interval.high), 4),
                "p": float(randomisation_test(found[:, place], base[:, place], samples=9999).p),
            }
        told[f"recall@{k}"] = each
    return told


def write(results: dict[str, Any]) -> None:
    lines = [
        "# CUR search beside retrieve-then-rerank",
        "",
        *(__doc__ or "").strip().split("\n")[4:],
    ]
    for name, told in results.items():
        lines += ["", f"## {name}: {told['items']} documents, {told['anchor queries']} anchor "
                  f"queries, n {told['queries']} queries reported", ""]  # fmt: skip
        lines += ["| calls | way | " + " | ".join(f"recall@{k}" for k in DEPTHS) + " |"]
        lines += ["|--:|---|" + "--:|" * len(DEPTHS)]
        for row in told["rows"]:
            cells = []
            for k in DEPTHS:
                each = row[f"recall@{k}"]
                cell = f"{each['mean']:.3f}"
                if "gain" in each:
                    cell += f" ({each['gain']:+.3f} [{each['low']:+.3f}, {each['high']:+.3f}])"
                cells.append(cell)
            lines.append(f"| {row['calls']} | {row['way']} | " + " | ".join(cells) + " |")
    lines += ["", "In brackets: gain over retrieve-then-rerank, with its 95 % BCa interval.", ""]
    (RESULTS / "rank_cur.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
