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


def test_with_many_examples_shifted_odds_have_the_mean_that_was_wanted():
    odds = np.random.default_rng(0).normal(size=(400, 3)) * [1, 2, 5]
    wanted = np.array([0.01, 0.03, 0.25])
    own = shifts(odds, wanted, np.full(3, 1e12))
    assert expit(odds + own).mean(axis=0) == pytest.approx(wanted, abs=1e-6)


def test_without_examples_all_labels_shift_alike_and_together_have_the_mean():
    odds = np.random.default_rng(1).normal(size=(400, 3)) * [1, 2, 5]
    wanted = np.array([0.01, 0.03, 0.25])
    common = shifts(odds, wanted, np.zeros(3))
    assert np.ptp(common) == 0
    assert expit(odds + common).mean() == pytest.approx(wanted.mean(), abs=1e-6)


def test_a_shift_leans_on_the_common_one_as_examples_are_few():
    odds = np.random.default_rng(2).normal(size=(400, 2)) * [1, 3]
    wanted = np.array([0.02, 0.2])
    own, common = shifts(odds, wanted, np.full(2, 1e12)), shifts(odds, wanted, np.zeros(2))
    mixed = shifts(odds, wanted, np.array([1.0, 20.0]))
    for label, n in enumerate((1, 20)):
        by_hand = (n * own[label] + WEIGHT * common[label]) / (n + WEIGHT)
        assert mixed[label] == pytest.approx(by_hand, abs=1e-6)
