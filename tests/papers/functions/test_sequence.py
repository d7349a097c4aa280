"""The best path and the probabilities equal a sum over all paths."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain_papers.functions.sequence import COUNT, Transitions, padded


def random_parts(seed, lengths):
    lot = np.random.default_rng(seed)
    follows = Transitions(lot.normal(size=COUNT), lot.normal(size=(COUNT, COUNT)))
    return follows, [lot.normal(size=(n, COUNT)) * 2 for n in lengths]


def score(follows, emissions, path):
    total = follows.start[path[0]] + sum(emissions[t, y] for t, y in enumerate(path))
    return total + sum(follows.scores[a, b] for a, b in pairwise(path))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_paths_and_probabilities_equal_a_loop_over_all_paths(seed, lengths):
    follows, parts = random_parts(seed, lengths)
    emissions = padded(np.concatenate(parts), lengths)
    paths, told = follows.paths(emissions, lengths), follows.marginals(emissions, lengths)
    for i, own in enumerate(parts):
        every = list(product(range(COUNT), repeat=len(own)))
        scores = np.array([score(follows, own, path) for path in every])
        assert tuple(paths[i, : len(own)]) == every[int(scores.argmax())]
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        wanted = np.zeros((len(own), COUNT))
        for path, share in zip(every, shares, strict=True):
            wanted[np.arange(len(own)), path] += share
        np.testing.assert_allclose(told[i, : len(own)], wanted, atol=1e-9)
        assert (paths[i, len(own) :] == -1).all()
        assert (told[i, len(own) :] == 0).all()


def test_transitions_equal_the_counts_worked_by_hand():
    # two abstracts: 0 0 1 and 0 1; shares (4, 3, 1, 1, 1) / 10 with one of each added
    follows = Transitions.counted([[0, 0, 1], [0, 1]], 1.0, np.zeros((5, 5)), smoothing=1.0)
    assert follows.start[0] == pytest.approx(np.log((2 + 0.4) / 3 / 0.4))
    assert follows.scores[0, 1] == pytest.approx(np.log((2 + 0.3) / (3 + 1) / 0.3))
    assert follows.scores[1, 0] == pytest.approx(0.0)  # nothing seen: the prior, here none
    half = Transitions.counted([[0, 0, 1], [0, 1]], 0.5, np.zeros((5, 5)), smoothing=1.0)
    np.testing.assert_allclose(half.scores, follows.scores / 2)


def test_without_counts_transitions_repeat_the_prior():
    prior = np.random.default_rng(0).normal(size=(5, 5))
    follows = Transitions.counted([], 1.0, prior)
    shares = np.full(5, 0.2)
    believed = shares * np.exp(prior)
    believed /= believed.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(follows.scores, np.log(believed / shares))


def test_no_abstract_and_an_empty_one_give_nothing():
    follows, _ = random_parts(0, [1])
    assert follows.paths(padded(np.zeros((0, 5)), []), []).shape == (0, 0)
    mixed = padded(np.ones((2, 5)), [0, 2])
    assert (follows.paths(mixed, [0, 2])[0] == -1).all()
    assert follows.marginals(mixed, [0, 2])[1].sum() == pytest.approx(2)
