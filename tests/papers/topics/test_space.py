"""The space of topics and oddness, against formulas written out."""

import numpy as np
import pytest

from everygrain_papers.topics.space import Space


def drawn(count=400, width=6, seed=0):
    lot = np.random.default_rng(seed)
    rows = lot.normal(size=(count, width)) * np.array([3, 2, 1, 0.5, 0.5, 0.1])[:width] + 5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_space_is_that_of_principal_directions():
    rows = drawn()
    space = Space.fit(rows)
    middle = rows.astype(float).mean(axis=0)
    _, singular, directions = np.linalg.svd(rows - middle, full_matrices=False)
    assert space.mean == pytest.approx(middle, abs=1e-5)
    wide = len(space.spreads)
    assert space.spreads == pytest.approx(singular[:wide] / np.sqrt(len(rows)), rel=1e-3)
    for own, found in zip(space.directions.T[:3], directions[:3], strict=True):
        assert abs(float(own @ found)) == pytest.approx(1, abs=1e-3)
        assert own[np.abs(own).argmax()] > 0


def test_map_and_oddness_equal_the_formulas_in_loops():
    rows = drawn(24)  # 3 directions of 6
    space = Space.fit(rows)
    assert len(space.spreads) == 3
    for vector, mapped, odd in zip(rows, space.map(rows), space.oddness(rows), strict=True):
        away = vector.astype(float) - space.mean
        y = [float(away @ direction) for direction in space.directions.T]
        pairs = list(zip(y, space.spreads.tolist(), strict=True))
        z = np.array([a / np.sqrt(s / space.spreads[0]) for a, s in pairs])
        assert mapped == pytest.approx(z / np.linalg.norm(z), abs=1e-4)
        rest = float(away @ away) - sum(a * a for a in y)
        squared = sum((a / s) ** 2 for a, s in pairs) + rest / space.rest
        assert odd == pytest.approx(np.sqrt(squared / 6), rel=1e-3)


def test_oddness_of_the_fit_is_about_1_and_of_zeros_without_end():
    rows = drawn()
    odd = Space.fit(rows).oddness(rows)
    assert np.square(odd).mean() == pytest.approx(1, abs=0.02)
    assert Space.fit(rows).oddness(np.zeros((1, 6), dtype=np.float32)).tolist() == [np.inf]


def test_rows_of_zeros_take_no_part():
    rows = drawn()
    with_zeros = np.concatenate([rows, np.zeros((100, 6), dtype=np.float32)])
    assert Space.fit(rows).mean == pytest.approx(Space.fit(with_zeros).mean, abs=1e-6)
    assert not Space.fit(rows).map(np.zeros((2, 6), dtype=np.float32)).any()


def test_equal_vectors_and_one_vector_give_a_space_without_nan():
    for rows in (np.tile(drawn(1), (5, 1)), drawn(1)):
        space = Space.fit(rows)
        assert np.isfinite(space.map(rows)).all()
        assert np.isfinite(space.oddness(rows)).all()
