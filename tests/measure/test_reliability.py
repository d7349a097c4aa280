"""Agreement, against published figures, sklearn, and the definitions written out in loops."""

from __future__ import annotations

from itertools import permutations
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from everygrain.errors import MeasureError
from everygrain.measure.reliability import (
    alpha_nominal,
    alpha_ordinal,
    by_unit,
    confusion,
    judge_pairs,
    kappa,
    squared_distance,
)

GRADES = [0, 1, 2, 3]
# two psychiatrists, three diagnoses, 200 patients: Cohen (1960, 1968)
COHEN = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]], dtype=float)
# four observers, twelve units, 0 for none: Krippendorff (2011), section C
KRIPPENDORFF = ["123321412000", "123322412503", "033323422510", "123324412510"]


def test_kappa_is_what_cohen_published() -> None:
    assert kappa(COHEN) == pytest.approx((0.70 - 0.41) / (1 - 0.41), abs=1e-12)  # .492
    weights = np.array([[0, 1, 3], [1, 0, 6], [3, 6, 0]], dtype=float)
    assert kappa(COHEN, weights) == pytest.approx(1 - 0.90 / 1.38, abs=1e-12)  # .348


def test_alpha_is_what_krippendorff_published() -> None:
    units = [[int(c) for c in column if c != "0"] for column in zip(*KRIPPENDORFF, strict=True)]
    assert alpha_nominal(units) == pytest.approx(0.743, abs=5e-4)
    assert alpha_ordinal(units) == pytest.approx(0.815, abs=5e-4)


pairs = st.lists(st.tuples(st.sampled_from(GRADES), st.sampled_from(GRADES)), min_size=1)


@given(pairs)
def test_kappa_equals_that_of_sklearn(given_grades: list[tuple[int, int]]) -> None:
    first, second = (dict(enumerate(each)) for each in zip(*given_grades, strict=True))
    table = confusion(first, second, GRADES)
    for weights, disagreement in ((None, None), ("quadratic", squared_distance(GRADES))):
        ours = kappa(table, disagreement)
        if len(set(first.values()) | set(second.values())) == 1:
            assert isnan(ours)
            continue
        theirs = cohen_kappa_score(
            list(first.values()), list(second.values()), labels=GRADES, weights=weights
        )
        assert ours == pytest.approx(theirs, abs=1e-12)


def looped(units: list[list[int]], ordinal: bool) -> float:
    """Krippendorff's alpha by its definition: every ordered pair of values is looked at."""
    units = [unit for unit in units if len(unit) > 1]
    every = [value for unit in units for value in unit]

    def distance(c: int, k: int) -> float:
        if not ordinal:
            return float(c != k)
        low, high = min(c, k), max(c, k)
        between = sum(low <= value <= high for value in every)
        return (between - (every.count(c) + every.count(k)) / 2) ** 2

    if not every:
        return nan
    observed = sum(
        distance(c, k) / (len(unit) - 1) for unit in units for c, k in permutations(unit, 2)
    ) / len(every)
    expected = sum(distance(c, k) for c, k in permutations(every, 2))
    expected /= len(every) * (len(every) - 1)
    return 1 - observed / expected if expected else nan


@given(st.lists(st.lists(st.sampled_from(GRADES), max_size=4), max_size=12))
def test_alpha_equals_its_definition_in_loops(units: list[list[int]]) -> None:
    assert alpha_nominal(units) == pytest.approx(looped(units, False), abs=1e-12, nan_ok=True)
    assert alpha_ordinal(units) == pytest.approx(looped(units, True), abs=1e-12, nan_ok=True)


def test_documents_with_one_grade_say_nothing_of_agreement() -> None:
    units = [[0, 0], [1, 2], [3, 3]]
    assert alpha_ordinal([*units, [3], [], [1]]) == alpha_ordinal(units)
    assert isnan(alpha_nominal([[1], [2]]))
    assert isnan(alpha_nominal([]))


def test_full_agreement_is_one_and_one_grade_throughout_is_undefined() -> None:
    same = {"a": 0, "b": 3, "c": 1}
    (pair,) = judge_pairs({"ada": same, "bob": same}, GRADES)
    assert (pair.kappa, pair.quadratic, alpha_nominal([[0, 0], [3, 3]])) == (1.0, 1.0, 1.0)
    (pair,) = judge_pairs({"ada": {"a": 2}, "bob": {"a": 2}}, GRADES)
    assert isnan(pair.kappa)
    assert isnan(pair.quadratic)


def test_only_what_both_judges_graded_is_compared() -> None:
    grades = {"ada": {"a": 0, "b": 3, "c": 1}, "bob": {"b": 3, "c": 2, "d": 0}, "eve": {"d": 1}}
    found = judge_pairs(grades, GRADES)
    assert [(p.first, p.second, p.both, p.same) for p in found] == [
        ("ada", "bob", 2, 1),
        ("ada", "eve", 0, 0),
        ("bob", "eve", 1, 0),
    ]
    assert found[0].table[1][2] == 1
    assert sorted(by_unit(grades)) == [[0], [0, 1], [1, 2], [3, 3]]


def test_a_grade_outside_the_scale_is_an_error() -> None:
    with pytest.raises(MeasureError, match="no grade 7"):
        confusion({"a": 7}, {"a": 1}, GRADES)
