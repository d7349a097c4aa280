"""Individual temperatures."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from everygrain.learn.losses import Batch
from everygrain.learn.losses.temperatures import IndividualTemperatures
from tests.learn.losses.reference import CASES, case, check, finite_at


def gaps(made, i, queries, documents):
    share = made.relevance[i] / made.relevance[i].sum()
    near = sum(share[p] * (queries[i] @ documents[p]) for p in made.positives[i])
    return [queries[i] @ documents[j] - near for j in made.negatives[i]]


def formula(made, tau, rho):
    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            if not made.positives[i] or not made.negatives[i]:
                losses.append(0.0)
                continue
            h = gaps(made, i, queries, documents)
            losses.append(tau * math.log(np.mean([math.exp(x / tau) for x in h])) + tau * rho)
        return losses

    return written


@pytest.mark.parametrize("which", CASES)
@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_the_first_step_equals_the_formula(which, memory):
    made = CASES[which]
    loss = IndividualTemperatures(0.1, rho=0.7, memory=memory)
    check(loss, made, formula(made, 0.1, 0.7))


def test_the_second_step_follows_the_published_updates_written_out():
    first, second = case(seed=1), case(seed=2)
    tau, rho, rate, memory = 0.2, 0.3, 0.05, 0.4
    loss = IndividualTemperatures(tau, rho=rho, rate=rate, memory=memory)
    batches = [first.batch(), second.batch()]
    loss(batches[0])
    values = loss(batches[1])
    values.sum().backward()
    for i in range(4):
        h = np.array(gaps(first, i, first.queries, first.documents))
        average = np.mean(np.exp(h / tau))
        slope = math.log(average) + rho - np.mean(np.exp(h / tau) * h / tau) / average
        moved = np.clip(tau - rate * slope, loss.floor, loss.ceiling)

        h = np.array(gaps(second, i, second.queries, second.documents))
        now = np.mean(np.exp(h / moved))
        average = memory * average + (1 - memory) * now
        np.testing.assert_allclose(
            values[i].item(), moved * math.log(average) + moved * rho, rtol=1e-9
        )
        pull = np.exp(h / moved) / average / len(h)  # d loss / d h, by the moving average
        expected = sum(
            w * (second.documents[j] - second.documents[i])
            for w, j in zip(pull, second.negatives[i], strict=True)
        )
        np.testing.assert_allclose(batches[1].queries.grad[i].numpy(), expected, rtol=1e-8)
        later = math.log(average) + rho - np.mean(np.exp(h / moved) * h / moved) / average
        blended = memory * slope + (1 - memory) * later
        last = np.clip(moved - rate * blended, loss.floor, loss.ceiling)
        np.testing.assert_allclose(loss.state["temperatures"][3 + i].item(), last, rtol=1e-9)


def test_temperatures_settle_where_the_dual_is_least():
    made = case()
    loss = IndividualTemperatures(0.2, floor=0.001, ceiling=5, rho=0.4, rate=0.05, memory=0.0)
    for _ in range(800):
        loss(made.batch())
    for i in range(4):
        h = np.array(gaps(made, i, made.queries, made.documents))
        dual = minimize_scalar(
            lambda t, h=h: t * math.log(np.mean(np.exp(h / t))) + t * 0.4,
            bounds=(0.001, 5),
            method="bounded",
            options={"xatol": 1e-9},
        )
        assert loss.state["temperatures"][3 + i].item() == pytest.approx(dual.x, abs=1e-4)


def test_a_query_among_many_like_it_learns_a_higher_temperature():
    lot = np.random.default_rng(0)
    centre = np.eye(8)[0]
    crowd = centre + 0.2 * lot.normal(size=(20, 8))
    far = lot.normal(size=(20, 8))
    far[:, 0] = 0
    documents = np.vstack([centre, np.eye(8)[1], crowd, far])
    documents /= np.linalg.norm(documents, axis=1, keepdims=True)
    relevance = np.eye(2, len(documents))
    batch = Batch(
        torch.tensor(np.eye(8)[:2]),
        torch.tensor(documents),
        torch.tensor(relevance),
        torch.ones(relevance.shape, dtype=torch.bool),
        torch.arange(2),
    )
    loss = IndividualTemperatures(rho=0.5, rate=0.03)
    for _ in range(100):
        loss(batch)
    frequent, rare = loss.state["temperatures"][:2].tolist()
    assert frequent > 1.2 * rare


def test_looking_without_gradients_leaves_the_state_as_it_is():
    loss = IndividualTemperatures()
    with torch.no_grad():
        loss(case().batch())
    assert loss.state["log_averages"].isnan().all()
    assert set(loss.state["temperatures"].tolist()) == {0.05}


def test_the_floor_and_the_ceiling_hold():
    loss = IndividualTemperatures(0.05, floor=0.04, ceiling=0.06, rho=100.0, rate=1.0)
    loss(case().batch())
    assert loss.state["temperatures"][3:7].tolist() == [0.04] * 4


def test_two_losses_do_not_share_their_state():
    one, other = IndividualTemperatures(), IndividualTemperatures()
    one(case().batch())
    assert one.state
    assert other.state == {}


def test_a_tiny_temperature_stays_finite():
    loss = IndividualTemperatures(1e-5, floor=1e-5)
    for _ in range(3):
        finite_at(loss)
