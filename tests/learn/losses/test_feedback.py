"""Thumbs, and grades with preferences."""

import math

import numpy as np
import pytest
import torch

from everygrain.errors import InputError
from everygrain.learn.losses.feedback import GradesAndPairs, Thumbs, matching_weights
from tests.learn.losses.reference import CASES, case, check, finite_at, several_positives


def thumbs(made, scale, shift=None, known=None, before=None, weights=None):
    """Losses of thumbs in loops; the shift is that of the point, a constant for the gradient."""
    known = known or [np.flatnonzero(row).tolist() for row in made.counted]
    weights = weights if weights is not None else np.ones(len(made.queries))

    def rewards(i, queries, documents):
        old = np.zeros(len(documents)) if before is None else before[i]
        return [scale * (queries[i] @ documents[j] - old[j]) for j in known[i]]

    up = [[made.relevance[i, j] >= 0.5 for j in row] for i, row in enumerate(known)]
    if shift is None:
        sides = {True: [], False: []}
        for i in range(len(known)):
            for reward, thumb in zip(rewards(i, made.queries, made.documents), up[i], strict=True):
                sides[thumb].append(reward)
        shift = np.mean([np.mean(side) for side in sides.values() if side])

    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            costs = []
            for reward, thumb in zip(rewards(i, queries, documents), up[i], strict=True):
                chance = 1 / (1 + math.exp(-(reward - shift)))
                costs.append(-math.log(chance) if thumb else -weights[i] * math.log(1 - chance))
            losses.append(np.mean(costs) if costs else 0.0)
        return losses

    return shift, written


@pytest.mark.parametrize("which", CASES)
def test_thumbs_equal_a_loop(which):
    made = CASES[which]
    check(Thumbs(4.0), made, thumbs(made, 4.0)[1], teacher=False)


@pytest.mark.parametrize("which", CASES)
def test_with_the_former_encoder_as_teacher_the_reward_is_what_changed(which):
    made = CASES[which]
    before = np.where(np.isfinite(made.teacher), made.teacher, 0)
    check(Thumbs(4.0), made, thumbs(made, 4.0, known=made.known, before=before)[1])


def test_the_shift_is_the_mean_of_two_moving_averages():
    first, second = case(seed=1), case(seed=2)
    loss = Thumbs(4.0, memory=0.7)
    loss(first.batch(teacher=False))
    averages = []
    for mask in (first.relevance > 0, first.counted & (first.relevance <= 0)):
        averages.append((4 * first.queries @ first.documents.T)[mask].mean())
    now = []
    for mask in (second.relevance > 0, second.counted & (second.relevance <= 0)):
        now.append((4 * second.queries @ second.documents.T)[mask].mean())
    moved = [0.7 * old + 0.3 * new for old, new in zip(averages, now, strict=True)]
    check(loss, second, thumbs(second, 4.0, shift=np.mean(moved))[1], teacher=False)
    assert [loss.state[name].item() for name in ("up", "down")] == pytest.approx(moved)


def test_looking_without_gradients_moves_no_average():
    loss = Thumbs()
    with torch.no_grad():
        loss(case().batch(teacher=False))
    assert loss.state == {}


def test_thumbs_down_weigh_as_they_were_matched():
    made = case()
    weights = np.linspace(0.5, 2, 7)
    loss = Thumbs(4.0)
    loss.match(weights)
    written = thumbs(made, 4.0, weights=weights[made.anchors])[1]
    check(loss, made, written, teacher=False)
    with pytest.raises(InputError, match="positive"):
        loss.match([1.0, 0.0])


def test_matching_weights_are_the_ratio_of_densities():
    lot = np.random.default_rng(0)
    # in one dimension: up is N(1, 1), down is N(0, 1), whose ratio is exp(x - 1/2)
    up, down = lot.normal(1, 1, size=(4000, 1)), lot.normal(0, 1, size=(2000, 1))
    found = matching_weights(up, down, ridge=1e-6)
    true = np.exp(down[:, 0] - 0.5)
    assert found.mean() == pytest.approx(1)
    np.testing.assert_allclose(np.log(found), np.log(true / true.mean()), atol=0.25)
    # what they are for: thumbs down, weighted, have the mean of the queries with thumbs up
    assert float((found * down[:, 0]).mean()) == pytest.approx(1, abs=0.1)


def test_matching_needs_both_kinds_of_thumbs():
    with pytest.raises(InputError, match="at least one of each"):
        matching_weights(np.zeros((0, 3)), np.ones((2, 3)))


def grades(made, slope, intercept, steps, weight):
    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            reward = [slope * queries[i] @ d + intercept for d in documents]
            grade = steps * made.relevance[i]
            counted = np.flatnonzero(made.counted[i])
            value = 0.0
            for group in (made.positives[i], made.negatives[i]):
                if group:
                    value += np.mean([(reward[j] - grade[j]) ** 2 for j in group]) / 2
            costs = [
                (grade[a] - grade[b]) * math.log(1 + math.exp(reward[b] - reward[a]))
                for a in counted
                for b in counted
                if grade[a] > grade[b]
            ]
            losses.append(value + weight * (np.mean(costs) if costs else 0.0))
        return losses

    return written


@pytest.mark.parametrize("which", CASES)
def test_grades_and_pairs_equal_a_loop(which):
    made = CASES[which]
    loss = GradesAndPairs(3.0, 0.6)
    check(loss, made, grades(made, 3.0, 0.0, 3.0, 0.6))


def test_slope_and_intercept_learn_by_their_gradients():
    made = several_positives()
    loss = GradesAndPairs(3.0, 0.6)
    loss(made.batch()).sum().backward()
    for index, parameter in enumerate(loss.parameters):
        ends = []
        for step in (1e-5, -1e-5):
            values = [3.0, 0.0]
            values[index] += step
            ends.append(sum(grades(made, *values, 3.0, 0.6)(made.queries, made.documents)))
        assert parameter.grad.item() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4)


@pytest.mark.parametrize("loss", [Thumbs(1e6), GradesAndPairs(1e6)])
def test_huge_rewards_do_not_overflow(loss):
    finite_at(loss)
