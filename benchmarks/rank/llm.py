"""Strategies of a language model as a reranker: calls, tokens and nDCG@10, with a stand-in judge.

    python benchmarks/rank/llm.py [--queries 75] [--documents 20]

The judge is NO language model: it knows the judgements, and adds noise. It answers prompts within
this process; that requests go over HTTP is for the tests to see. Each time that it is shown a
passage it values it at

    grade + spread * normal + liking * (1 at the first place, else 0)

with a normal number that depends on the whole prompt, so that the same question gets the same
answer and another order another one. Pairs, windows and choices are all answered from such values.
The figures say how strategies fare under equal noise, and what they cost. Which of them a real
model is best at is for a real model to tell: its errors in a list of 20 are not those of 190 pairs.

The documents are the lexical leg's first ones for the judged queries of cranfield.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.document import Ranking
from everygrain.endpoint import Completion
from everygrain.engine import Index
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.llm import Listwise, Pairwise, Prices, Setwise
from everygrain.rank.llm.base import LanguageModelReranker
from everygrain.rank.llm.prompts import shown, shown_query

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
MEASURE = "nDCG@10"
CHARACTERS = 200  # enough for the stand-in, which knows a passage by how it begins
PRICES = Prices(0.15, 0.60)  # an example, so that strategies can be compared in money
NOISES = ((0.0, 0.0), (1.0, 0.5), (2.0, 0.5))  # spread, liking

SYSTEMS: dict[str, Callable[..., LanguageModelReranker]] = {
    "pairwise, all pairs": lambda *a, **k: Pairwise(*a, "all", **k),
    "pairwise, heap": lambda *a, **k: Pairwise(*a, "heap", **k),
    "pairwise, 1 pass": lambda *a, **k: Pairwise(*a, "sliding", passes=1, **k),
    "pairwise, 3 passes": lambda *a, **k: Pairwise(*a, "sliding", passes=3, **k),
    "pairwise, 10 passes": lambda *a, **k: Pairwise(*a, "sliding", passes=10, **k),
    "setwise of 4, heap": lambda *a, **k: Setwise(*a, "heap", 4, **k),
    "setwise of 4, sliding": lambda *a, **k: Setwise(*a, "sliding", 4, **k),
    "listwise, all at once": lambda *a, **k: Listwise(*a, None, **k),
    "listwise, 10 by 5": lambda *a, **k: Listwise(*a, 10, 5, **k),
    "listwise, 10 by 5, complete": lambda *a, **k: Listwise(*a, 10, 5, complete=True, **k),
}

CONTRASTS = (
    ("pairwise, 10 passes", "pairwise, 1 pass"),
    ("pairwise, all pairs", "pairwise, heap"),
    ("pairwise, all pairs", "setwise of 4, sliding"),
    ("setwise of 4, sliding", "pairwise, 1 pass"),
    ("setwise of 4, heap", "listwise, 10 by 5, complete"),
    ("listwise, 10 by 5", "listwise, all at once"),
    ("listwise, 10 by 5, complete", "listwise, 10 by 5"),
)


class Judge:
    """Answers prompts from grades and noise."""

    def __init__(self, grades: dict[tuple[str, str], int], spread: float, liking: float) -> None:
        self.grades, self.spread, self.liking = grades, spread, liking

    def complete(self, messages: Sequence[Mapping[str, Any]], **_: Any) -> Completion:
        return Completion(self.said(messages[-1]["content"]))

    def __repr__(self) -> str:
        return "stand-in"

    def said(self, prompt: str) -> str:
        query = re.findall(r"<query>(.*?)</query>", prompt, re.DOTALL)[0]
        passages = re.findall(r"<passage>(.*?)</passage>", prompt, re.DOTALL)
        seed = int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=8).digest())
        values = np.array([self.grades.get((query, each), 0) for each in passages], dtype=float)
        values += self.spread * np.random.default_rng(seed).standard_normal(len(values))
        values[0] += self.liking
        order = np.argsort(-values, kind="stable")
        if "Output all" in prompt:
            return " > ".join(f"[{i + 1}]" for i in order)
        return f"Passage {chr(ord('A') + int(order[0]))}"


def values_of(found: Ranking, judgements: dict[str, Any]) -> np.ndarray:
    scores = evaluate(found, judgements, [MEASURE])
    told = dict(zip(scores.queries, scores.of(MEASURE), strict=True))
    return np.array([told[query] for query in judgements])


def contrasts(rows: list[dict[str, Any]], spread: float) -> list[str]:
    """Return a table of strategies beside each other, query by query."""
    values = {row["system"]: np.array(row["values"]) for row in rows if row["spread"] == spread}
    lines = ["| strategy | against | difference (95 %) | p |", "|---|---|---|---|"]
    for one, other in CONTRASTS:
        gaps = values[one] - values[other]
        gap, p = bca_interval(gaps), randomisation_test(values[one], values[other]).p
        lines.append(
            f"| {one} | {other} | {gaps.mean():+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) | "
            f"{shown_p(p)} |"
        )
    return lines


def shown_p(p: float) -> str:
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"


def told_by(described: str) -> list[str]:
    """Return a module's description as lines of Markdown, its command first."""
    command, text = described.split("\n\n", 2)[1:]
    return [f"Made by `{command.strip()}`.", "", *text.strip().split("\n")]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--queries", type=int, default=75)
    options.add_argument("--documents", type=int, default=20)
    told = options.parse_args()
    collection = load(DATA / "cranfield", "dev")
    every = list(collection.scored_queries)
    ids = every[:: max(1, len(every) // told.queries)][: told.queries]
    asked = {query: collection.queries[query] for query in ids}
    judgements = {query: collection.judgements[query] for query in ids}
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Index(Path(folder) / "index", encoder="none") as index,
    ):
        index.add(collection.documents())
        first = index.retriever("lexical").retrieve(asked, told.documents)
        grades = {}
        for query, grade_of in judgements.items():
            for document in index.fetch(list(grade_of)).values():
                whole = document.text
                if document.title and not whole.startswith(document.title):
                    whole = f"{document.title}. {whole}"
                key = (shown_query(asked[query]), shown(whole, CHARACTERS))
                grades[key] = int(grade_of[document.id])
        baseline = values_of(first, judgements)
        for spread, liking in NOISES:
            judge = Judge(grades, spread, liking)
            for name, make in SYSTEMS.items():
                reranker = make(
                    judge, index.fetch, characters=CHARACTERS, prices=PRICES, needed=True
                )
                ranked = reranker.rank(asked, first)
                values, spent = values_of(ranked.ranking, judgements), ranked.spent
                gap = bca_interval(values - baseline)
                rows.append(
                    {
                        "spread": spread,
                        "liking": liking,
                        "system": name,
                        "n": len(values),
                        MEASURE: float(values.mean()),
                        "difference": float((values - baseline).mean()),
                        "low": gap.low,
                        "high": gap.high,
                        "p": randomisation_test(values, baseline).p,
                        "calls": spent.calls / len(ids),
                        "tokens": spent.tokens / len(ids),
                        "money": (spent.money or 0.0) / len(ids),
                        "consistency": spent.consistency,
                        "undecided": spent.undecided,
                        "values": values.round(6).tolist(),
                    }
                )
                print(json.dumps({k: v for k, v in rows[-1].items() if k != "values"}))
    result = {"documents": told.documents, "lexical": float(baseline.mean()), "rows": rows}
    (RESULTS / "rank_llm.json").write_text(json.dumps(result, indent=1) + "\n")
    write(result)


def write(result: dict[str, Any]) -> None:
    lines = [
        "# Language-model rerankers",
        "",
        *told_by(__doc__ or ""),
        "",
        f"The first {result['documents']} documents of {result['rows'][0]['n']} queries; lexical "
        f"alone: {MEASURE} {result['lexical']:.4f}. Tokens are estimates, and money is at "
        f"{PRICES.prompt} and {PRICES.completion} {PRICES.currency} for a million tokens of "
        f"prompts and completions, with {CHARACTERS} characters of each document.",
        "",
    ]
    for spread, liking in NOISES:
        lines += [
            f"## Spread {spread:g}, liking for the first place {liking:g}",
            "",
            f"| strategy | calls a query | tokens a query | money a query | {MEASURE} | "
            "difference (95 %) | p | consistent |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in result["rows"]:
            if (row["spread"], row["liking"]) != (spread, liking):
                continue
            consistent = "" if row["consistency"] is None else f"{row['consistency']:.0%}"
            lines.append(
                f"| {row['system']} | {row['calls']:.1f} | {row['tokens']:,.0f} | "
                f"{row['money']:.5f} | {row[MEASURE]:.4f} | {row['difference']:+.4f} "
                f"({row['low']:+.4f} to {row['high']:+.4f}) | {shown_p(row['p'])} | {consistent} |"
            )
        lines += ["", *contrasts(result["rows"], spread), ""]
    (RESULTS / "rank_llm.md").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
