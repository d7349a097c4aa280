"""The p-values of a family of comparisons -> p-values that hold for the family."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from everygrain.errors import MeasureError
from everygrain.measure.pairs import Values


def bonferroni(p_values: npt.ArrayLike) -> Values:
    """Return each p times the number of comparisons, at most 1, in the order given.

    p_values   (m,) in [0, 1]
    Source: Dunn, Multiple Comparisons Among Means, 1961.
    Raises MeasureError for values out of range or not in one row.
    """
    given = _checked(p_values)
    return np.minimum(given * len(given), 1.0)


def holm(p_values: npt.ArrayLike) -> Values:
    """Return Holm's step-down correction, in the order given.

    It keeps the chance of any false finding in the family as Bonferroni's does, and is never
    larger: the smallest p is multiplied by m, the next by m - 1, and so on, and none may fall
    below the one before.
    p_values   (m,) in [0, 1]
    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
    Raises MeasureError for values out of range or not in one row.
    """
    given = _checked(p_values)
    order = np.argsort(given, kind="stable")
    factors = np.arange(len(given), 0, -1)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return corrected


def _checked(p_values: npt.ArrayLike) -> Values:
    given = np.asarray(p_values, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise MeasureError("The p-values are not a row of numbers in [0, 1].", "Mend the test.")
    return given
