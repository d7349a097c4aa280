"""Which of a query's rewrites is better, by what they find: data to train a rewriter with.

Rewrites are scored by a ranking function over what they retrieve and what is relevant, and each two
of unequal score make a preference, as a trainer by direct preferences (DPO) takes it.

Source: Data-Efficient Massive Tool Retrieval: A Reinforcement Learning Approach for Query-Tool
Alignment with Language Models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from everygrain.errors import QueryError
from everygrain.rank.base import Queries, Retriever, check_k, named
from everygrain.rank.expand.rewrites import prompt

RankingFunction: TypeAlias = Callable[[Sequence[str], Collection[str]], float]


def sufficiency(found: Sequence[str], relevant: Collection[str]) -> float:
    """Return 1 where all that is relevant was found, else 0: Sufficiency@k of the k found."""
    return float(set(relevant) <= set(found))


def gain(found: Sequence[str], relevant: Collection[str]) -> float:
    """Return nDCG of the documents found, all that is relevant being alike:

    sum over relevant d of 1 / log2(1 + rank(d)) / the same sum with them all in front
    """
    wanted = set(relevant)
    reached = sum(1 / math.log2(1 + r) for r, d in enumerate(found, 1) if d in wanted)
    return reached / sum(1 / math.log2(1 + r) for r in range(1, len(wanted) + 1))


@dataclass(frozen=True)
class Preference:
    """One rewrite of a query found more than another; scores are the ranking function's."""

    query: str
    chosen: str
    rejected: str
    chosen_score: float
    rejected_score: float


def preferences(
    queries: Queries,
    rewrites: Mapping[str, Sequence[str]],
    retriever: Retriever,
    relevant: Mapping[str, Collection[str]],
    *,
    k: int = 10,
    score: RankingFunction = gain,
    margin: float = 0.0,
) -> list[Preference]:
    """Return the preferences among each query's own text and its rewrites.

    relevant   query id -> document ids; a query without any gives no preference
    margin     >= 0; what the scores must differ by, more than that

    Raises QueryError for a query without rewrites given and a margin below 0.
    """
    check_k(k)
    if not margin >= 0:
        raise QueryError(f"A margin of {margin} makes no sense.", "Give 0 or more.")
    asked = {name: text for name, text in named(queries).items() if relevant.get(name)}
    missing = next((name for name in asked if name not in rewrites), None)
    if missing is not None:
        raise QueryError(f"Query '{missing}' has no rewrites.", "Give () for none.")
    ways = [
        (name, way)
        for name, text in asked.items()
        for way in dict.fromkeys((text, *rewrites[name]))
    ]
    found = retriever.retrieve({str(i): way for i, (_, way) in enumerate(ways)}, k).by_query()
    scored: dict[str, list[tuple[str, float]]] = {name: [] for name in asked}
    for i, (name, way) in enumerate(ways):
        best = [document for document, _ in found[str(i)]]
        scored[name].append((way, score(best, relevant[name])))
    return [
        _preference(asked[name], one, other)
        for name, each in scored.items()
        for one, other in combinations(each, 2)
        if abs(one[1] - other[1]) > margin
    ]


def _preference(query: str, one: tuple[str, float], other: tuple[str, float]) -> Preference:
    better, worse = (one, other) if one[1] > other[1] else (other, one)
    return Preference(query, better[0], worse[0], better[1], worse[1])


def write_preferences(path: str | Path, found: Iterable[Preference]) -> int:
    """Write preferences as JSON lines: prompt, chosen, rejected, and their scores.

    The prompt asks for one rewrite, in the words that `Rewritten` asks with. Returns how many lines
    were written.
    """
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for each in found:
            row = {
                "prompt": prompt(each.query, 1),
                "chosen": json.dumps([each.chosen], ensure_ascii=False),
                "rejected": json.dumps([each.rejected], ensure_ascii=False),
                "chosen_score": each.chosen_score,
                "rejected_score": each.rejected_score,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count
