"""Do systems that search follow an instruction that excludes a document?

    python benchmarks/instructions.py [--sets scifact,cranfield] [--encoders latent,minilm]

For each query with two relevant documents or more, one of them, drawn at random, is excluded by
naming its title: the query "Q" becomes "Q Documents on T are not relevant." As a control the title
of a document that is not judged is named instead; the first document should then stay. p-MRR is
that of the excluded document [95 % BCa interval over queries]: above 0 where it falls, as it
should; below 0 where naming it brings it up. Results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from everygrain.engine import Index
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.instructions import NAME, excluded, p_mrr

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
SETS = {"scifact": "train", "cranfield": "dev"}
DEPTH = 1000


def measured(name: str, encoders: list[str]) -> list[dict]:
    """Return a row per system and instruction, on one collection."""
    collection = load(DATA / name, SETS[name])
    titles = {d.id: " ".join(d.title.split()).rstrip(". ") for d in collection.documents()}
    titled = sorted(identity for identity, title in titles.items() if title)
    generator = np.random.default_rng(0)
    queries, after, told, control = {}, {}, {}, {}
    for query, text in collection.scored_queries.items():
        grades = collection.judgements[query]
        relevant = sorted(d for d, grade in grades.items() if grade > 0 and titles.get(d))
        other = titled[generator.integers(len(titled))]
        if len(relevant) < 2 or other in grades:
            continue
        chosen = relevant[generator.integers(len(relevant))]
        queries[query] = text
        after[query] = {**grades, chosen: 0}
        told[query] = f"{text} Documents on {titles[chosen]} are not relevant."
        control[query] = f"{text} Documents on {titles[other]} are not relevant."
    changed = excluded(collection.judgements, after)
    rows = []
    for encoder in encoders:
        with (
            tempfile.TemporaryDirectory() as folder,
            Index(Path(folder) / "i", encoder=encoder) as index,
        ):
            index.add(collection.documents())
            for system in ("lexical", "dense", "hybrid"):
                label = system if system == "lexical" else f"{system} {encoder}"
                if any(row["system"] == label for row in rows):
                    continue
                retriever = index.retriever(system)
                before = retriever.retrieve(queries, DEPTH)
                for kind, asked in (("its title", told), ("another title", control)):
                    values = p_mrr(before, retriever.retrieve(asked, DEPTH), changed).of(NAME)
                    interval = bca_interval(values, seed=0)
                    rows.append(
                        {
                            "collection": name, "system": label, "named": kind,
                            "queries": len(values), "p-MRR": float(values.mean()),
                            "low": interval.low, "high": interval.high,
                            "fell": float((values > 0).mean()), "rose": float((values < 0).mean()),
                        }
                    )  # fmt: skip
                    print(*rows[-1].values(), flush=True)
    return rows


def markdown(rows: list[dict]) -> str:
    """Return the results as a page."""
    lines = [
        "# Instructions that exclude a document",
        "",
        "p-MRR of a relevant document that an instruction excludes by naming its title [95 % "
        "interval over queries], and the shares of queries in which it fell and rose. The control "
        "names another title. Made by `python benchmarks/instructions.py`.",
        "",
        "| collection | queries | system | named | p-MRR | fell | rose |",
        "|---|--:|---|---|---|--:|--:|",
    ]
    for r in rows:
        figure = f"{r['p-MRR']:+.3f} [{r['low']:+.3f}, {r['high']:+.3f}]"
        lines.append(
            f"| {r['collection']} | {r['queries']} | {r['system']} | {r['named']} | {figure} | "
            f"{r['fell']:.0%} | {r['rose']:.0%} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--encoders", default="latent,minilm")
    given = parser.parse_args()
    rows = [r for name in given.sets.split(",") for r in measured(name, given.encoders.split(","))]
    RESULTS.mkdir(exist_ok=True)
    told = json.dumps(rows, indent=2, ensure_ascii=False)
    (RESULTS / "instructions.json").write_text(told + "\n", encoding="utf-8")
    (RESULTS / "instructions.md").write_text(markdown(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
