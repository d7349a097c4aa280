"""Quality of every system on real collections, beside the bm25s library on the same text.

    python benchmarks/quality.py [--sets scifact,cranfield] [--encoders latent,static,minilm]

nDCG@10 with 95 % BCa bootstrap intervals; the difference to our lexical leg with the paired
randomisation test's p. bm25s runs twice: with its own tokenizer, the Snowball stemmer and our
stop words at its default k1 and b, and at ours. Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from everygrain.analyze.stopwords import stop_words
from everygrain.document import Document, Ranking
from everygrain.engine import Index
from everygrain.measure import Collection, evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.fuse import fuse

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
SETS = {"scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev"}
MEASURE = "nDCG@10"


def bm25s_ranking(
    documents: list[Document], queries: dict[str, str], k1: float, b: float
) -> Ranking:
    """Rank with the bm25s library."""
    import bm25s
    import Stemmer

    settings = {
        "stopwords": sorted(stop_words("en")),
        "stemmer": Stemmer.Stemmer("english"),
        "show_progress": False,
    }
    tokens = bm25s.tokenize([f"{d.title} {d.text}" for d in documents], **settings)
    index = bm25s.BM25(k1=k1, b=b)
    index.index(tokens, show_progress=False)
    asked = bm25s.tokenize(list(queries.values()), **settings)
    found, scores = index.retrieve(asked, k=min(100, len(documents)), show_progress=False)
    rows = [
        (query, documents[i].id, float(score))
        for query, row, values in zip(queries, found, scores, strict=True)
        for i, score in zip(row, values, strict=True)
        if score > 0
    ]
    return Ranking.of(list(queries), rows)


def systems(
    collection: Collection, documents: list[Document], encoders: list[str]
) -> dict[str, tuple[Ranking, float, dict[str, object] | None]]:
    """Return name -> (ranking, seconds to index and search, fusion measured by the index)."""
    queries = collection.scored_queries
    found: dict[str, tuple[Ranking, float, dict[str, object] | None]] = {}
    for name, k1, b in (("bm25s, k1 1.5 b .75", 1.5, 0.75), ("bm25s, k1 1.5 b .6", 1.5, 0.6)):
        begun = perf_counter()
        found[name] = (bm25s_ranking(documents, queries, k1, b), perf_counter() - begun, None)
    for encoder in encoders:
        with tempfile.TemporaryDirectory() as folder:
            begun = perf_counter()
            index = Index(Path(folder) / "index", encoder=encoder)
            index.add(documents)
            built = perf_counter() - begun
            lexical, dense = index.retriever("lexical"), index.retriever("dense")
            for name, retriever in {
                "lexical": lexical,
                f"dense {encoder}": dense,
                f"hybrid {encoder}": index.retriever("hybrid"),
                f"reciprocal ranks {encoder}": fuse(lexical, dense),
            }.items():
                if name in found:
                    continue
                begun = perf_counter()
                ranking = retriever.retrieve(queries, 100)
                took = perf_counter() - begun + built
                fusion = index.info()["fusion"] if name.startswith("hybrid") else None
                found[name] = (ranking, took, fusion)
            index.close()
    return found


def measured(name: str, split: str, encoders: list[str]) -> dict[str, object]:
    """Run all systems on one collection."""
    collection = load(DATA / name, split)
    documents = list(collection.documents())
    rankings = systems(collection, documents, encoders)
    scores = {
        system: evaluate(ranking, collection.judgements, [MEASURE]).of(MEASURE)
        for system, (ranking, _, _) in rankings.items()
    }
    rows = {}
    for system, values in scores.items():
        interval = bca_interval(values, seed=0)
        test = randomisation_test(values, scores["lexical"], seed=0)
        rows[system] = {
            "mean": float(np.mean(values)),
            "low": interval.low,
            "high": interval.high,
            "difference": float(np.mean(values - scores["lexical"])),
            "p": test.p,
            "seconds": rankings[system][1],
            "fusion": rankings[system][2],
        }
        print(
            f"{name:10} {system:26} {rows[system]['mean']:.4f} "
            f"[{interval.low:.3f}, {interval.high:.3f}] "
            f"{rows[system]['difference']:+.4f} p {test.p:.4f}",
            flush=True,
        )
    return {"queries": len(collection.scored_queries), "documents": len(documents),
            "systems": rows}  # fmt: skip


def markdown(results: dict[str, dict[str, object]]) -> str:
    """Return the table of all collections."""
    names = list(results)
    lines = [
        "# Quality",
        "",
        "nDCG@10 [95 % interval], and the difference to our lexical leg (* where the paired "
        "randomisation test's p is below .05). Made by `python benchmarks/quality.py`.",
        "",
        "| system | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    every = dict.fromkeys(s for r in results.values() for s in r["systems"])  # type: ignore[attr-defined]
    for system in every:
        cells = []
        for name in names:
            row = results[name]["systems"].get(system)  # type: ignore[attr-defined]
            star = "*" if row and row["p"] < 0.05 else ""
            cells.append(
                f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}] "
                f"{row['difference']:+.3f}{star}" if row else ""
            )  # fmt: skip
        lines.append(f"| {system} | " + " | ".join(cells) + " |")
    lines += ["", "The dense leg's share in `hybrid`, and the mean gain of each system on the "
              "pseudo-queries it was fitted on:", ""]  # fmt: skip
    lines += ["| collection | system | share | lexical | dense | hybrid | pseudo-queries |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for name in names:
        for system, row in results[name]["systems"].items():  # type: ignore[attr-defined]
            f = row["fusion"]
            if f:
                lines.append(
                    f"| {name} | {system} | {f['weight']:.2f} | {f['lexical']:.3f} | "
                    f"{f['dense']:.3f} | {f['hybrid']:.3f} | {f['queries']} |"
                )
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sets", default=",".join(SETS))
    options.add_argument("--encoders", default="latent,static,minilm")
    options.add_argument("--output", default="quality")
    told = options.parse_args()
    results = {
        name: measured(name, SETS[name], told.encoders.split(",")) for name in told.sets.split(",")
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{told.output}.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / f"{told.output}.md").write_text(markdown(results))


if __name__ == "__main__":
    main()
