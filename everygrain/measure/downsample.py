"""A suite of tasks -> fewer tasks that rank systems as the whole suite does.

Tasks that measure the same thing are paid for twice. Greedily, the task is removed whose figures
are best predicted from those of the others: each system's figure by a ridge regression that is
fitted to the other systems, compared by Spearman's rho with what was measured. It stops where the
best-predicted task is no longer predicted well enough, or where the order of the systems by their
mean would agree too little with that of the whole suite.

`everygrain.measure.small` makes the collections smaller that are left.

Source: MMTEB: Massive Multilingual Text Embedding Benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError
from everygrain.measure.agreement import Agreement, agreement, spearmans
from everygrain.measure.pairs import Values

FEWEST_SYSTEMS = 4
RIDGE = 0.1


@dataclass(frozen=True, eq=False)
class Table:
    """Figures of systems on tasks.

    values   (systems, tasks) float64, higher is better

    Raises MeasureError where the shape does not agree with the names, a name occurs twice, a
    figure is missing (NaN), or there are fewer than four systems or two tasks.
    """

    systems: tuple[str, ...]
    tasks: tuple[str, ...]
    values: Values

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.systems), len(self.tasks)):
            raise MeasureError(
                f"Figures of shape {self.values.shape} for {len(self.systems)} systems and "
                f"{len(self.tasks)} tasks.",
                "Give a row per system, a column per task.",
            )
        for names in (self.systems, self.tasks):
            if len(set(names)) < len(names):
                raise MeasureError("Two rows or columns have one name.", "Name each once.")
        if len(self.systems) < FEWEST_SYSTEMS or len(self.tasks) < 2:
            raise MeasureError(
                f"{len(self.systems)} systems on {len(self.tasks)} tasks tell too little.",
                f"Give at least {FEWEST_SYSTEMS} systems and 2 tasks.",
            )
        if not np.isfinite(self.values).all():
            raise MeasureError("A figure is missing.", "Run every system on every task.")

    def of(self, tasks: Sequence[str]) -> Values:
        """Return (systems,) means over some tasks. Raises MeasureError for an unknown one."""
        for task in tasks:
            if task not in self.tasks:
                raise MeasureError(f"There is no task '{task}'.", "Name those of the table.")
        mean: Values = self.values[:, [self.tasks.index(task) for task in tasks]].mean(axis=1)
        return mean


@dataclass(frozen=True)
class Step:
    """A task that was removed.

    predicted   Spearman's rho of its figures with those predicted from the tasks then left
    spearman    of the systems' means over what is left after it with those over all tasks
    """

    task: str
    predicted: float
    spearman: float


@dataclass(frozen=True)
class Downsampled:
    """A smaller suite.

    kept        the tasks that are left, in the order of the table
    steps       the removed ones, in order
    agreement   of the systems' means over kept and over all tasks, on the systems given
    """

    kept: tuple[str, ...]
    steps: tuple[Step, ...]
    agreement: Agreement


def downsample(
    table: Table,
    *,
    predicted: float = 0.8,
    floor: float = 0.95,
    least: int = 2,
    ridge: float = RIDGE,
    seed: int = 0,
) -> Downsampled:
    """Remove tasks, the best predicted one first.

    predicted   a task goes only if it is predicted at least so well (Spearman's rho)
    floor       Spearman's rho with the whole suite's order of systems that must be kept
    least       number of tasks that stay in any case, at least 1
    ridge       penalty of the regression, per system, on figures scaled to variance 1 (> 0)

    Where two are predicted equally well, the later one goes. The systems that were used to choose
    also say how well the choice holds: check it on others, as benchmarks/downsampling.py does.
    """
    if not 1 <= least <= len(table.tasks):
        raise MeasureError(f"{least} tasks are to stay.", f"Use 1 to {len(table.tasks)}.")
    if not ridge > 0:
        raise MeasureError(f"The ridge penalty is {ridge}.", "Use a number above 0.")
    kept, steps = list(table.tasks), list[Step]()
    whole = table.of(table.tasks)
    ones = np.ones((1, len(table.systems)))
    while len(kept) > least and len(kept) > 1:
        columns = table.values[:, [table.tasks.index(task) for task in kept]]
        scores = predictability(columns, ridge)
        best = len(kept) - 1 - int(np.argmax(scores[::-1]))
        if scores[best] < predicted:
            break
        left = kept[:best] + kept[best + 1 :]
        rho = float(spearmans(table.of(left), whole, ones)[0])
        if not rho >= floor:
            break
        steps.append(Step(kept[best], float(scores[best]), rho))
        kept = left
    found = agreement(table.of(kept), whole, seed=seed)
    return Downsampled(tuple(kept), tuple(steps), found)


def predictability(values: npt.ArrayLike, ridge: float = RIDGE) -> Values:
    """Return (tasks,) Spearman's rho of each task's figures with those predicted for it.

    values   (systems, tasks)

    Each system is predicted by a regression on the other systems. A task on which all systems are
    equal is foretold by anything and tells nothing: 1.
    """
    figures = np.asarray(values, dtype=np.float64)
    ones = np.ones((1, len(figures)))
    found = np.ones(figures.shape[1])
    for task in range(figures.shape[1]):
        if np.ptp(figures[:, task]) > 0:
            told = left_out(np.delete(figures, task, axis=1), figures[:, task], ridge)
            rho = spearmans(told, figures[:, task], ones)[0]
            found[task] = 0.0 if np.isnan(rho) else rho
    return found


def left_out(known: Values, wanted: Values, ridge: float = RIDGE) -> Values:
    """Return (n,) predictions, each by a ridge regression with a constant on the other n - 1.

    known    (n, m) what is predicted from; columns are scaled to variance 1 over all n
    wanted   (n,) what is predicted

    Computed from one fit: the error of a row that is left out is its error within the fit divided
    by 1 - h, where h is the row's weight in its own prediction.
    """
    spread = known.std(axis=0)
    scaled = (known - known.mean(axis=0)) / np.where(spread > 0, spread, 1)
    n, m = scaled.shape
    inner = scaled.T @ scaled + ridge * n * np.eye(m)
    hat = scaled @ np.linalg.solve(inner, scaled.T) + 1 / n
    errors = (wanted - hat @ wanted) / (1 - np.diag(hat))
    predicted: Values = wanted - errors
    return predicted
