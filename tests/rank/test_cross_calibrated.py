"""Raw scores made probabilities: against other optimisers, and against laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Ranking
from everygrain.errors import InputError
from everygrain.rank.cross_calibrated import Calibrated, Isotonic, Platt, calibration_error

PAIRS = st.lists(st.tuples(st.integers(-6, 6), st.booleans()), min_size=4, max_size=40).filter(
    lambda pairs: 0 < sum(truth for _, truth in pairs) < len(pairs)
)


def loss(slope, offset, scores, relevant):
    positive, negative = relevant.sum(), (~relevant).sum()
    targets = np.where(relevant, (positive + 1) / (positive + 2), 1 / (negative + 2))
    values = slope * scores + offset
    return (np.logaddexp(0, values) - targets * values).sum()


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.floats(0.01, 100))
def test_no_slope_and_offset_nearby_are_likelier(pairs, unit):
    scores = np.array([score for score, _ in pairs]) * unit
    relevant = np.array([truth for _, truth in pairs])
    found = Platt.fit(scores, relevant)
    if found.slope > 0:
        best = loss(found.slope, found.offset, scores, relevant)
        for slope, offset in ((1e-3 / unit, 0), (-1e-3 / unit, 0), (0, 1e-3), (0, -1e-3)):
            assert loss(found.slope + slope, found.offset + offset, scores, relevant) > best - 1e-9


def test_a_component_whose_scores_fall_with_relevance_tells_only_the_share():
    found = Platt.fit([1.0, 2.0, 3.0, 4.0], [True, True, False, False])
    assert found.slope == 0
    assert found(np.array([0.0, 9.0])).tolist() == pytest.approx([0.5, 0.5])


def test_pairs_that_separate_get_a_finite_slope():
    found = Platt.fit([0.0, 1.0, 2.0, 3.0], [False, False, True, True])
    assert np.isfinite(found.slope)
    assert found(np.array([3.0]))[0] > 0.6 > 0.4 > found(np.array([0.0]))[0]


def by_minimax(shares, counts):
    """The isotonic fit by its formula: the max over starts of the min over ends of the means."""
    n = len(shares)
    return [
        max(min(np.average(shares[a : b + 1], weights=counts[a : b + 1]) for b in range(i, n))
            for a in range(i + 1))
        for i in range(n)
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_the_step_function_equals_the_minimax_formula(pairs):
    scores = np.array([float(score) for score, _ in pairs])
    relevant = np.array([truth for _, truth in pairs])
    knots = sorted(set(scores.tolist()))
    shares = np.array([relevant[scores == knot].mean() for knot in knots])
    counts = np.array([(scores == knot).sum() for knot in knots])
    found = Isotonic.fit(scores, relevant)
    np.testing.assert_allclose(found(np.array(knots)), by_minimax(shares, counts), atol=1e-12)
    many = found(np.linspace(-9, 9, 50))
    assert (np.diff(many) >= 0).all()
    assert 0 <= many.min() <= many.max() <= 1


@pytest.mark.parametrize("kind", [Platt, Isotonic])
def test_a_fitted_map_tells_the_share_of_relevant_pairs_among_others_like_them(kind):
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 30, 8000)
    relevant = generator.random(8000) < 1 / (1 + np.exp(-(scores / 20 - 1)))
    found = kind.fit(scores[:4000], relevant[:4000])(scores[4000:])
    assert calibration_error(found, relevant[4000:]) < 0.03
    assert calibration_error(1 / (1 + np.exp(-scores[4000:])), relevant[4000:]) > 0.15


def test_the_error_of_calibration_is_worked_by_hand():
    probabilities = np.array([0.9, 0.1, 0.2, 0.8])
    relevant = np.array([True, False, True, True])
    # bins of two: (0.1, 0.2) with one of two relevant, (0.8, 0.9) with both
    expected = (2 * abs(0.15 - 0.5) + 2 * abs(0.85 - 1)) / 4
    assert calibration_error(probabilities, relevant, 2) == pytest.approx(expected)


def test_a_calibrated_component_scores_and_reranks_with_probabilities():
    class Fixed:
        def score(self, query, texts):
            return np.arange(len(texts), dtype=np.float32)

    fitted = Platt(2.0, -1.0)
    component = Calibrated(fitted, Fixed())
    expected = [1 / (1 + np.exp(-(2.0 * score - 1.0))) for score in range(3)]
    assert component.score("q", ["a", "b", "c"]).tolist() == pytest.approx(expected)
    ranking = Ranking.of(["q"], [("q", "a", 0.0), ("q", "b", 2.0)])
    found = Calibrated(fitted).rerank({"q": "what"}, ranking).by_query()["q"]
    assert [name for name, _ in found] == ["b", "a"]
    assert found[0][1] == pytest.approx(expected[2])
    with pytest.raises(InputError, match="no scorer"):
        Calibrated(fitted).score("q", ["a"])


@pytest.mark.parametrize("kind", [Platt, Isotonic])
@pytest.mark.parametrize(
    ("scores", "relevant", "told"),
    [
        ([1.0, 2.0], [True], "shape"),
        ([1.0, float("nan")], [True, False], "Score 1.*not finite"),
        ([1.0, 2.0], [True, True], "of one kind"),
        ([], [], "of one kind"),
    ],
)
def test_pairs_that_tell_nothing_are_refused(kind, scores, relevant, told):
    with pytest.raises(InputError, match=told):
        kind.fit(scores, relevant)
