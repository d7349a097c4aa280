"""What an experiment found: figures, costs, and the value of every query."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError
from everygrain.measure.scores import Scores

if TYPE_CHECKING:
    import pyarrow

LEVEL = 0.05


@dataclass(frozen=True)
class Figure:
    """One system on one collection by one measure, in the measure's unit.

    n             number of queries, those without results included
    low, high     95 % BCa bootstrap interval of the mean; NaN for a single query
    difference    mean minus the baseline's mean
    p             of the paired randomisation test against the baseline; NaN for the baseline
    p_corrected   p after Holm's correction over all systems of this collection and measure
    """

    collection: str
    system: str
    measure: str
    n: int
    mean: float
    low: float
    high: float
    difference: float
    p: float
    p_corrected: float

    @property
    def compared(self) -> bool:
        """Tell whether this is a system beside the baseline."""
        return not math.isnan(self.p)

    @property
    def significant(self) -> bool:
        """Tell whether it differs from the baseline at the 5 % level, after correction."""
        return self.p_corrected < LEVEL


@dataclass(frozen=True)
class Cost:
    """What a system took on one collection, shared parts counted in full.

    seconds              to answer all queries, one after the other
    queries_per_second   NaN where that took no measurable time
    build_seconds        to build what it searches; None where it was there before
    index_bytes          on the disk; None where it searches no index that is known
    model_calls          while it searched; None where no part of it counts them
    """

    collection: str
    system: str
    queries: int
    seconds: float
    queries_per_second: float
    build_seconds: float | None
    index_bytes: int | None
    model_calls: int | None


@dataclass(frozen=True, eq=False)
class Results:
    """Figures and costs, in the order of collections, measures and systems.

    scores   (collection, system) -> the values of all its queries
    k        how many documents were asked for
    """

    figures: tuple[Figure, ...]
    costs: tuple[Cost, ...]
    scores: Mapping[tuple[str, str], Scores]
    baseline: str
    seed: int
    k: int

    @property
    def collections(self) -> list[str]:
        return list(dict.fromkeys(each.collection for each in self.figures))

    @property
    def systems(self) -> list[str]:
        return list(dict.fromkeys(each.system for each in self.figures))

    @property
    def measures(self) -> list[str]:
        return list(dict.fromkeys(each.measure for each in self.figures))

    def of(self, collection: str, measure: str) -> list[Figure]:
        """Return the systems' figures. Raises MeasureError where there are none."""
        found = [e for e in self.figures if (e.collection, e.measure) == (collection, measure)]
        if not found:
            raise MeasureError(
                f"'{collection}' was not measured by '{measure}'.",
                f"There are {', '.join(self.collections)} by {', '.join(self.measures)}.",
            )
        return found

    def costs_of(self, collection: str) -> list[Cost]:
        return [each for each in self.costs if each.collection == collection]

    def values(self, collection: str, system: str, measure: str) -> npt.NDArray[np.float64]:
        """Return (n,) values, in the order of the collection's judgements."""
        return self.scores[collection, system].of(measure)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, null for NaN. All but `costs` is the same in every run."""
        return {
            "baseline": self.baseline,
            "seed": self.seed,
            "k": self.k,
            "figures": [_without_nan(asdict(each)) for each in self.figures],
            "costs": [_without_nan(asdict(each)) for each in self.costs],
        }

    def to_arrow(self) -> pyarrow.Table:
        """Return a row per collection, system and query, with a column for every measure."""
        import pyarrow

        tables = []
        for (collection, system), scores in self.scores.items():
            table = scores.to_arrow()
            for place, (name, value) in enumerate((("collection", collection), ("system", system))):
                column = pyarrow.array([value] * len(table), pyarrow.string())
                table = table.add_column(place, name, column)
            tables.append(table)
        return pyarrow.concat_tables(tables)

    def write_parquet(self, path: str | Path) -> None:
        """Write the table of `to_arrow` to a Parquet file."""
        import pyarrow.parquet

        pyarrow.parquet.write_table(self.to_arrow(), path)


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
