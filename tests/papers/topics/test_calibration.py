"""How rare a label is follows from where its examples lie in the collection."""

import numpy as np
import pytest
from scipy.special import expit

from everygrain_papers.topics.calibration import LEAST, MOST, USUAL, WEIGHT, shares, shifts


def test_without_examples_a_label_is_as_rare_as_usual():
    odds = np.zeros((10, 2))
    assert shares(np.zeros((0, 2)), np.zeros((0, 2)), odds).tolist() == [USUAL, USUAL]
    told = shares(np.array([[3.0, 0.0]]), np.array([[1.0, 0.0]]), odds)
    assert told[1] == USUAL
    assert told[0] < USUAL


def test_the_share_equals_the_formula_worked_by_hand():
    odds = np.arange(100, dtype=float)[:, None]
    crossed = np.array([[80.0], [90.0], [95.0]])
    told = 2 * 10 / 100  # 90 to 99 lie at or above the median, which is also that of all labels
    expected = np.exp((3 * np.log(told) + WEIGHT * np.log(USUAL)) / (3 + WEIGHT))
    assert shares(crossed, np.ones((3, 1)), odds) == pytest.approx([expected])


def test_a_share_stays_between_its_bounds():
    odds = np.zeros((50, 1))
    many = np.ones((500, 1))
    rare = shares(np.full((500, 1), 9.0), many, odds)[0]
    common = shares(np.full((500, 1), -9.0), many, odds)[0]
    assert rare == pytest.approx(LEAST, rel=0.1)
    assert common == pytest.approx(MOST, rel=0.05)


def test_shifted_odds_have_the_mean_that_was_wanted():
    odds = np.random.default_rng(0).normal(size=(400, 3)) * [1, 2, 5]
    wanted = np.array([0.01, 0.03, 0.25])
    assert expit(odds + shifts(odds, wanted)).mean(axis=0) == pytest.approx(wanted, abs=1e-6)
