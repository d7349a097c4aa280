"""Milliseconds to rerank a query's first 100 candidates by the words in the index.

    python benchmarks/rank/late_speed.py [THREADS]

Over the bundled cards with `static` and `words:16`; the queries are the cards' own, each text new,
so that nothing is remembered. Encoding the query with MiniLM is nearly all of it, and does not
depend on the collection.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from everygrain import Index, load_collection
from everygrain.data import bundled

RESULT = Path(__file__).resolve().parents[1] / "results" / "rank_late_speed.md"


def main() -> None:
    import torch

    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    torch.set_num_threads(threads)
    cards = load_collection(bundled())
    whole, encoding = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        Index(Path(folder) / "index", "static", words="words:16") as index,
    ):
        index.add(cards.documents())
        late, hybrid = index.reranker("late"), index.retriever("hybrid")
        with index.views.newest() as view:
            encoder = view.words
        for turn in range(3):
            for query in cards.scored_queries.values():
                asked = [f"{query}{' ' * turn}"]
                found = hybrid.retrieve(asked, 100)
                begun = perf_counter()
                late.rerank(asked, found)
                whole.append(1000 * (perf_counter() - begun))
                begun = perf_counter()
                encoder.encode_bags(asked, "query")
                encoding.append(1000 * (perf_counter() - begun))
    rows = [("rerank 100 candidates", whole), ("of which encoding the query", encoding)]
    lines = ["# Late interaction by the clock", ""]
    lines += [f"`python benchmarks/rank/late_speed.py {threads}`, {threads} threads.", ""]
    lines += ["| | p50, ms | p95, ms |", "|---|---|---|"]
    lines += [
        f"| {name} | {np.median(taken):.1f} | {np.percentile(taken, 95):.1f} |"
        for name, taken in rows
    ]
    RESULT.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
