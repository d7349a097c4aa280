"""Spherical k-means against loops, and the merging of tiny topics."""

from itertools import pairwise

import numpy as np
import pytest

from everygrain_papers.topics.means import (
    begin,
    centres_of,
    descend,
    directions_of,
    nearest,
    without_tiny,
)
from everygrain_papers.topics.space import unit


def drawn(count, width, seed):
    return unit(np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32))


def test_nearest_and_directions_equal_loops():
    vectors, centres = drawn(50, 5, 0), drawn(7, 5, 1)
    numbers, cosines = nearest(vectors, centres)
    for vector, number, cosine in zip(vectors, numbers, cosines, strict=True):
        each = [float(vector @ centre) for centre in centres]
        assert number == int(np.argmax(each))
        assert cosine == pytest.approx(max(each), abs=1e-6)
    moved, renumbered = directions_of(vectors, numbers, 7)
    assert len(moved) == len(set(numbers.tolist()))
    for group in set(renumbered.tolist()):
        total = sum(vectors[i].astype(float) for i in range(50) if renumbered[i] == group)
        assert moved[group] == pytest.approx(total / np.linalg.norm(total), abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_each_step_of_descent_brings_centres_nearer(seed):
    vectors = drawn(200, 6, seed)
    centres = begin(vectors, 8, np.random.default_rng(seed))
    values = [
        float(nearest(vectors, descend(vectors, centres, steps))[1].mean()) for steps in range(6)
    ]
    assert all(b >= a - 1e-6 for a, b in pairwise(values))
    assert float(nearest(vectors, centres_of(vectors, 8, seed))[1].mean()) >= values[0]


def test_beginnings_are_far_apart_and_no_more_than_differ():
    vectors = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)
    for seed in range(20):
        chosen = begin(vectors, 9, np.random.default_rng(seed))
        assert sorted(map(tuple, chosen.tolist())) == sorted(map(tuple, np.eye(3).tolist()))


def test_a_tiny_topic_joins_its_nearest_and_the_others_stay():
    big, other = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    tiny = np.array([0.9, 0, 0.435])
    vectors = unit(np.array([*[big] * 10, *[other] * 10, tiny, tiny]).astype(np.float32))
    centres = unit(np.array([big, other, tiny]).astype(np.float32))
    kept = without_tiny(vectors, centres, 3)
    numbers, _ = nearest(vectors, kept)
    assert len(kept) == 2
    assert np.bincount(numbers).tolist() == [12, 10]
    total = 10 * big + 2 * tiny / np.linalg.norm(tiny)
    assert kept[0] == pytest.approx(total / np.linalg.norm(total), abs=1e-5)
    assert len(without_tiny(vectors, centres, 100)) == 1
    assert len(without_tiny(vectors, centres, 2)) == 3
