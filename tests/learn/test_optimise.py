"""Sharpness-aware steps, on functions whose gradients are worked out by hand."""

import numpy as np
import pytest
import torch

from everygrain.errors import InputError
from everygrain.learn.optimise import SharpnessAware, TaskSharpnessAware, combined


@pytest.fixture(autouse=True)
def one_thread():
    """Tensors here are tiny: threads would only wait for one another on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def quadratic(weights, curvature):
    """Half of sum c w^2: the gradient is c w."""
    return lambda: 0.5 * (torch.tensor(curvature, dtype=torch.float64) * weights.square()).sum()


def at(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_one_step_on_a_quadratic_by_hand():
    weights = at(3.0, 1.0)
    step = SharpnessAware(torch.optim.SGD([weights], lr=0.1), radius=0.5)
    loss = step.step(quadratic(weights, [1.0, 4.0]))
    assert loss.item() == 0.5 * (9 + 4)
    # g = (3, 4), |g| = 5, so w + e = (3.3, 1.4), where the gradient is (3.3, 5.6)
    np.testing.assert_allclose(weights.detach(), [3 - 0.33, 1 - 0.56], rtol=1e-12)


def test_without_a_radius_the_step_is_the_optimisers_own():
    for make in (torch.optim.SGD, torch.optim.Adam):
        own, wrapped = at(3.0, 1.0), at(3.0, 1.0)
        plain = make([own], lr=0.1)
        aware = SharpnessAware(make([wrapped], lr=0.1), radius=0.0)
        for _ in range(3):
            plain.zero_grad()
            quadratic(own, [1.0, 4.0])().backward()
            plain.step()
            aware.step(quadratic(wrapped, [1.0, 4.0]))
        assert own.tolist() == wrapped.tolist()


def test_several_tensors_share_one_radius():
    first, second, unused = at(3.0), at(1.0), at(7.0)
    step = SharpnessAware(torch.optim.SGD([first, second, unused], lr=0.1), radius=0.5)
    step.step(lambda: 0.5 * (first.square() + 4 * second.square()).sum())
    found = [first.item(), second.item(), unused.item()]
    np.testing.assert_allclose(found, [3 - 0.33, 1 - 0.56, 7.0], rtol=1e-12)


def test_a_sparse_table_steps_as_a_dense_one_and_untouched_rows_stay():
    torch.manual_seed(0)
    start = torch.randn(6, 3, dtype=torch.float64)
    tables = []
    for sparse in (True, False):
        table = torch.nn.Embedding.from_pretrained(start.clone(), freeze=False, sparse=sparse)
        step = SharpnessAware(torch.optim.SGD(table.parameters(), lr=0.1), radius=0.3)
        rows = torch.tensor([1, 4, 1])  # one row twice
        step.step(lambda table=table, rows=rows: table(rows).pow(3).sum())
        tables.append(table.weight.detach().numpy())
    np.testing.assert_allclose(*tables, rtol=1e-12)
    np.testing.assert_array_equal(tables[0][[0, 2, 3, 5]], start.numpy()[[0, 2, 3, 5]])


def test_weights_come_back_when_the_closure_fails_half_way():
    weights = at(0.1, 0.7)
    calls = []

    def closure():
        calls.append(0)
        if len(calls) == 2:
            raise ArithmeticError
        return weights.pow(2).sum()

    with pytest.raises(ArithmeticError):
        SharpnessAware(torch.optim.SGD([weights], lr=0.1)).step(closure)
    assert weights.tolist() == [0.1, 0.7]


def test_a_gradient_of_zero_moves_nothing():
    weights = at(0.0, 0.0)
    SharpnessAware(torch.optim.SGD([weights], lr=0.1)).step(quadratic(weights, [1.0, 4.0]))
    assert weights.tolist() == [0.0, 0.0]


def test_tasks_climb_apart_and_their_parts_are_combined_by_hand():
    weights = at(3.0, 4.0)
    tasks = [quadratic(weights, [1.0, 1.0]), lambda: (weights * at(-2.0, 0.0).detach()).sum()]
    step = TaskSharpnessAware(torch.optim.SGD([weights], lr=0.1), radius=0.5, combine="mean")
    losses = [each.item() for each in step.step(tasks)]
    assert losses == [12.5, -6.0]
    # task 1: g = (3, 4), climbs (.3, .4), so f = (.3, .4); task 2 is linear: g = (-2, 0), f = 0
    low = [(3 - 2) / 2, 4 / 2]
    flat = [0.3 / 2, 0.4 / 2]
    expected = [3 - 0.1 * (low[0] + flat[0]), 4 - 0.1 * (low[1] + flat[1])]
    np.testing.assert_allclose(weights.detach(), expected, rtol=1e-12)


def test_projection_takes_out_what_points_against_the_other_task_by_hand():
    gradients = torch.tensor([[3.0, 4.0], [-2.0, 0.0]], dtype=torch.float64)
    # (3, 4).(-2, 0) = -6: (3, 4) + 6/4 (-2, 0) = (0, 4); (-2, 0) + 6/25 (3, 4) = (-1.28, .96)
    found = combined(gradients, "projected")
    np.testing.assert_allclose(found, [-0.64, 2.48], rtol=1e-12)
    agreeing = torch.tensor([[3.0, 4.0], [2.0, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(combined(agreeing, "projected"), agreeing.mean(dim=0))


def test_one_task_alone_steps_as_without_tasks():
    alone, tasked = at(3.0, 1.0), at(3.0, 1.0)
    SharpnessAware(torch.optim.SGD([alone], lr=0.1), 0.5).step(quadratic(alone, [1.0, 4.0]))
    tasks = TaskSharpnessAware(torch.optim.SGD([tasked], lr=0.1), 0.5, "projected")
    tasks.step([quadratic(tasked, [1.0, 4.0])])
    np.testing.assert_allclose(alone.detach(), tasked.detach(), rtol=1e-12)


def test_wrong_settings_are_refused():
    optimiser = torch.optim.SGD([at(1.0)], lr=0.1)
    with pytest.raises(InputError, match="radius is -1"):
        SharpnessAware(optimiser, -1.0)
    with pytest.raises(InputError, match="mean or projected"):
        TaskSharpnessAware(optimiser, combine="sum")
    with pytest.raises(InputError, match="no task"):
        TaskSharpnessAware(optimiser).step([])
