"""Late interaction equals its formula in loops, and no neighbour changes a bit of a score."""

import numpy as np
import pytest
from hypothesis import given

from everygrain.encode.words.base import SCALE, Bags
from everygrain.rank.late import exact_sim, fused, max_sim
from tests.rank.bags import cases, made, products


@given(cases())
def test_max_sim_equals_the_formula_written_out_in_loops(case):
    query, documents = case
    expected = [
        sum(max(row) for row in rows) / (len(rows) * SCALE**2) if rows and rows[0] else 0.0
        for rows in products(query, documents)
    ]
    assert max_sim(query, documents).tolist() == np.array(expected, dtype=np.float32).tolist()


@given(cases())
def test_exact_matches_equal_the_formula_written_out_in_loops(case):
    query, documents = case
    expected = []
    for rows, start in zip(products(query, documents), documents.offsets, strict=False):
        total = sum(
            value
            for i, row in enumerate(rows)
            for j, value in enumerate(row)
            if query.words[i] == documents.words[start + j]
        )
        expected.append(total / (max(len(rows), 1) * SCALE**2))
    assert exact_sim(query, documents).tolist() == np.array(expected, dtype=np.float32).tolist()


def test_worked_by_hand():
    query = Bags(
        np.array([5, 9], np.uint32), np.array([[127, 0], [0, 127]], np.int8), np.array([0, 2])
    )
    documents = Bags(
        np.array([5, 7, 9], np.uint32),
        np.array([[0, 127], [127, 0], [-127, 0]], np.int8),
        np.array([0, 2, 2, 3]),
    )
    # the first document has both directions, but under other words; the last has them the wrong way
    assert max_sim(query, documents).tolist() == [1.0, 0.0, -0.5]
    assert exact_sim(query, documents).tolist() == [0.0, 0.0, 0.0]


def test_a_score_has_the_same_bits_among_any_neighbours():
    generator = np.random.default_rng(0)
    query = made(generator, [17], 32)
    lengths = generator.integers(0, 40, 50).tolist()
    documents = made(generator, lengths, 32)
    together = [max_sim(query, documents), exact_sim(query, documents)]
    for i in range(50):
        span = slice(documents.offsets[i], documents.offsets[i + 1])
        alone = Bags(
            documents.words[span], documents.vectors[span], np.array([0, lengths[i]], np.int64)
        )
        for every, one in zip(together, (max_sim, exact_sim), strict=True):
            assert one(query, alone)[0].tobytes() == every[i].tobytes()


def test_sums_of_the_longest_vectors_are_exact():
    query = Bags(np.zeros(1, np.uint32), np.full((1, 128), 127, np.int8), np.array([0, 1]))
    documents = Bags(np.zeros(1, np.uint32), np.full((1, 128), 127, np.int8), np.array([0, 1]))
    assert max_sim(query, documents).tolist() == [128.0]


@pytest.mark.parametrize(("share", "expected"), [(0.0, [1.0, 0.0]), (1.0, [0.0, 1.0])])
def test_a_share_of_all_or_nothing_leaves_one_column(share, expected):
    first, late = np.array([1, 4], np.float32), np.array([2, 1], np.float32)
    assert fused(first, late, share).tolist() == expected


def test_fusing_is_the_weighted_sum_of_columns_mapped_to_their_range():
    first, late = np.array([1, 5, 2], np.float32), np.array([2, 1, -2], np.float32)
    expected = [0.3 * 0 + 0.7 * 1, 0.3 * 1 + 0.7 * 0.75, 0.3 * 0.25 + 0.7 * 0]
    assert np.allclose(fused(first, late, 0.3), expected)


def test_a_column_that_tells_nothing_apart_counts_for_nothing():
    first, late = np.full(3, 0.25, np.float32), np.array([2, 1, 0], np.float32)
    assert fused(first, late, 0.5).tolist() == [0.5, 0.25, 0.0]
    nothing = np.zeros(0, np.float32)
    assert fused(nothing, nothing, 0.5).shape == (0,)
