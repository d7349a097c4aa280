"""F1 of returned sets, and thresholds, against trying everything in loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Ranking
from everygrain.errors import InputError
from everygrain.rank.cutoff.sets import Candidates, best_k, best_threshold, f1


def candidates_of(rows, relevant):
    """rows: (query number, score, relevant or not)."""
    rows = sorted(rows, key=lambda row: (row[0], -row[1]))
    return Candidates(
        tuple(f"q{i}" for i in range(len(relevant))),
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.float64),
        np.array([row[2] for row in rows], dtype=np.float64),
        np.array(relevant, dtype=np.int64),
    )


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), st.booleans()),
    min_size=1,
    max_size=20,
)


def f1_in_loops(candidates, kept):
    values = []
    for query in range(len(candidates.queries)):
        mine = [i for i, owner in enumerate(candidates.owners) if owner == query]
        returned = [i for i in mine if kept[i]]
        hits = sum(candidates.labels[i] for i in returned)
        if not returned and not candidates.relevant[query]:
            values.append(1.0)
        elif not hits:
            values.append(0.0)
        else:
            precision, recall = hits / len(returned), hits / candidates.relevant[query]
            values.append(2 * precision * recall / (precision + recall))
    return values


@given(ROWS, st.integers(0, 2), st.floats(0, 0.6))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(rows, missed, threshold):
    found = [sum(r[2] for r in rows if r[0] == q) for q in range(4)]
    candidates = candidates_of(rows, [count + missed for count in found])
    kept = candidates.scores >= threshold
    assert f1(candidates, kept).tolist() == pytest.approx(f1_in_loops(candidates, kept))


@given(ROWS, st.integers(0, 2))
def test_no_threshold_is_better_than_the_best(rows, missed):
    found = [sum(r[2] for r in rows if r[0] == q) for q in range(4)]
    candidates = candidates_of(rows, [count + missed for count in found])
    chosen = best_threshold(candidates, candidates.scores)
    reached = f1(candidates, candidates.scores >= chosen).mean()
    for other in (*set(candidates.scores.tolist()), float("inf")):
        assert reached >= f1(candidates, candidates.scores >= other).mean() - 1e-12


def test_the_best_number_of_results_by_hand():
    # a hit first and third: F1 is 1/2 * ... at k = 1: 2 / 3, at 2: 1 / 2, at 3: 4 / 5
    candidates = candidates_of([(0, 0.9, 1), (0, 0.8, 0), (0, 0.7, 1), (0, 0.6, 0)], [2])
    assert best_k(candidates, 4) == 3
    assert f1(candidates, candidates.ranks <= 3).tolist() == pytest.approx([0.8])


def test_a_ranking_is_labelled_by_its_judgements():
    ranking = Ranking.of(
        ["a", "b", "c"], [("a", "x", 2.0), ("a", "y", 3.0), ("b", "x", 1.0), ("c", "x", 1.0)]
    )
    candidates = Candidates.of(ranking, {"a": {"x": 2, "z": 1, "y": 0}, "c": {"y": 1}})
    assert candidates.queries == ("a", "c")
    assert candidates.owners.tolist() == [0, 0, 1]
    assert candidates.labels.tolist() == [0, 1, 0]
    assert candidates.relevant.tolist() == [2, 1]
    turned = candidates.take([1, 0])
    assert turned.queries == ("c", "a")
    assert turned.labels.tolist() == [0, 0, 1]
    assert turned.owners.tolist() == [0, 1, 1]
    assert turned.ranks.tolist() == [1, 1, 2]


def test_nothing_cannot_be_fitted():
    with pytest.raises(InputError, match="no candidates"):
        best_threshold(candidates_of([], [1]), [])
