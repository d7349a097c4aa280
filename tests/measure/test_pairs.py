import math

import numpy as np
import pytest

from everygrain.errors import MeasureError
from everygrain.measure.pairs import Outcomes, differences, effect_size, outcomes


def test_differences_are_first_minus_second():
    assert differences([0.5, 1.0], [0.25, 1.0]).tolist() == [0.25, 0.0]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([1.0], [1.0, 2.0], "1 values against 2"),
        ([], [], "shape"),
        ([[1.0]], [[1.0]], "shape"),
        (1.0, 1.0, "shape"),
        ([math.nan], [1.0], "NaN"),
        ([1.0], [math.inf], "infinite"),
    ],
)
def test_values_that_cannot_be_compared_are_an_error(first, second, said):
    with pytest.raises(MeasureError, match=said):
        differences(first, second)


def test_wins_ties_and_losses_are_counted_and_rounding_is_a_tie():
    first = [0.1 + 0.2, 1.0, 0.0, 0.5]
    assert outcomes(first, [0.3, 0.5, 0.5, 0.25]) == Outcomes(wins=2, ties=1, losses=1)
    assert outcomes(first, [0.3, 0.5, 0.5, 0.25], margin=0.3) == Outcomes(1, 2, 1)


def test_the_effect_size_is_the_mean_difference_over_its_deviation_worked_out_by_hand():
    # The differences are 1, 2, 3: mean 2, standard deviation 1.
    assert effect_size([1, 2, 3], [0, 0, 0]) == 2.0
    assert effect_size([0, 0, 0], [1, 2, 3]) == -2.0


def test_the_effect_size_of_degenerate_samples_is_stated():
    assert effect_size([1, 1], [1, 1]) == 0.0
    assert effect_size([1], [1]) == 0.0
    assert math.isnan(effect_size([1], [0]))
    assert effect_size([1, 1], [2, 2]) == -np.inf
