"""Binary codes first, exact vectors second: recall and time beside faiss, and learned codes.

    OMP_NUM_THREADS=1 python benchmarks/rank/binary.py latency [--sizes 100000 1000000]
    OMP_NUM_THREADS=1 python benchmarks/rank/binary.py learned

latency: vectors made by drawing from MiniLM's vectors of four collections' passages, each moved by
noise of length 0.2 and scaled to length 1; the queries are real ones of the same collections. The
depth is the least that finds 99 % on one half of the queries; recall is told for the other half.
learned: codes of as many bits from Binary Paragraph Vectors and from signs of turned vectors.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import faiss
import numpy as np
from passages import RESULTS, SPLITS, Judged, shared

from everygrain.analyze import split
from everygrain.encode.base import unit
from everygrain.encode.binary import BinaryParagraphs
from everygrain.index.compress import Binary, TwoStage
from everygrain.index.compress.binary import hamming
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

SIZES = (100_000, 1_000_000)
BITS, K, NOISE = 768, 10, 0.2  # 96 bytes: 1/16 of 384 float32
DEPTHS = (50, 100, 200, 400, 800, 1600)
FROM_EACH, TIMED = 50, 21  # queries
WRITTEN = RESULTS / "rank_binary.json"


def made(pool: np.ndarray, count: int) -> np.ndarray:
    """Return (count, d) vectors, a part at a time."""
    generator = np.random.default_rng(0)
    vectors = np.empty((count, pool.shape[1]), dtype=np.float32)
    for start in range(0, count, 50_000):
        end = min(start + 50_000, count)
        drawn = pool[generator.integers(0, len(pool), end - start)]
        noise = generator.standard_normal(drawn.shape, dtype=np.float32)
        vectors[start:end] = unit(drawn + NOISE * unit(noise))
    return vectors


def timed(tasks: dict[str, Callable[[np.ndarray], Any]], queries: np.ndarray) -> dict[str, float]:
    """Return each task's median milliseconds a query; the tasks take turns.

    Processor time of one thread: on a shared machine the clock would punish what takes longer
    than one turn of the scheduler.
    """
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for query in queries:
        for name, task in tasks.items():
            begun = time.process_time()
            task(query)
            times[name].append(1000 * (time.process_time() - begun))
    return {name: float(np.median(each)) for name, each in times.items()}


def latency(sizes: list[int]) -> list[dict[str, Any]]:
    faiss.omp_set_num_threads(1)
    encoded = [Judged(name).encoded("minilm") for name in SPLITS]
    pool = np.concatenate([vectors for vectors, _ in encoded])
    queries = np.concatenate([asked[:FROM_EACH] for _, asked in encoded])
    compressor = Binary(BITS).fit(pool)
    rows = []
    for size in sizes:
        vectors = made(pool, size)
        codes = compressor.encode(vectors)
        flat = faiss.IndexFlatIP(vectors.shape[1])
        flat.add(vectors)
        _, exact = flat.search(queries, K)
        bits = faiss.IndexBinaryFlat(BITS)
        bits.add(codes)
        scanned = TwoStage.build(compressor, codes, vectors)
        staged = {each: replace(scanned, depth=each) for each in DEPTHS}

        def recall(depth: int, some: slice) -> float:
            found = [staged[depth].search(query, K)[0] for query in queries[some]]  # noqa: B023
            return shared(np.array(found), exact[some])  # noqa: B023

        choice, report = slice(0, None, 2), slice(1, None, 2)
        reached = {each: recall(each, choice) for each in DEPTHS}
        depth = next((each for each in DEPTHS if reached[each] >= 0.99), DEPTHS[-1])
        search = staged[depth].search

        def through_faiss(query: np.ndarray) -> np.ndarray:
            code = compressor.encode_query(query)[None]
            _, near = bits.search(code, depth)  # noqa: B023
            scores = vectors[near[0]] @ query  # noqa: B023
            return near[0][np.argsort(-scores)[:K]]

        tasks: dict[str, Callable[[np.ndarray], Any]] = {
            "faiss flat": lambda query: flat.search(query[None], K),  # noqa: B023
            "two stages": lambda query: search(query, K),  # noqa: B023
            "two stages, faiss bits": through_faiss,
        }
        row: dict[str, Any] = {
            "vectors": size,
            "depth": depth,
            "recall": recall(depth, report),
            "asked": len(queries[report]),
            "megabytes": {"float32": vectors.nbytes / 1e6, "codes": codes.nbytes / 1e6},
            "milliseconds": timed(tasks, queries[report][:TIMED]),
        }
        rows.append(row)
        print(row, flush=True)
    return rows


def learned(name: str = "scifact") -> dict[str, Any]:
    """Return nDCG@10 of Hamming distance, and what rescoring by MiniLM makes of 100 candidates."""
    judged = Judged(name)
    words = split(judged.passages[1])
    asked = split(list(judged.collection.scored_queries.values()))
    vectors, queries = judged.encoded("minilm")
    exact = queries @ vectors.T
    best = judged.best_documents(exact)[0]
    found: dict[str, Any] = {}
    codes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    begun = time.process_time()
    fitted = BinaryParagraphs.unfitted().fit(words)
    seconds = time.process_time() - begun
    codes["binary paragraph vectors"] = fitted.codes(asked)[0], fitted.codes(words)[0]
    other = Judged("cranfield" if name == "scifact" else "scifact")
    moved = BinaryParagraphs.unfitted().fit(split(other.passages[1]))
    codes["binary paragraph vectors, of cranfield"] = moved.codes(asked)[0], moved.codes(words)[0]
    for encoder in ("latent", "static", "minilm"):
        of_passages, of_queries = judged.encoded(encoder)
        signs = Binary(fitted.dimensions).fit(of_passages)
        codes[f"signs of {encoder}"] = signs.encode(of_queries), signs.encode(of_passages)
    for each, (of_queries, of_passages) in codes.items():
        scores = -hamming(of_queries, of_passages).astype(np.float32)
        candidates = np.argsort(-scores, axis=1, kind="stable")[:, :100]
        rescored = np.full_like(exact, -2.0)
        chosen = np.take_along_axis(exact, candidates, axis=1)
        np.put_along_axis(rescored, candidates, chosen, axis=1)
        found[each] = {
            "queries": judged.ndcg(scores).tolist(),
            "rescored": float(judged.ndcg(rescored).mean()),
            "recall": shared(judged.best_documents(rescored)[0], best),
        }
    mine = np.array(found["binary paragraph vectors"]["queries"])
    for row in found.values():
        values = np.array(row.pop("queries"))
        row["ndcg"] = float(values.mean())
        if not np.array_equal(values, mine):
            interval = bca_interval(mine - values)
            row["difference"] = float((mine - values).mean())
            row["interval"] = [interval.low, interval.high]
            row["p"] = randomisation_test(mine, values, samples=20_000).p
    told = {"bits": fitted.dimensions, "seconds": seconds, "queries": len(mine), "codes": found}
    print(told, flush=True)
    return told


def report(results: dict[str, Any]) -> list[str]:
    lines = ["# Binary codes, then exact vectors", ""]
    if "latency" in results:
        lines += [
            f"{BITS} bits (96 bytes, 1/16 of 384 float32) scanned by XOR and popcount, the best "
            "`depth` scored with their exact vectors; recall@10 against exact search, on queries "
            "that did not choose the depth. Vectors drawn from MiniLM's of 21,165 passages with "
            "noise of length 0.2. Median processor time of one query, the systems "
            "taking turns. Made by `python benchmarks/rank/binary.py latency`.",
            "",
            "| vectors | depth | recall@10 (n) | faiss flat ms | two stages ms | ratio | "
            "with faiss's bits ms | ratio | codes MB |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for row in results["latency"]:
            spent = row["milliseconds"]
            flat, own, other = (
                spent[name] for name in ("faiss flat", "two stages", "two stages, faiss bits")
            )
            lines.append(
                f"| {row['vectors']:,} | {row['depth']} | {row['recall']:.4f} ({row['asked']}) | "
                f"{flat:.1f} | {own:.1f} | {flat / own:.1f} | {other:.1f} | {flat / other:.1f} | "
                f"{row['megabytes']['codes']:.0f} |"
            )
        lines.append("")
    if "learned" in results:
        told = results["learned"]
        lines += [
            "## Codes learned from text",
            "",
            f"scifact, {told['queries']} claims, {told['bits']} bits a passage, ranked by Hamming "
            "distance; then the nearest 100 passages scored by MiniLM's vectors. Binary Paragraph "
            f"Vectors are learned from the passages in {told['seconds']:.0f} s, or from another "
            "collection's. Difference: theirs less the row's, with 95 % BCa interval. Made by "
            "`python benchmarks/rank/binary.py learned`.",
            "",
            "| codes | nDCG@10 | difference | p | rescored nDCG@10 | recall@10 against MiniLM |",
            "|---|---|---|---|---|---|",
        ]
        for name, row in told["codes"].items():
            gap, p = "", ""
            if "difference" in row:
                low, high = row["interval"]
                gap, p = f"{row['difference']:+.3f} [{low:+.3f}, {high:+.3f}]", f"{row['p']:.4f}"
            lines.append(
                f"| {name} | {row['ndcg']:.3f} | {gap} | {p} | {row['rescored']:.3f} | "
                f"{row['recall']:.3f} |"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("latency", "learned"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    asked = parser.parse_args()
    found: Any = latency(list(asked.sizes)) if asked.what == "latency" else learned()
    results: dict[str, Any] = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else {}
    results[asked.what] = found
    RESULTS.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    told = "\n".join(report(results)) + "\n"
    WRITTEN.with_suffix(".md").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
