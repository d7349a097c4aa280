"""Whole documents and their best sentences: what both say together, in the dense leg and in hybrid.

    python benchmarks/rank/grains.py [ENCODER]

`dense % 100 >> sentences(share=s)` beside `dense`, for several shares of the whole document; and
`hybrid` with that in the place of its dense leg, at the weight that the index fitted for the dense
leg as it is. nDCG@10; n queries; 95 % BCa intervals and the paired randomisation test are of a
share of .5 against none, not corrected. Nothing was chosen by these figures: .5 is the middle.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from everygrain import Index
from everygrain.document import Ranking
from everygrain.measure import Collection, evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.fuse import combine_scores
from everygrain.rank.query import plain

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
COLLECTIONS = {
    "scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev", "scisumm": "dev",
}  # fmt: skip
SHARES = (1.0, 0.7, 0.5, 0.3)
CHOSEN = 0.5
MEASURE = "nDCG@10"


def measured(name: str, encoder: str) -> dict[str, Any]:
    collection = load(DATA / name, COLLECTIONS[name])
    with tempfile.TemporaryDirectory() as folder, Index(Path(folder) / "index", encoder) as index:
        index.add(collection.documents())
        found = {}
        for share in SHARES:
            system = "dense" if share == 1 else f"dense % 100 >> sentences(share={share})"
            ranking = index.retriever(system).retrieve(collection.scored_queries, 100)
            found[share] = ranking
        return {
            "collection": name, "encoder": encoder,
            "dense": told({s: values(r, collection) for s, r in found.items()}),
            "hybrid": told(hybrid(index, collection, found)),
        }  # fmt: skip


def hybrid(index: Index, collection: Collection, dense: dict[float, Ranking]) -> dict[float, Any]:
    """Combine BM25 with each ranking as `hybrid` does with its dense leg."""
    found = {}
    with index.views.newest() as view:
        parsed = {q: plain(t, view.analyzer) for q, t in collection.scored_queries.items()}
        lexical = {q: view.find_lexical(each, 100) for q, each in parsed.items()}
        for share, ranking in dense.items():
            rows = []
            for query, column in ranking.by_query().items():
                words = dict(zip(lexical[query].ids, lexical[query].scores, strict=True))
                vectors = dict(column)
                ids = sorted(words.keys() | vectors.keys())
                scores = combine_scores(
                    np.array([words.get(i, 0.0) for i in ids], dtype=np.float32),
                    np.array([vectors.get(i, 0.0) for i in ids], dtype=np.float32),
                    view.weight,
                )
                rows += [(query, i, float(s)) for i, s in zip(ids, scores, strict=True)]
            found[share] = values(Ranking.of(ranking.queries, rows), collection)
    return found


def values(ranking: Ranking, collection: Collection) -> Any:
    return evaluate(ranking, collection.judgements, [MEASURE]).of(MEASURE)


def told(found: dict[float, Any]) -> dict[str, Any]:
    gap, test = found[CHOSEN] - found[1.0], randomisation_test(found[CHOSEN], found[1.0])
    around = bca_interval(gap)
    return {
        "n": len(gap), "means": {str(share): float(each.mean()) for share, each in found.items()},
        "difference": test.difference, "low": around.low, "high": around.high, "p": test.p,
    }  # fmt: skip


def main() -> None:
    encoder = sys.argv[1] if len(sys.argv) > 1 else "static"
    path = RESULTS / "rank_grains.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    for name in COLLECTIONS:
        kept = [row for row in rows if (row["collection"], row["encoder"]) != (name, encoder)]
        rows = [*kept, measured(name, encoder)]
        print(rows[-1], flush=True)
        path.write_text(json.dumps(rows, indent=1) + "\n")
    lines = ["# Whole documents and their sentences", "", *(__doc__ or "").split("\n")[4:-1], ""]
    heads = " | ".join("whole alone" if s == 1 else f"share {s}" for s in SHARES)
    lines += [f"| collection (n) | encoder | system | {heads} | .5 - whole [95 %] | p |",
              "|---" * (len(SHARES) + 5) + "|"]  # fmt: skip
    for row in rows:
        for system in ("dense", "hybrid"):
            own = row[system]
            means = " | ".join(f"{own['means'][str(share)]:.4f}" for share in SHARES)
            lines.append(
                f"| {row['collection']} ({own['n']}) | {row['encoder']} | {system} | {means} | "
                f"{own['difference']:+.4f} [{own['low']:+.4f}, {own['high']:+.4f}] | "
                f"{own['p']:.2g} |"
            )
    (RESULTS / "rank_grains.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
