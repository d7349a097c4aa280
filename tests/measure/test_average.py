from __future__ import annotations

import math

import numpy as np
import pytest

from everygrain.errors import MeasureError
from everygrain.measure.average import macro_interval, standings
from everygrain.measure.experiment import Experiment
from everygrain.measure.results import Results
from everygrain.measure.scores import Scores

from .comparing import Fixed, collection, first_at


def test_the_interval_is_that_of_a_loop_over_samples_within_each_collection() -> None:
    generator = np.random.default_rng(5)
    values = [generator.random(n) for n in (7, 30, 12)]
    weights = [0.5, 0.25, 0.25]
    average, low, high = macro_interval(values, weights, samples=4000, seed=3)
    assert average == pytest.approx(sum(w * v.mean() for w, v in zip(weights, values, strict=True)))
    other = np.random.default_rng(99)
    means = [
        sum(w * other.choice(v, len(v)).mean() for w, v in zip(weights, values, strict=True))
        for _ in range(4000)
    ]
    # the bounds' own standard error is below .003 here
    assert low == pytest.approx(np.quantile(means, 0.025), abs=0.015)
    assert high == pytest.approx(np.quantile(means, 0.975), abs=0.015)


def test_the_width_is_that_of_the_variances_added() -> None:
    generator = np.random.default_rng(2)
    values = [generator.normal(0, 1, 400), generator.normal(3, 0.2, 900)]
    _, low, high = macro_interval(values, [0.5, 0.5])
    error = math.sqrt(sum((v.var() / len(v)) for v in values)) / 2
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.05)


def test_the_order_of_queries_does_not_matter() -> None:
    values = np.random.default_rng(0).random(20)
    assert macro_interval([values], [1.0]) == macro_interval([values[::-1]], [1.0])


@pytest.mark.parametrize(("values", "weights"), [([], []), ([[1.0]], [0.5]), ([[1.0]], [0.5, 0.5])])
def test_weights_that_do_not_fit_are_refused(values, weights) -> None:
    with pytest.raises(MeasureError, match="sum to"):
        macro_interval([np.array(v) for v in values], weights)


def results() -> Results:
    """Reciprocal ranks: by hand 1, 1/2, 0, 1 for a and 1/2, 1/2, 1/2, 1/2 for b, everywhere."""
    systems = {"a": Fixed("a", first_at(1, 2, 0, 1)), "b": Fixed("b", first_at(2, 2, 2, 2))}
    return Experiment(systems, [collection(n) for n in "xyz"], ["RR@10"], "a", k=10).run()


def test_collections_of_a_group_count_as_one() -> None:
    found = results()
    # only x differs: a is made worse there, by hand
    worse = Scores(found.scores["x", "a"].queries, ("RR@10",), np.zeros((4, 1)))
    scores = {**found.scores, ("x", "a"): worse}
    figures = tuple(
        f if (f.collection, f.system) != ("x", "a") else type(f)(**{**vars(f), "mean": 0.0})
        for f in found.figures
    )
    changed = Results(figures, found.costs, scores, "a", 0, 10)
    alone = standings(changed, "RR@10", {})
    grouped = standings(changed, "RR@10", {"y": "g", "z": "g"})
    assert {each.system: each.average for each in alone} == pytest.approx(
        {"a": (0 + 0.625 + 0.625) / 3, "b": 0.5}
    )
    assert {each.system: each.average for each in grouped} == pytest.approx(
        {"a": (0 + 0.625) / 2, "b": 0.5}
    )
    assert dict(grouped[1].columns) == pytest.approx({"x": 0.0, "g": 0.625})


def test_systems_are_ranked_by_their_average_and_compared_with_the_baseline() -> None:
    board = standings(results(), "RR@10", {})
    assert [(each.system, each.rank) for each in board] == [("a", 1), ("b", 2)]
    assert board[0].difference == board[0].difference_low == board[0].difference_high == 0
    assert board[1].difference == pytest.approx(-0.125)
    assert board[1].difference_low < -0.125 < board[1].difference_high
    assert (board[1].wins, board[1].losses) == (0, 0)
    assert board[0].to_json()["columns"] == {"x": 0.625, "y": 0.625, "z": 0.625}


def test_equal_averages_share_the_better_rank() -> None:
    systems = {n: Fixed(n, first_at(1, 2, 0, 1)) for n in "ab"}
    run = Experiment(systems, [collection("x")], ["RR@10"], k=10).run()
    assert [each.rank for each in standings(run, "RR@10", {})] == [1, 1]
