"""What each choice in the encoder `static` is worth: nDCG@10 of the dense leg alone.

    python benchmarks/static.py

Variants of the fit on the same table, beside model2vec's own distillation of the same
transformer. Vectors are compared exactly; no index is involved.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.encode.transformer import minilm_folder
from everygrain.measure import Collection, evaluate, load

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
SETS = {"scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev"}


def ndcg(collection: Collection, ids: list[str], documents: Any, queries: Any) -> float:
    """Return the mean nDCG@10 of ranking by dot products."""
    asked = list(collection.scored_queries)
    rows = []
    for query, vector in zip(asked, queries, strict=True):
        scores = documents @ vector
        for i in np.argsort(-scores, kind="stable")[:10]:
            rows.append((query, ids[i], float(scores[i])))
    scored = evaluate(Ranking.of(asked, rows), collection.judgements, ["nDCG@10"])
    return scored.mean()["nDCG@10"]


def main() -> None:
    from model2vec import StaticModel
    from model2vec.distill import distill

    with tempfile.TemporaryDirectory() as folder:
        distill(str(minilm_folder()), device="cpu").save_pretrained(folder)
        plain = StaticModel.from_pretrained(folder)
    table = static_table()
    results: dict[str, dict[str, float]] = {}
    for name, part in SETS.items():
        collection = load(DATA / name, part)
        found = list(collection.documents())
        ids = [document.id for document in found]
        texts = [f"{document.title} {document.text}" for document in found]
        queries = list(collection.scored_queries.values())
        words = split(texts)
        column = results.setdefault(name, {})

        def add(label: str, encode: Any, column: Any = column, told: Any = None) -> None:
            collection, ids, texts, queries = told
            column[label] = ndcg(collection, ids, encode(texts), encode(queries))

        told = (collection, ids, texts, queries)
        add("model2vec, its own distillation, 256 dimensions",
            lambda t: np.nan_to_num(_unit(plain.encode(t))), told=told)  # fmt: skip
        add("sums of piece vectors", Static(table, {}).encode, told=told)
        for strength in (0.0, 0.25, 0.35, 0.5):
            fitted = replace(Static(table, {}), strength=strength).fit(words)
            label = "fitted: idf" + (f", whitening {strength}" if strength else "")
            label += " (the default)" if strength == Static.strength else ""
            add(label, fitted.encode, told=told)
        print(name, column, flush=True)
    lines = [
        "# The encoder `static`",
        "",
        "nDCG@10 of the dense leg alone, exact search over whole documents. Made by "
        "`python benchmarks/static.py`.",
        "",
        "| variant | " + " | ".join(results) + " |",
        "|---|" + "---|" * len(results),
    ]
    for variant in next(iter(results.values())):
        cells = " | ".join(f"{column[variant]:.3f}" for column in results.values())
        lines.append(f"| {variant} | {cells} |")
    (RESULTS / "static.md").write_text("\n".join(lines) + "\n")
    (RESULTS / "static.json").write_text(json.dumps(results, indent=1) + "\n")


def _unit(vectors: Any) -> Any:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


if __name__ == "__main__":
    main()
