"""Whole-word late interaction: dimensions, words kept, quality and bytes; and beside its peers.

    python benchmarks/rank/late.py read FOLDER                the vectors; an hour on one core
    python benchmarks/rank/late.py sweep FOLDER [--part I/N]  dimensions x words kept
    python benchmarks/rank/late.py beside FOLDER [--peers PYTHON]
    python benchmarks/rank/late.py xtr FOLDER
    python benchmarks/rank/late.py report FOLDER

Candidates are the first 100 of `hybrid` with the encoder static. The projection is trained on
titles and abstracts of 1,500 papers. Shares of the first score, and whether trained or not, are
chosen on every other query of scifact/train; figures are of the others, and of scisumm/dev, which
nothing was chosen on. PYTHON is an interpreter that has pylate and fast-plaid beside torch.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent))

from late_vectors import DATA, SETS, Texts, pairs, read

from everygrain.document import Ranking
from everygrain.encode.words import Bags, create
from everygrain.encode.words.whole import WholeWords
from everygrain.engine import Index
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.train.words import WordTraining, train_words
from everygrain.measure import evaluate, load
from everygrain.rank.late import exact_sim, fused, max_sim
from everygrain.rank.xtr import imputed

DIMENSIONS = (1, 2, 4, 8, 16, 32, 64, 128)
KEPT = (1.0, 0.75, 0.5, 0.25)
SHARES = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
MEASURE = "nDCG@10"
TRAINED = (8, 32)
TRAINING = WordTraining(epochs=4, batch=128, learning_rate=0.003)
LOSS = MultipleNegatives(scale=50)
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Set:
    """A collection with its candidates and vectors."""

    name: str
    folder: Path

    @cached_property
    def collection(self) -> Any:
        return load(DATA / self.name, SETS[self.name])

    @cached_property
    def queries(self) -> list[str]:
        return list(self.collection.scored_queries)

    @cached_property
    def places(self) -> dict[str, int]:
        return {d.id: i for i, d in enumerate(self.collection.documents())}

    @cached_property
    def plain_bytes(self) -> int:
        return sum(len(f"{d.title}{d.text}".encode()) for d in self.collection.documents())

    @cached_property
    def found(self) -> dict[str, Any]:
        """Return the first 100 of every system, and the bytes of the index."""
        path = self.folder / self.name / "candidates.json"
        if not path.exists():
            told: dict[str, Any] = {}
            for encoder, systems in {"static": ("hybrid", "dense"), "minilm": ("dense",)}.items():
                if encoder == "minilm" and self.name == "scisumm":
                    told["dense minilm"] = self.pooled()
                    continue  # hours of full texts through a transformer
                with tempfile.TemporaryDirectory() as made:
                    index = Index(Path(made) / "index", encoder=encoder)
                    index.add(list(self.collection.documents()))
                    for system in systems:
                        ranking = index.retriever(system).retrieve(
                            self.collection.scored_queries, 100
                        )
                        told[f"{system} {encoder}"] = ranking.by_query()
                    files = (p for p in Path(made).rglob("*") if p.is_file())
                    told[f"bytes {encoder}"] = sum(p.stat().st_size for p in files)
            path.write_text(json.dumps(told, default=float))
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def pooled(self, windows: int = 3) -> dict[str, list[tuple[str, float]]]:
        """Return the first 100 by MiniLM's pooled vectors of what was read: the best window's."""
        texts, told = self.texts("docs"), self.texts("queries")
        parts = [
            part.mean(axis=0)
            for i in range(len(self.places))
            for part in np.array_split(texts.tokens(i, scaled=False), windows)
        ]
        documents = np.array(parts) / np.linalg.norm(parts, axis=1, keepdims=True)
        ids, found = list(self.places), {}
        for i, query in enumerate(self.queries):
            vector = told.tokens(i, scaled=False).mean(axis=0)
            scores = (
                (documents @ (vector / np.linalg.norm(vector))).reshape(-1, windows).max(axis=1)
            )
            found[query] = [(ids[n], float(scores[n])) for n in np.argsort(-scores)[:100]]
        return found

    def texts(self, kind: str) -> Texts:
        return Texts(self.folder / self.name / kind)

    def candidates(self, query: str) -> tuple[list[str], npt.NDArray[np.int64], Any]:
        rows = self.found["hybrid static"][query]
        ids = [document for document, _ in rows]
        places = np.array([self.places[document] for document in ids], dtype=np.int64)
        return ids, places, np.array([score for _, score in rows], dtype=np.float32)

    def values(self, scored: dict[str, dict[str, float]]) -> Values:
        """Return nDCG@10 of the queries in their order."""
        rows = [(q, d, s) for q, row in scored.items() for d, s in row.items()]
        judged = {query: self.collection.judgements[query] for query in scored}
        return evaluate(Ranking.of(list(scored), rows), judged, [MEASURE]).of(MEASURE)


def some(bags: Bags, places: npt.NDArray[np.int64]) -> Bags:
    """Return the bags at places."""
    starts, lengths = bags.offsets[places], np.diff(bags.offsets)[places]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return Bags(bags.words[rows], bags.vectors[rows], offsets)


def columns(of: Set, documents: Bags, queries: Bags) -> dict[str, tuple[Any, ...]]:
    """Return query -> ids, first scores, late scores, scores of equal words alone."""
    scored = {}
    for i, query in enumerate(of.queries):
        ids, places, first = of.candidates(query)
        one, bags = some(queries, np.array([i])), some(documents, places)
        scored[query] = (ids, first, max_sim(one, bags), exact_sim(one, bags))
    return scored


def measured(of: Set, scored: dict[str, tuple[Any, ...]]) -> dict[str, Values]:
    """Return nDCG@10 by query of late interaction alone, of equal words alone, and fused."""
    found = {}
    for name, place in (("late", 2), ("exact", 3)):
        rows = {q: dict(zip(row[0], row[place].tolist(), strict=True)) for q, row in scored.items()}
        found[name] = of.values(rows)
    for share in SHARES[1:]:
        rows = {
            q: dict(zip(ids, fused(first, late, share).tolist(), strict=True))
            for q, (ids, first, late, _) in scored.items()
        }
        found[str(share)] = of.values(rows)
    return found


def encoders(folder: Path, dimensions: int) -> dict[str, WholeWords]:
    """Return the unlearned encoder and the trained one."""
    whole = create(f"words:{dimensions}")
    assert isinstance(whole, WholeWords)
    if dimensions not in TRAINED:
        return {"unlearned": whole}
    kept = folder / f"trained-{dimensions}"
    if not kept.exists():
        trained = train_words(whole, pairs(folder), loss=LOSS, settings=TRAINING)
        kept.mkdir()
        trained.encoder.save(kept)
    described = json.loads((kept / "words.json").read_text())
    return {"unlearned": whole, "trained": WholeWords.load(kept, described)}


def sweep(folder: Path, part: str) -> None:
    """Write what every setting gives, a file for each."""
    mine, parts = (int(each) for each in part.split("/"))
    sets = [Set(name, folder) for name in SETS if (folder / name / "docs" / "done").exists()]
    for dimensions in DIMENSIONS[::-1][mine::parts]:
        for kind, encoder in encoders(folder, dimensions).items():
            for of in sets:
                queries = of.texts("queries").bags(encoder, "query")
                for kept in KEPT:
                    path = folder / f"sweep-{of.name}-{dimensions}-{kind}-{kept}.json"
                    if path.exists() or (of.name == "scisumm" and kept < 1 and dimensions != 32):
                        continue
                    documents = of.texts("docs").bags(encoder.with_kept(kept))
                    found = measured(of, columns(of, documents, queries))
                    size = len(documents.words) * (dimensions + 4)
                    told = {"set": of.name, "dimensions": dimensions, "kind": kind, "kept": kept}
                    told |= {"bytes": size, "ratio": size / of.plain_bytes}
                    told |= {"values": {name: list(v) for name, v in found.items()}}
                    path.write_text(json.dumps(told, default=float))
                    print(told | {"values": {n: v.mean() for n, v in found.items()}}, flush=True)


RETRIEVED = (100, 1000, 10000)
BESIDE = ("words 32", "words 16", "MaxSim", "pylate", "fast-plaid")


def one(folder: Path, system: str) -> dict[str, Any]:
    """Score the candidates of the held-out half of scifact with one system, and tell its cost."""
    of = Set("scifact", folder)
    asked = list(enumerate(of.queries))[1::2]
    _ = of.found, of.places
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if system.startswith("words"):
        dimensions = int(system.split()[1])
        arrays = np.load(folder / f"bags-{dimensions}.npz")
        documents = Bags(arrays["words"], arrays["vectors"], arrays["offsets"])
        queries = Bags(arrays["qwords"], arrays["qvectors"], arrays["qoffsets"])
        size = len(documents.words) * (dimensions + 4)

        def scores(query: Any, places: Any) -> Any:
            return max_sim(query, some(documents, places))
    else:
        texts, told = of.texts("docs"), of.texts("queries")
        size = texts.token_count * 384 * (4 if system != "fast-plaid" else 1)
        scores = _full(system, texts, folder)
    late, both, times, processor = {}, {}, [], []
    for number, query in asked:
        ids, places, first = of.candidates(query)
        # full vectors are copied, converted and scaled before the clock starts; words within
        if system.startswith("words"):
            given: tuple[Any, Any] = (some(queries, np.array([number])), places)
        elif system == "fast-plaid":
            given = (told.tokens(number), places)
        else:
            given = (told.tokens(number), [texts.tokens(int(place)) for place in places])
        begun, spent = time.perf_counter(), time.process_time()
        found = np.asarray(scores(*given), dtype=np.float32)
        times.append(1000 * (time.perf_counter() - begun))
        processor.append(1000 * (time.process_time() - spent))
        late[query] = dict(zip(ids, found.tolist(), strict=True))
        both[query] = dict(zip(ids, fused(first, found, 0.5).tolist(), strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "system": system, "n": len(asked), "late": list(of.values(late)),
        "fused": list(of.values(both)), "ms": float(np.median(times)),
        "ms95": float(np.quantile(times, 0.95)), "processor": float(np.median(processor)),
        "bytes": size,
        "peak": peak / 1024, "before": before / 1024,
    }  # fmt: skip


def xtr(folder: Path) -> None:
    """Write what retrieval by words finds, for some k, beside exact late interaction with all."""
    of = Set("scifact", folder)
    encoder = create("words:32")
    assert isinstance(encoder, WholeWords)
    documents, queries = of.texts("docs").bags(encoder), of.texts("queries").bags(encoder, "query")
    ids = list(of.places)
    exact: dict[str, dict[str, float]] = {}
    rough: dict[int, dict[str, dict[str, float]]] = {k: {} for k in RETRIEVED}
    scored: dict[int, list[int]] = {k: [] for k in RETRIEVED}
    for number, query in list(enumerate(of.queries))[1::2][:150]:
        one = some(queries, np.array([number]))
        exact[query] = _first(ids, np.arange(len(ids)), max_sim(one, documents))
        for k in RETRIEVED:
            found, scores = imputed(one, documents, k)
            rough[k][query] = _first(ids, found, scores)
            scored[k].append(len(found))
    told = {"exact": list(of.values(exact)), "documents": len(ids), "imputed": {}}
    for k in RETRIEVED:
        row = {"values": list(of.values(rough[k])), "scored": float(np.mean(scored[k]))}
        told["imputed"] |= {k: row}
    (folder / "xtr.json").write_text(json.dumps(told, default=float))


def _first(ids: list[str], numbers: Any, scores: Any) -> dict[str, float]:
    best = np.argsort(-scores, kind="stable")[:100]
    return {ids[int(numbers[i])]: float(scores[i]) for i in best}


def _full(system: str, texts: Texts, folder: Path) -> Any:
    """Return a scorer over all token vectors in full width."""
    if system == "MaxSim":

        def max_of_products(query: Any, documents: Any) -> Any:
            return [(query @ document.T).max(axis=1).mean() for document in documents]

        return max_of_products
    import torch

    torch.set_num_threads(1)
    if system == "pylate":
        from pylate.rank import rerank

        def by_pylate(query: Any, documents: Any) -> Any:
            tensors = [torch.from_numpy(document) for document in documents]
            rows = rerank([list(range(len(tensors)))], [torch.from_numpy(query)], [tensors])[0]
            by_id = {row["id"]: row["score"] for row in rows}
            return [by_id[i] for i in range(len(tensors))]

        return by_pylate
    from fast_plaid.search import FastPlaid

    plaid = FastPlaid(index=tempfile.mkdtemp(dir=folder), device="cpu")
    plaid.create([torch.from_numpy(texts.tokens(i)) for i in range(len(texts.merged))])

    def by_plaid(query: Any, places: Any) -> Any:
        asked = torch.from_numpy(query)[None]
        found = dict(plaid.search(asked, top_k=len(places), subset=[places.tolist()])[0])
        return [found.get(int(p), -1.0) for p in places]

    return by_plaid


def apart(folder: Path, system: str, interpreter: str) -> dict[str, Any]:
    """Return what `one` gives in a process of its own, or how that process ended."""
    root = str(Path(__file__).resolve().parents[2])
    ran = subprocess.run(
        [interpreter, __file__, "one", str(folder), "--system", system],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": root}, check=False,
    )  # fmt: skip
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or [""])[-1]
        return {"system": system, "error": f"exit {ran.returncode} {last}".strip()}
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def encoding_time(of: Set) -> dict[str, float]:
    """Return the median milliseconds of a query's words, by the wall and by the processor."""
    import torch

    torch.set_num_threads(1)
    times, processor = [], []
    texts = list(of.collection.scored_queries.values())[1:201:2]
    encoder = create("words:32")
    encoder.encode_bags(texts[:1], "query")
    for text in texts:
        begun, spent = time.perf_counter(), time.process_time()
        encoder.encode_bags([text], "query")
        times.append(1000 * (time.perf_counter() - begun))
        processor.append(1000 * (time.process_time() - spent))
    return {
        "encoding": float(np.median(times)),
        "encoding processor": float(np.median(processor)),
        "load": os.getloadavg()[0],
    }


