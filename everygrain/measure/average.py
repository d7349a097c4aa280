"""Figures of several collections -> their average, with an interval, and a leaderboard of systems.

A suite is a fixed list of collections, each with a sample of queries: the bootstrap draws queries
within each collection and leaves the collections and their weights as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from everygrain.errors import MeasureError
from everygrain.measure.pairs import Values, checked_values, differences
from everygrain.measure.results import Results

SAMPLES = 10_000
DRAWN_AT_ONCE = 2**22


@dataclass(frozen=True)
class Standing:
    """A system's average by one measure, in the measure's unit.

    rank              from 1, by the average; equal averages share the better rank
    low, high         95 % percentile bootstrap interval of the average
    difference        to the baseline's average
    difference_low, difference_high   its 95 % interval, of the queries' differences
    wins, losses      collections on which it is significantly better, or worse, than the baseline
    columns           mean of each collection, or group of them
    """

    system: str
    rank: int
    average: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    wins: int
    losses: int
    columns: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, null for NaN."""
        told = asdict(self)
        return {n: None if isinstance(v, float) and math.isnan(v) else v for n, v in told.items()}


def macro_interval(
    values: Sequence[Values],
    weights: Sequence[float],
    *,
    confidence: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return the weighted mean of collections' means, and bounds of its interval.

    values    per collection, (n,) a value for each of its queries
    weights   per collection, which sum to 1

    Raises MeasureError for no collection, other numbers of weights, weights that do not sum to 1,
    and values that are empty or not finite.
    """
    if not values or len(values) != len(weights) or abs(math.fsum(weights) - 1) > 1e-9:
        raise MeasureError(
            f"{len(values)} collections with {len(weights)} weights that sum to "
            f"{math.fsum(weights):g}.",
            "Give one weight for each, which sum to 1.",
        )
    means = np.zeros(samples)
    average = 0.0
    for place, (row, weight) in enumerate(zip(values, weights, strict=True)):
        ordered = np.sort(checked_values(row))
        generator = np.random.default_rng([seed, place])
        step = max(1, DRAWN_AT_ONCE // len(ordered))
        for start in range(0, samples, step):
            drawn = generator.integers(0, len(ordered), (min(step, samples - start), len(ordered)))
            means[start : start + step] += weight * ordered[drawn].mean(axis=1)
        average += weight * math.fsum(ordered) / len(ordered)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return average, float(low), float(high)


def standings(results: Results, measure: str, groups: Mapping[str, str]) -> list[Standing]:
    """Return the systems of a suite by their average, best first, then in their order.

    groups   collection -> its column; a column's collections share the weight of one

    Raises MeasureError for a measure that was not taken.
    """
    columns = {name: groups.get(name, name) for name in results.collections}
    names = list(dict.fromkeys(columns.values()))
    sizes = {name: list(columns.values()).count(name) for name in names}
    weights = [1 / (len(names) * sizes[columns[each]]) for each in results.collections]
    figures = {(f.collection, f.system): f for c in columns for f in results.of(c, measure)}
    found = []
    for system in results.systems:
        values = [results.values(c, system, measure) for c in columns]
        base = [results.values(c, results.baseline, measure) for c in columns]
        gaps = [differences(*both) for both in zip(values, base, strict=True)]
        average, low, high = macro_interval(values, weights, seed=results.seed)
        difference, least, most = macro_interval(gaps, weights, seed=results.seed)
        mine = [figures[c, system] for c in columns]
        means = {
            name: math.fsum(figures[c, system].mean for c in columns if columns[c] == name)
            / sizes[name]
            for name in names
        }
        wins = sum(f.significant and f.difference > 0 for f in mine)
        losses = sum(f.significant and f.difference < 0 for f in mine)
        found.append(Standing(system, 0, average, low, high, difference, least, most,
                              wins, losses, means))  # fmt: skip
    found.sort(key=lambda each: -each.average)
    averages = [each.average for each in found]
    return [Standing(**{**vars(each), "rank": 1 + averages.index(each.average)}) for each in found]
