"""A collection as the comparisons of recipes search it: whole documents, exactly, for ten each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.document import Document, Ranking
from everygrain.encode.base import Vectors
from everygrain.learn.held_out import divide
from everygrain.measure import evaluate
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.read import read

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def divided_papers(count: int) -> tuple[list[Document], list[Document]]:
    """Draw papers. Returns those that train, and the quarter that is asked for."""
    barred = set((DATA / "scisumm" / "not_for_training.txt").read_text().split())
    found = [each for each in read(DATA / "papers" / "papers.jsonl.gz") if each.id not in barred]
    lot = np.random.default_rng(0).permutation(len(found))[:count]
    return divide([found[i] for i in np.sort(lot)])


def gains(
    documents: Sequence[Document],
    vectors: Vectors,
    queries: Sequence[str],
    asked: Vectors,
    judgements: Mapping[str, Mapping[str, int]],
) -> Any:
    """Return nDCG@10 of each query; `asked` are the queries' vectors, in their order."""
    rows = []
    for query, vector in zip(queries, asked, strict=True):
        scores = vectors @ vector
        for i in np.argsort(-scores, kind="stable")[:10]:
            rows.append((query, documents[i].id, float(scores[i])))
    return evaluate(Ranking.of(list(queries), rows), judgements, ["nDCG@10"]).of("nDCG@10")


def compared(after: Any, before: Any) -> dict[str, float]:
    """Return means, and the paired difference with its interval and test."""
    gap = bca_interval(after - before, samples=2_000)
    test = randomisation_test(after, before, samples=10_000)
    return {
        "before": float(before.mean()), "after": float(after.mean()),
        "difference": test.difference, "low": gap.low, "high": gap.high, "p": test.p,
    }  # fmt: skip
