"""The best k are those that a full sort finds, ties settled by id."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from everygrain.rank.select import at_least_kth, order


@st.composite
def many_scores(draw):
    """Up to a few thousand scores, most of them tied."""
    seed, size = draw(st.integers(0, 2**31)), draw(st.integers(0, 3000))
    distinct = draw(st.sampled_from([1, 2, 5, 50, 10**6]))
    generator = np.random.default_rng(seed)
    scores = (generator.integers(0, distinct, size) / 7).astype(np.float32)
    scores[generator.random(size) < draw(st.sampled_from([0, 0.3, 0.95]))] = -np.inf
    return scores


def by_full_sort(scores, ids, k):
    return sorted(range(len(scores)), key=lambda i: (-scores[i], ids[i]))[:k]


@given(many_scores(), st.integers(1, 100))
def test_selection_and_order_equal_a_full_sort(scores, k):
    ids = [f"{(i * 7919) % 100_003:06}" for i in range(len(scores))]
    near = at_least_kth(scores, k)
    numbers, best = order(near, scores[near], k, lambda some: [ids[i] for i in some])
    expected = by_full_sort(scores, ids, k)
    assert numbers.tolist() == expected
    assert best.tolist() == scores[expected].tolist()


def test_ids_are_looked_up_only_where_scores_tie():
    asked = []
    scores = np.array([3, 1, 2, 3, 1, 0], dtype=np.float32)

    def ids_of(numbers):
        asked.extend(numbers.tolist())
        return [f"{9 - number}" for number in numbers]

    numbers, best = order(np.arange(6), scores, 3, ids_of)
    assert numbers.tolist() == [3, 0, 2]
    assert best.tolist() == [3, 3, 2]
    assert sorted(asked) == [0, 3]


@given(many_scores(), st.integers(1, 100), st.sampled_from([0.0, 0.01, 0.5]))
def test_nothing_within_the_margin_is_missed_and_nothing_below_it_kept(scores, k, margin):
    near = set(at_least_kth(scores, k, margin).tolist())
    if k >= len(scores):
        assert near == set(range(len(scores)))
        return
    kth = np.sort(scores)[::-1][k - 1]
    assert near >= set(np.flatnonzero(scores >= kth - np.float32(margin)).tolist())
    if kth > -np.inf and len(near) > k:
        assert all(scores[i] >= kth - np.float32(margin) for i in near)


def test_places_come_in_order():
    scores = np.array([3, 1, 2, 3], dtype=np.float32)
    assert at_least_kth(scores, 2).tolist() == [0, 3]
    assert at_least_kth(scores, 3).tolist() == [0, 2, 3]
