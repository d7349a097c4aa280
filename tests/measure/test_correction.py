import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import MeasureError
from everygrain.measure.correction import bonferroni, holm

SHARES = st.lists(st.floats(0, 1, allow_nan=False), max_size=12)
BOTH = pytest.mark.parametrize("correct", [holm, bonferroni])


def stepped_down(p_values):
    """Write Holm's procedure out: at every level, reject from the smallest p up until one fails."""

    def rejected(level):
        found = set()
        left = sorted(range(len(p_values)), key=lambda i: p_values[i])
        for step, i in enumerate(left):
            if p_values[i] * (len(p_values) - step) > level:
                break
            found.add(i)
        return found

    products = [p * factor for p in p_values for factor in range(1, len(p_values) + 1)]
    levels = sorted({1.0, *(product for product in products if product < 1)})
    return [
        min((level for level in levels if i in rejected(level)), default=1.0)
        for i in range(len(p_values))
    ]


def test_holm_on_four_values_worked_out_by_hand():
    # In order 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1, which may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)


def test_bonferroni_on_four_values_worked_out_by_hand():
    assert bonferroni([0.01, 0.04, 0.3, 0.005]) == pytest.approx([0.04, 0.16, 1.0, 0.02], abs=1e-15)


@given(SHARES)
def test_holm_equals_the_smallest_level_at_which_the_procedure_rejects(p_values):
    assert holm(p_values).tolist() == pytest.approx(stepped_down(p_values), abs=1e-12)


@BOTH
@given(p_values=SHARES)
def test_no_value_falls_none_passes_one_and_their_order_stays(correct, p_values):
    corrected = correct(p_values)
    assert (corrected >= np.array(p_values)).all()
    assert (corrected <= 1).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


@given(SHARES)
def test_holm_is_never_above_bonferroni(p_values):
    assert (holm(p_values) <= bonferroni(p_values)).all()


@BOTH
@given(p_values=SHARES, data=st.data())
def test_the_order_of_comparisons_changes_nothing(correct, p_values, data):
    order = data.draw(st.permutations(range(len(p_values))))
    mixed = correct([p_values[i] for i in order])
    assert mixed.tolist() == [correct(p_values)[i] for i in order]


@BOTH
def test_one_comparison_needs_no_correction(correct):
    assert correct([0.03]).tolist() == [0.03]
    assert correct([]).tolist() == []


@BOTH
@pytest.mark.parametrize("p_values", [[-0.1], [1.1], [math.nan], [[0.5]]])
def test_what_is_no_row_of_chances_is_an_error(correct, p_values):
    with pytest.raises(MeasureError):
        correct(p_values)