def beside(folder: Path, peers: str | None) -> None:
    """Run every system in a process of its own."""
    of = Set("scifact", folder)
    for dimensions in (32, 16):
        encoder = create(f"words:{dimensions}")
        assert isinstance(encoder, WholeWords)
        documents = of.texts("docs").bags(encoder)
        queries = of.texts("queries").bags(encoder, "query")
        np.savez(
            folder / f"bags-{dimensions}.npz",
            words=documents.words, vectors=documents.vectors, offsets=documents.offsets,
            qwords=queries.words, qvectors=queries.vectors, qoffsets=queries.offsets,
        )  # fmt: skip
    rows: list[dict[str, Any]] = [encoding_time(of)]
    for system in BESIDE:
        own = peers if system in ("pylate", "fast-plaid") else sys.executable
        if own is not None:
            rows.append(apart(folder, system, own))
            print({k: v for k, v in rows[-1].items() if k not in ("late", "fused")}, flush=True)
    (folder / "beside.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("read", "sweep", "beside", "xtr", "one", "report"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--peers")
    parser.add_argument("--system")
    given = parser.parse_args()
    if given.stage == "read":
        read(given.folder)
    elif given.stage == "sweep":
        sweep(given.folder, given.part)
    elif given.stage == "beside":
        beside(given.folder, given.peers)
    elif given.stage == "xtr":
        xtr(given.folder)
    elif given.stage == "one":
        print(json.dumps(one(given.folder, given.system), default=float))
    else:
        from late_report import report

        report(given.folder, [Set(name, given.folder) for name in SETS])
