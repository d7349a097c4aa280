"""How far judges agree, beyond what chance would give: Cohen's kappa and Krippendorff's alpha.

    kappa = 1 - sum of w[i, j] observed[i, j] / sum of w[i, j] expected[i, j]
    alpha = 1 - observed disagreement / expected disagreement, over all pairs of grades that were
            given to one document, each document's pairs weighted by 1 / (its grades - 1)

1 is full agreement, 0 what chance gives. Both are NaN where everybody gave one and the same grade
throughout: nothing was told apart, so nothing can be said of agreement.

Sources: Cohen, A coefficient of agreement for nominal scales (1960); Cohen, Weighted kappa (1968);
Krippendorff, Computing Krippendorff's alpha-reliability (2011).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError

Floats = npt.NDArray[np.float64]
Unit = TypeVar("Unit", bound=Hashable)


def confusion(
    first: Mapping[Unit, int], second: Mapping[Unit, int], grades: Sequence[int]
) -> Floats:
    """Return how often the first judge gave grade i where the second gave j: (grades, grades).

    Only what both have graded counts. Raises MeasureError for a grade that is not in the list.
    """
    place = {grade: i for i, grade in enumerate(grades)}
    table = np.zeros((len(grades), len(grades)))
    for unit in first.keys() & second.keys():
        for grade in (first[unit], second[unit]):
            if grade not in place:
                raise MeasureError(f"There is no grade {grade!r}.", f"There are {list(grades)}.")
        table[place[first[unit]], place[second[unit]]] += 1
    return table


def kappa(table: Floats, disagreement: Floats | None = None) -> float:
    """Return Cohen's kappa of a confusion table.

    disagreement   (grades, grades) weights, 0 on the diagonal; 1 for every other pair if None
    """
    if disagreement is None:
        disagreement = 1.0 - np.eye(len(table))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    chance = float((disagreement * expected).sum())
    if not chance:
        return float("nan")
    return 1.0 - float((disagreement * table).sum()) * float(table.sum()) / chance


def squared_distance(values: Sequence[float]) -> Floats:
    """Return (values[i] - values[j]) ** 2: of grades, the weights of quadratic kappa."""
    column = np.array(values, dtype=np.float64)
    distance: Floats = np.subtract.outer(column, column) ** 2
    return distance


def alpha_nominal(units: Iterable[Sequence[int]]) -> float:
    """Return Krippendorff's alpha where two grades are the same or not.

    units   for each document the grades that it got, by however many judges; those with fewer
            than two count for nothing
    """
    coincidences = _coincidences(units)
    return _alpha(coincidences, 1.0 - np.eye(len(coincidences)))


def alpha_ordinal(units: Iterable[Sequence[int]]) -> float:
    """Return Krippendorff's alpha where grades have an order: two are as far apart as there are
    grades given from one to the other, of their own only half."""
    coincidences = _coincidences(units)
    totals = coincidences.sum(axis=1)
    return _alpha(coincidences, squared_distance((np.cumsum(totals) - totals / 2).tolist()))


@dataclass(frozen=True)
class JudgePair:
    """How far two judges agree on what both have graded.

    table       how often the first gave grade i where the second gave j
    kappa       Cohen's
    quadratic   Cohen's, weighted by the squared distance of the grades
    """

    first: str
    second: str
    table: tuple[tuple[int, ...], ...]
    kappa: float
    quadratic: float

    @property
    def both(self) -> int:
        """Return the number of documents that both have graded."""
        return sum(map(sum, self.table))

    @property
    def same(self) -> int:
        """Return to how many of them both gave one grade."""
        return sum(row[i] for i, row in enumerate(self.table))


def judge_pairs(grades: Mapping[str, Mapping[Unit, int]], scale: Sequence[int]) -> list[JudgePair]:
    """Return every two judges, in the order they are given.

    grades   judge -> document -> grade
    """
    found = []
    for first, second in combinations(grades, 2):
        table = confusion(grades[first], grades[second], scale)
        counts = tuple(tuple(int(count) for count in row) for row in table)
        weighted = kappa(table, squared_distance(scale))
        found.append(JudgePair(first, second, counts, kappa(table), weighted))
    return found


def by_unit(grades: Mapping[str, Mapping[Unit, int]]) -> list[list[int]]:
    """Return the grades of each document, whoever gave them."""
    units: dict[Unit, list[int]] = {}
    for each in grades.values():
        for unit, grade in each.items():
            units.setdefault(unit, []).append(grade)
    return list(units.values())


def _coincidences(units: Iterable[Sequence[int]]) -> Floats:
    """Return how often two grades met in one document, by the grades that occur, in order."""
    paired = [unit for unit in units if len(unit) > 1]
    values = sorted({grade for unit in paired for grade in unit})
    place = {grade: i for i, grade in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in paired:
        counts = np.bincount([place[grade] for grade in unit], minlength=len(values))
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    return coincidences


def _alpha(coincidences: Floats, distance: Floats) -> float:
    totals = coincidences.sum(axis=1)
    expected = float((distance * np.outer(totals, totals)).sum())
    if not expected:
        return float("nan")
    observed = float((distance * coincidences).sum())
    return 1.0 - (float(totals.sum()) - 1.0) * observed / expected
