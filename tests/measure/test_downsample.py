from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from everygrain.errors import MeasureError
from everygrain.measure.downsample import Table, downsample, left_out, predictability


def planted(copies: tuple[int, ...], systems: int = 24, noise: float = 0.01, seed: int = 0):
    """Make a table in which the tasks 'a0', 'a1', ... are one task with noise, 'b0', ... another.

    The groups are independent of each other."""
    generator = np.random.default_rng(seed)
    names, columns = [], []
    for letter, count in zip("abcdefgh", copies, strict=False):
        truth = generator.normal(0.5, 0.1, systems)
        for i in range(count):
            names.append(f"{letter}{i}")
            columns.append(truth + generator.normal(0, noise, systems))
    values = np.array(columns).T
    return Table(tuple(f"s{i}" for i in range(systems)), tuple(names), values)


def refitted(known: np.ndarray, wanted: np.ndarray, ridge: float) -> np.ndarray:
    """Predict each row by a regression fitted anew without it, by least squares on added rows."""
    scaled = (known - known.mean(axis=0)) / known.std(axis=0)
    n, m = scaled.shape
    told = np.empty(n)
    for i in range(n):
        rest = np.delete(np.arange(n), i)
        rows = np.column_stack([np.ones(n - 1), scaled[rest]])
        penalty = np.sqrt(ridge * n) * np.column_stack([np.zeros(m), np.eye(m)])
        both, goal = np.vstack([rows, penalty]), np.concatenate([wanted[rest], np.zeros(m)])
        weights = np.linalg.lstsq(both, goal, rcond=None)[0]
        told[i] = weights[0] + scaled[i] @ weights[1:]
    return told


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 14), st.integers(1, 6), st.sampled_from([0.01, 0.1, 1.0]), st.integers(0, 99))
def test_predictions_equal_regressions_fitted_anew_without_the_system(n, m, ridge, seed) -> None:
    generator = np.random.default_rng(seed)
    known, wanted = generator.normal(size=(n, m)), generator.normal(size=n)
    assert left_out(known, wanted, ridge) == pytest.approx(refitted(known, wanted, ridge), abs=1e-9)


def test_every_step_takes_what_a_loop_finds_best_predicted() -> None:
    table = planted((3, 2, 1), noise=0.03)
    found = downsample(table, predicted=0.5, floor=0.0)
    assert len(found.steps) >= 3
    kept = list(table.tasks)
    for step in found.steps:
        scores = {}
        for task in kept:
            others = [table.tasks.index(other) for other in kept if other != task]
            wanted = table.values[:, table.tasks.index(task)]
            told = refitted(table.values[:, others], wanted, 0.1)
            scores[task] = stats.spearmanr(told, wanted)[0]
        assert step.task == max(scores, key=scores.__getitem__)
        assert step.predicted == pytest.approx(max(scores.values()), abs=1e-12)
        kept.remove(step.task)
        rho = stats.spearmanr(table.of(kept), table.of(table.tasks))[0]
        assert step.spearman == pytest.approx(rho, abs=1e-12)
    assert found.kept == tuple(kept)


@pytest.mark.parametrize("seed", range(4))
def test_of_planted_copies_one_each_stays_and_single_tasks_stay(seed: int) -> None:
    found = downsample(planted((3, 3, 1, 1), seed=seed), floor=0.0)
    assert sorted(task[0] for task in found.kept) == ["a", "b", "c", "d"]
    assert all(step.task[0] in "ab" for step in found.steps)
    assert all(step.predicted > 0.9 for step in found.steps)


@pytest.mark.parametrize("seed", range(3))
def test_with_equal_numbers_of_copies_the_order_is_kept_nearly_as_well_as_any_subset_keeps_it(seed):
    table = planted((2, 2, 2), seed=seed)
    found = downsample(table, floor=0.0, least=3)
    assert len(found.kept) == 3
    whole = table.of(table.tasks)
    reached = {
        subset: stats.spearmanr(table.of(subset), whole)[0]
        for subset in combinations(table.tasks, 3)
    }
    assert found.agreement.spearman.value == pytest.approx(reached[found.kept])
    assert reached[found.kept] >= max(reached.values()) - 0.02
    assert reached[found.kept] > np.median(list(reached.values()))


def test_the_floor_stops_before_the_order_of_systems_is_lost() -> None:
    table = planted((5, 1, 1), seed=3)
    low, high = downsample(table, floor=0.0), downsample(table, floor=0.99)
    assert len(high.kept) > len(low.kept)
    assert high.agreement.spearman.value >= 0.99
    assert all(step.spearman >= 0.99 for step in high.steps)
    assert downsample(table, predicted=1.1).kept == table.tasks
    assert len(downsample(table, predicted=-1.0, floor=-1.0, least=1).kept) == 1


def test_the_order_of_the_columns_does_not_matter() -> None:
    table = planted((3, 2, 1), noise=0.03)
    turned = Table(table.systems, table.tasks[::-1], table.values[:, ::-1])
    assert set(downsample(table).kept) == set(downsample(turned).kept)


def test_a_task_on_which_all_are_equal_goes_first() -> None:
    table = planted((2, 1, 1))
    flat = Table(table.systems, (*table.tasks, "flat"), np.column_stack([table.values, [0.5] * 24]))
    assert predictability(flat.values)[-1] == 1
    assert downsample(flat).steps[0].task == "flat"


@pytest.mark.parametrize(
    ("systems", "tasks", "values", "told"),
    [
        ("abcd", "xy", np.zeros((4, 3)), "shape"),
        ("abcc", "xy", np.zeros((4, 2)), "one name"),
        ("abc", "xy", np.zeros((3, 2)), "too little"),
        ("abcd", "x", np.zeros((4, 1)), "too little"),
        ("abcd", "xy", np.full((4, 2), np.nan), "missing"),
    ],
)
def test_a_table_that_tells_nothing_is_refused(systems, tasks, values, told: str) -> None:
    with pytest.raises(MeasureError, match=told):
        Table(tuple(systems), tuple(tasks), values)


def test_settings_out_of_range_are_refused() -> None:
    table = planted((2, 1))
    for wrong in ({"least": 0}, {"least": 9}, {"ridge": 0.0}):
        with pytest.raises(MeasureError):
            downsample(table, **wrong)
    with pytest.raises(MeasureError, match="no task 'z'"):
        table.of(["z"])
