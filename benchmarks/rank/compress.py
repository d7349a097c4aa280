"""Compressed vectors at equal budgets: quality, time to build, time to ask, bytes.

    OMP_NUM_THREADS=1 python benchmarks/rank/compress.py [--budgets 24 48 96 192 384]

MiniLM's vectors of scifact's passages as the index cuts them. Every method is fitted to all of
them. recall@10: share of the ten documents that exact search finds. The budgets are fixed, and
nothing is tuned. Every finished row is kept, so that a run can be gone on with.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
from passages import RESULTS, Judged, shared

from everygrain.analyze import split
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.index.compress import Float16, Method, parse_method, within
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

BUDGETS = (24, 48, 96, 192, 384)
ASKED = 30  # queries that are timed one by one
TABLES = ("int8", "int4", "low_rank(64, int8)", "hashed(64)", "product(64)", "product(32)",
          "binary(512)")  # fmt: skip
WRITTEN = RESULTS / "rank_compress.json"


def measured(
    method: Method, judged: Judged, vectors: np.ndarray, queries: np.ndarray, exact: dict[str, Any]
) -> dict[str, Any]:
    begun = time.process_time()
    compressor = method.fit(vectors)
    codes = compressor.encode(vectors)
    built = time.process_time() - begun
    scores = np.concatenate([compressor.score(queries[i : i + 64], codes)
                             for i in range(0, len(queries), 64)])  # fmt: skip
    times = []
    for query in queries[:ASKED]:
        begun = time.process_time()
        compressor.score(query[None], codes)
        times.append(time.process_time() - begun)
    found = judged.ndcg(scores)
    gaps = found - exact["ndcg"]
    interval = bca_interval(gaps)
    return {
        "bytes": compressor.bytes_per_vector,
        "learned": int(sum(array.nbytes for array in compressor.arrays.values())),
        "ndcg": float(found.mean()),
        "difference": float(gaps.mean()),
        "interval": [interval.low, interval.high],
        "p": randomisation_test(found, exact["ndcg"], samples=20_000).p,
        "recall": shared(judged.best_documents(scores)[0], exact["best"]),
        "build": built,
        "query": 1000 * float(np.median(times)),
    }


def kept(results: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    told = "\n".join(report(results)) + "\n"
    WRITTEN.with_suffix(".md").write_text(told, encoding="utf-8")


def report(results: dict[str, Any]) -> list[str]:
    told = results["exact"]
    lines = [
        "# Compressed vectors at equal budgets",
        "",
        f"{told['vectors']:,} MiniLM vectors of scifact's passages, 384 dimensions, and "
        f"{told['queries']} claims; exact float32 (1,536 bytes): nDCG@10 {told['ndcg']:.3f}. "
        "Differences are to it, paired, with 95 % BCa intervals and p of the randomisation test, "
        "not corrected for the number of rows. recall@10 is the share of exact search's ten "
        "documents; nothing is scored again. Build: fit and encode. Query: `score` of one query "
        "and all vectors, median of 30. Both are processor time of one thread. Made by "
        "`OMP_NUM_THREADS=1 python benchmarks/rank/compress.py`.",
        "",
        "| bytes | method | nDCG@10 | difference | p | recall@10 | build s | query ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = {name: row for name, row in results.items() if name not in ("exact", "tables")}
    for name, row in sorted(rows.items(), key=lambda each: (each[1]["bytes"], -each[1]["recall"])):
        low, high = row["interval"]
        lines.append(
            f"| {row['bytes']} | {name} | {row['ndcg']:.3f} | {row['difference']:+.3f} "
            f"[{low:+.3f}, {high:+.3f}] | {row['p']:.4f} | {row['recall']:.3f} | "
            f"{row['build']:.1f} | {row['query']:.2f} |"
        )
    if "tables" in results:
        table = results["tables"]
        size = 2 * table["rows"] * table["dimensions"] / 1e6
        lines += [
            "",
            "## The token table of the static encoder",
            "",
            f"{table['rows']:,} rows of {table['dimensions']} float16 numbers, {size:.1f} MB, "
            f"nDCG@10 {table['ndcg']:.3f} on scifact; rows compressed, texts encoded with the "
            "decoded rows. Differences to the whole table. Made with `--tables`.",
            "",
            "| method | MB | nDCG@10 | difference | p |",
            "|---|---|---|---|---|",
        ]
        for name in TABLES:
            row = table[name]
            low, high = row["interval"]
            lines.append(
                f"| {name} | {row['megabytes']:.2f} | {row['ndcg']:.3f} | "
                f"{row['difference']:+.3f} [{low:+.3f}, {high:+.3f}] | {row['p']:.4f} |"
            )
    return lines


def tables(judged: Judged) -> dict[str, Any]:
    """Return what the static encoder is worth with the rows of its token table compressed."""
    texts, asked = judged.passages[1], list(judged.collection.scored_queries.values())
    encoder = Static(static_table(), {}).fit(split(texts))
    plain = judged.ndcg(encoder.encode(asked) @ encoder.encode(texts).T)
    rows = encoder.table.matrix.astype(np.float32)
    found: dict[str, Any] = {
        "rows": len(rows), "dimensions": rows.shape[1], "ndcg": float(plain.mean())
    }  # fmt: skip
    for name in TABLES:
        compressor = parse_method(name).fit(rows)
        codes = compressor.encode(rows)
        table = replace(encoder.table, matrix=compressor.decode(codes).astype(np.float16))
        smaller = replace(encoder, table=table)
        ndcg = judged.ndcg(smaller.encode(asked) @ smaller.encode(texts).T)
        interval = bca_interval(ndcg - plain)
        found[name] = {
            "megabytes": (codes.nbytes + sum(a.nbytes for a in compressor.arrays.values())) / 1e6,
            "ndcg": float(ndcg.mean()),
            "difference": float((ndcg - plain).mean()),
            "interval": [interval.low, interval.high],
            "p": randomisation_test(ndcg, plain, samples=20_000).p,
        }
        print(name, found[name], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--tables", action="store_true", help="only the token table")
    asked = parser.parse_args()
    judged = Judged("scifact")
    vectors, queries = judged.encoded("minilm")
    scores = queries @ vectors.T
    exact = {"ndcg": judged.ndcg(scores), "best": judged.best_documents(scores)[0]}
    results: dict[str, Any] = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else {}
    results["exact"] = {
        "vectors": len(vectors), "queries": len(queries), "ndcg": float(exact["ndcg"].mean())
    }  # fmt: skip
    if asked.tables:
        results["tables"] = tables(judged)
        kept(results)
        return
    methods = [repr(each) for budget in asked.budgets for each in within(budget, 384)]
    for name in [*methods, repr(Float16())]:
        if name not in results:
            results[name] = measured(parse_method(name), judged, vectors, queries, exact)
            print(name, results[name], flush=True)
            kept(results)


if __name__ == "__main__":
    main()
