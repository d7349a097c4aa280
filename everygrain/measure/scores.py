"""What a system reached: a figure per query and measure, their means, and a table of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, eq=False)
class Scores:
    """Figures of one system on one collection.

    queries    ids of the n queries that were scored
    measures   names of the m measures, as they were asked for
    values     (n, m) float64

    Raises MeasureError if the shapes do not agree.
    """

    queries: tuple[str, ...]
    measures: tuple[str, ...]
    values: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.queries), len(self.measures)):
            raise MeasureError(
                f"Values of shape {self.values.shape} for {len(self.queries)} queries and "
                f"{len(self.measures)} measures.",
                "Give one row per query, one column per measure.",
            )

    def of(self, measure: str) -> npt.NDArray[np.float64]:
        """Return one measure's (n,) values. Raises MeasureError if it was not asked for."""
        if measure not in self.measures:
            raise MeasureError(
                f"'{measure}' was not measured.", f"There are {', '.join(self.measures)}."
            )
        return self.values[:, self.measures.index(measure)]

    def mean(self) -> dict[str, float]:
        """Return measure -> mean over all queries, also of measures that count."""
        return {name: float(self.of(name).mean()) for name in self.measures}

    def to_arrow(self) -> pyarrow.Table:
        """Return an Arrow table: query_id, and a column of float64 for every measure."""
        import pyarrow

        columns = {"query_id": pyarrow.array(self.queries, pyarrow.string())}
        columns |= {name: pyarrow.array(self.of(name)) for name in self.measures}
        return pyarrow.table(columns)

    @classmethod
    def from_arrow(cls, table: pyarrow.Table) -> Scores:
        """Read what `to_arrow` wrote. Raises MeasureError for a table of another kind."""
        names = tuple(table.column_names[1:])
        if table.column_names[:1] != ["query_id"] or not names:
            raise MeasureError("The table holds no scores.", "Its first column is query_id.")
        values = np.column_stack([table[name].to_numpy() for name in names]).astype(np.float64)
        return cls(tuple(table["query_id"].to_pylist()), names, values)

    def write_parquet(self, path: str | Path) -> None:
        """Write the table of `to_arrow` to a Parquet file."""
        import pyarrow.parquet

        pyarrow.parquet.write_table(self.to_arrow(), path)

    @classmethod
    def read_parquet(cls, path: str | Path) -> Scores:
        """Read what `write_parquet` wrote."""
        import pyarrow.parquet

        return cls.from_arrow(pyarrow.parquet.read_table(path))
