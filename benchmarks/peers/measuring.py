"""Measuring: one run and its judgements, given to everygrain.measure, ir_measures and ranx."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

QUERIES, DEPTH, JUDGED, DOCUMENTS = 1_000, 100, 20, 2_000
MEASURES = ("nDCG@10", "R@100", "AP")
PACKAGES = {"everygrain": "", "ir_measures": "ir-measures", "ranx": "ranx"}

Judgements = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]


def made_up() -> tuple[Judgements, Run]:
    """Return judgements and a run in which about half of what is judged is found."""
    random = np.random.default_rng(0)
    judgements: Judgements = {}
    run: Run = {}
    for query in range(QUERIES):
        documents = [f"d{i}" for i in random.permutation(DOCUMENTS)[: DEPTH + JUDGED // 2]]
        grades = random.integers(1, 3, JUDGED)
        places = [*range(0, DEPTH, 2 * DEPTH // JUDGED), *range(DEPTH, DEPTH + JUDGED // 2)]
        judgements[f"q{query}"] = {
            documents[i]: int(g) for i, g in zip(places, grades, strict=True)
        }
        scores = random.permutation(DEPTH) + 1.0
        run[f"q{query}"] = dict(zip(documents[:DEPTH], scores.tolist(), strict=True))
    return judgements, run


def measure(name: str) -> dict[str, Any]:
    """Return the seconds of a first and a second evaluation, and the means."""
    judgements, run = made_up()
    evaluation = {"everygrain": _everygrain, "ir_measures": _ir_measures, "ranx": _ranx}[name]
    seconds, means = [], {}
    for _ in range(2):
        begun = perf_counter()
        means = evaluation(judgements, run)
        seconds.append(perf_counter() - begun)
    return {"first_seconds": seconds[0], "again_seconds": seconds[1], "means": means}


def _everygrain(judgements: Judgements, run: Run) -> dict[str, float]:
    from everygrain.document import Ranking
    from everygrain.measure import evaluate

    rows = [(q, d, score) for q, found in run.items() for d, score in found.items()]
    values = evaluate(Ranking.of(list(run), rows), judgements, MEASURES).values
    return dict(zip(MEASURES, values.mean(axis=0).tolist(), strict=True))


def _ir_measures(judgements: Judgements, run: Run) -> dict[str, float]:
    import ir_measures

    wanted = [ir_measures.parse_measure(name) for name in MEASURES]
    found = ir_measures.calc_aggregate(wanted, judgements, run)
    return {str(measure): float(value) for measure, value in found.items()}


def _ranx(judgements: Judgements, run: Run) -> dict[str, float]:
    from ranx import Qrels, Run, evaluate

    names = {"nDCG@10": "ndcg@10", "R@100": "recall@100", "AP": "map"}
    found = evaluate(Qrels(judgements), Run(run), list(names.values()))
    return {name: float(found[theirs]) for name, theirs in names.items()}
