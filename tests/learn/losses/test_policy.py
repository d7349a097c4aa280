"""The policy gradient on nDCG, against all rankings enumerated by hand."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch

from everygrain.learn.losses.policy import PolicyGradient, log_probability
from tests.learn.losses.reference import CASES, STEP, case, check, finite_at, several_positives


def small(seed=0):
    """Four documents, graded; one query has one of them masked."""
    made = case(n=2, m=4, seed=seed)
    made.relevance[:] = [[1.0, 0.0, 0.5, 0.0], [0.25, 1.0, 0.0, 0.0]]
    made.counted[:] = True
    made.counted[1, 3] = False
    return made


def gain(order, relevance, depth):
    return sum(relevance[j] / math.log2(place + 2) for place, j in enumerate(order[:depth]))


def expected_loss(made, scale, depth):
    """One minus the expectation of nDCG over all rankings of the counted documents."""

    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            counted = np.flatnonzero(made.counted[i]).tolist()
            relevance = made.relevance[i]
            if not relevance.any():
                losses.append(0.0)
                continue
            powers = {j: math.exp(scale * queries[i] @ documents[j]) for j in counted}
            best = gain(sorted(counted, key=lambda j, r=relevance: -r[j]), relevance, depth)
            utility = 0.0
            for order in permutations(counted):
                chance = 1.0
                for place, j in enumerate(order):
                    chance *= powers[j] / sum(powers[k] for k in order[place:])
                utility += chance * gain(order, relevance, depth) / best
            losses.append(1 - utility)
        return losses

    return written


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_enumerating_all_rankings_gives_the_exact_expectation_and_its_gradient(depth):
    made = small()
    loss = PolicyGradient(3.0, samples=0, depth=depth, candidates=4)
    check(loss, made, expected_loss(made, 3.0, depth))


def test_drawn_rankings_agree_with_the_exact_gradient_within_monte_carlo_error():
    made = small()
    exact = expected_loss(made, 3.0, 3)
    values, slopes = [], []
    for seed in range(40):
        batch = made.batch()
        losses = PolicyGradient(3.0, samples=400, depth=3, candidates=4, seed=seed)(batch)
        losses.sum().backward()
        values.append(losses.detach().numpy())
        slopes.append(np.vstack([batch.queries.grad.numpy(), batch.documents.grad.numpy()]))
    wanted = [np.zeros_like(made.queries), np.zeros_like(made.documents)]
    for index, slope in enumerate(wanted):
        vectors = [made.queries.copy(), made.documents.copy()]
        for place in np.ndindex(*slope.shape):
            vectors[index][place] += STEP
            high = sum(exact(*vectors))
            vectors[index][place] -= 2 * STEP
            slope[place] = (high - sum(exact(*vectors))) / (2 * STEP)
            vectors[index][place] += STEP
    for drawn, true in (
        (np.array(values), np.array(exact(made.queries, made.documents))),
        (np.array(slopes), np.vstack(wanted)),
    ):
        error = drawn.std(axis=0, ddof=1) / math.sqrt(len(drawn))
        apart = np.abs(drawn.mean(axis=0) - true)
        assert (apart <= 4.5 * error + 1e-9).all()
        assert (error < 0.02).all()


def test_the_leave_one_out_baseline_lowers_the_variance_of_the_gradient():
    made = small()
    with_baseline, without = [], []
    for seed in range(30):
        loss = PolicyGradient(3.0, samples=8, depth=3, candidates=4, seed=seed)
        batch = made.batch()
        loss(batch).sum().backward()
        with_baseline.append(batch.queries.grad.numpy())
        batch = made.batch()
        scores = 3.0 * batch.similarities
        rankings = loss._rankings(batch, scores.detach(), batch.counted)
        chances = log_probability(scores, batch.counted, rankings, 3)
        utilities = torch.tensor(
            [
                [
                    gain(order, made.relevance[i], 3)
                    / gain(np.argsort(-made.relevance[i]), made.relevance[i], 3)
                    for i, order in enumerate(ranking.tolist())
                ]
                for ranking in rankings
            ]
        )
        (-(utilities * chances).mean(dim=0).sum()).backward()
        without.append(batch.queries.grad.numpy())
    assert np.var(with_baseline, axis=0).sum() < 0.5 * np.var(without, axis=0).sum()


def test_log_probabilities_of_all_rankings_sum_to_one():
    logits = torch.randn(3, 4, dtype=torch.float64)
    rankings = torch.tensor(list(permutations(range(4))))[:, None].expand(24, 3, 4)
    real = torch.ones(3, 4, dtype=torch.bool)
    total = log_probability(logits, real, rankings, 4).exp().sum(dim=0)
    np.testing.assert_allclose(total.numpy(), 1, rtol=1e-12)


def test_a_step_along_the_gradient_raises_ndcg():
    made = several_positives()
    before = expected_loss(made, 3.0, 10)(made.queries, made.documents)
    batch = made.batch()
    PolicyGradient(3.0, samples=200, candidates=7)(batch).sum().backward()
    queries = made.queries - 0.05 * batch.queries.grad.numpy()
    after = expected_loss(made, 3.0, 10)(queries, made.documents)
    assert sum(after) < sum(before)


@pytest.mark.parametrize("which", ["one query", "only positives counted"])
def test_few_candidates_are_no_problem(which):
    made = CASES[which]
    width = min(6, made.documents.shape[0])
    if made.counted.sum(axis=1).max() <= width:
        loss = PolicyGradient(2.0, samples=0, depth=3, candidates=width)
        check(loss, made, expected_loss(made, 2.0, 3))


def test_the_same_batch_draws_the_same_rankings_and_another_epoch_others():
    first, again, later = small(), small(), small()
    later.progress = 0.9
    loss = PolicyGradient(3.0, candidates=4)
    values = [loss(each.batch()).detach().numpy() for each in (first, again, later)]
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).any()


def test_a_huge_scale_does_not_overflow():
    finite_at(PolicyGradient(1e5))
