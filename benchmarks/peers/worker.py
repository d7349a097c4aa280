"""One engine in a process of its own: everything about it that is measured.

python -m peers.worker TASK KIND NAME FOLDER SIZE RUN
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from peers import data, dense, encoding, hybrid, lexical, measuring
from peers.engine import Batch, Engine, Found, K, Queries

ENGINES: list[type[Engine]] = [
    lexical.Everygrain,
    lexical.BM25S,
    lexical.Tantivy,
    lexical.RankBM25,
    lexical.FTS5,
    dense.Everygrain,
    dense.EverygrainHNSW,
    dense.Faiss,
    dense.Hnswlib,
    dense.USearch,
    dense.LanceDB,
    hybrid.Everygrain,
    hybrid.EverygrainEvidence,
    hybrid.LanceDB,
    hybrid.Txtai,
]
BUDGET = 10.0  # seconds for single queries, and as many for queries in batches
FEWEST = 20


def peak() -> int:
    """Return the most memory that this process has held, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def on_disk(folder: Path) -> float:
    """Return MiB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def speed(made: type[Engine], folder: Path, size: int, run: int) -> dict[str, Any]:
    """Build, ask, ask in batches, update; queries differ from run to run."""
    batch = data.documents(folder / "papers", 0, size)
    more = data.documents(folder / "papers", size, size + data.ADDED)
    singles = data.queries(folder / "papers", data.spread(size, data.ASKED, 7 * run + 1))
    many = data.queries(folder / "papers", data.spread(size, data.IN_BATCH, 7 * run + 4))
    warm = data.queries(folder / "papers", data.spread(size, data.WARM, 7 * run + 6))
    with tempfile.TemporaryDirectory(dir=folder) as own:
        engine = made(Path(own), folder / "models")
        held = peak()
        begun = perf_counter()
        engine.build(batch)
        built = perf_counter() - begun
        told: dict[str, Any] = {"build_seconds": built, "documents_per_second": size / built}
        told["disk_mib"] = on_disk(Path(own))
        for query in warm.singles():
            engine.search(query)
        engine.search(warm)
        found, milliseconds = alone(engine, singles)
        told["p50_ms"], told["p95_ms"] = np.percentile(milliseconds, [50, 95]).tolist()
        told["asked"] = len(milliseconds)
        told["queries_per_second"] = in_batches(engine, many)
        told["peak_mib"], told["read_mib"] = peak(), held
        if made.kind == "dense":
            told["recall"] = recall(batch, singles, found)
        if made.updates:
            told |= update(engine, batch, more)
        return told


def alone(engine: Engine, queries: Queries) -> tuple[list[Found], list[float]]:
    """Ask one query after the other; return what was found, and milliseconds."""
    found: list[Found] = []
    milliseconds: list[float] = []
    for query in queries.singles():
        begun = perf_counter()
        found += engine.search(query)
        milliseconds.append((perf_counter() - begun) * 1000)
        if sum(milliseconds) > BUDGET * 1000 and len(found) >= FEWEST:
            break
    return found, milliseconds


def in_batches(engine: Engine, queries: Queries, size: int = 100) -> float:
    """Ask batches of queries; return queries a second."""
    asked, seconds = 0, 0.0
    while asked < len(queries) and seconds < BUDGET:
        begun = perf_counter()
        asked += len(engine.search(queries[asked : asked + size]))
        seconds += perf_counter() - begun
    return asked / seconds


def update(engine: Engine, batch: Batch, more: Batch) -> dict[str, Any]:
    """Add 1,000 documents and ask for one; delete 100 and ask for one; both are timed."""

    def held(of: Batch, i: int) -> bool:
        query = Queries([of.documents[i].title], of.vectors[i : i + 1])
        return of.documents[i].id in {identity for identity, _ in engine.search(query)[0]}

    gone = list(range(0, len(batch.ids), len(batch.ids) // data.DELETED))[: data.DELETED]
    begun = perf_counter()
    engine.add(more)
    held(more, 0)
    added = perf_counter() - begun
    begun = perf_counter()
    engine.delete([batch.ids[i] for i in gone])
    held(batch, gone[0])
    deleted = perf_counter() - begun
    seen = [held(more, i) for i in range(0, data.ADDED, 50)]
    ghosts = [held(batch, i) for i in gone[:20]]
    return {
        "update_seconds": added + deleted,
        "add_seconds": added,
        "delete_seconds": deleted,
        "new_found": sum(seen) / len(seen),
        "deleted_found": sum(ghosts) / len(ghosts),
    }


def recall(batch: Batch, queries: Queries, found: list[Found]) -> float:
    """Return the share of ten results that are as near as the ten nearest; ties count."""
    places = {identity: i for i, identity in enumerate(batch.ids)}
    shares = []
    for vector, results in zip(queries.vectors, found, strict=False):
        scores = batch.vectors @ vector
        least = np.partition(scores, -K)[-K] - 1e-5
        shares.append(sum(scores[places[i]] >= least for i, _ in results[:K]) / K)
    return float(np.mean(shares))


def quality(made: type[Engine], folder: Path) -> dict[str, Any]:
    """Return nDCG@10 on scifact."""
    from everygrain.document import Ranking
    from everygrain.measure import evaluate

    judged = json.loads((folder / "scifact" / "judged.json").read_text())
    with tempfile.TemporaryDirectory(dir=folder) as own:
        engine = made(Path(own), folder / "models")
        engine.build(data.documents(folder / "scifact", 0, None))
        found = engine.search(data.queries(folder / "scifact"))
    rows = [
        (query, identity, score)
        for query, results in zip(judged["queries"], found, strict=True)
        for identity, score in results
    ]
    scores = evaluate(Ranking.of(judged["queries"], rows), judged["judgements"], ["nDCG@10"])
    return {"ndcg": float(scores.values.mean())}


def main() -> None:
    task, kind, name, folder, size, run = sys.argv[1:]
    if task == "measuring":
        told = measuring.measure(name)
    elif task == "encoding":
        told = encoding.measure(name, Path(folder) / "encoding") | {"peak_mib": peak()}
    else:
        made = next(e for e in ENGINES if (e.kind, e.name) == (kind, name))
        told = (
            quality(made, Path(folder))
            if task == "quality"
            else speed(made, Path(folder), int(size), int(run))
        )
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
