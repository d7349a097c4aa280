"""Which sentence of a relevant abstract speaks for it: ours against SciFact's annotators.

    python benchmarks/evidence.py [--encoders static,minilm]

For each claim and abstract of SciFact's train part with annotated sentences: is the best
evidence sentence one of theirs (at 1), and is one of the best three (at 3)? Beside it: the share
that a random sentence would reach, and that of the abstract's last sentences.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from everygrain.engine import Index
from everygrain.measure import load
from everygrain.rank.evidence import score_spans
from everygrain.rank.query import plain

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "scifact"
RESULTS = Path(__file__).parent / "results"


class Given:
    """A segmenter that returns the annotators' own sentences."""

    def __init__(self, sentences: dict[str, list[str]]) -> None:
        self.sentences = sentences

    def spans(self, text: str) -> list[tuple[int, int]]:
        found, at = [], 0
        for sentence in self.sentences[text]:
            start = text.index(sentence, at)
            at = start + len(sentence)
            found.append((start, at))
        return found


def hits(order: np.ndarray, gold: set[int], k: int) -> float:
    return float(any(int(i) in gold for i in order[:k]))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--encoders", default="static")
    told = options.parse_args()
    collection = load(DATA, "train")
    documents = {document.id: document for document in collection.documents()}
    given = Given({d.text: list(d.metadata["sentences"]) for d in documents.values()})
    gold: dict[tuple[str, str], set[int]] = {}
    for line in (DATA / "evidence.jsonl").read_text().splitlines():
        row = json.loads(line)
        key = (str(row["query_id"]), str(row["doc_id"]))
        gold.setdefault(key, set()).update(row["sentences"])
    gold = {key: value for key, value in gold.items() if value and key[1] in documents}
    figures: dict[str, list[tuple[float, float]]] = {"random": [], "last": []}
    for (_, document), wanted in gold.items():
        count = len(documents[document].metadata["sentences"])
        share = [1 - np.prod([1 - len(wanted) / (count - i) for i in range(min(k, count))
                              if count - i > 0]) for k in (1, 3)]  # fmt: skip
        figures["random"].append((float(share[0]), float(min(max(share[1], 0), 1))))
        last = np.arange(count)[::-1]
        figures["last"].append((hits(last, wanted, 1), hits(last, wanted, 3)))
    for encoder in told.encoders.split(","):
        with tempfile.TemporaryDirectory() as folder:
            index = Index(Path(folder) / "index", encoder=encoder)
            index.add(documents.values())
            with index.views.newest() as view:
                for system in ("lexical", "dense", "hybrid"):
                    name = system if system == "lexical" else f"{system} {encoder}"
                    column = figures.setdefault(name, [])
                    if column:
                        continue
                    for (query, document), wanted in gold.items():
                        asked = plain(collection.queries[query], view.analyzer)
                        found = score_spans(view, asked, [documents[document]], given, system)
                        order = np.argsort(-found.scores, kind="stable")
                        column.append((hits(order, wanted, 1), hits(order, wanted, 3)))
    lines = [
        "# Evidence",
        "",
        f"{len(gold)} claims with an abstract in which annotators marked sentences (SciFact, "
        "train). Made by `python benchmarks/evidence.py`.",
        "",
        "| by | best sentence is marked | one of the best three is |",
        "|---|---|---|",
    ]
    for name, column in figures.items():
        means = np.mean(column, axis=0)
        lines.append(f"| {name} | {means[0]:.3f} | {means[1]:.3f} |")
    (RESULTS / "evidence.md").write_text("\n".join(lines) + "\n")
    means_of = {name: np.mean(column, axis=0).tolist() for name, column in figures.items()}
    (RESULTS / "evidence.json").write_text(json.dumps(means_of, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
