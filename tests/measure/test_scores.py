import numpy as np
import pyarrow
import pytest

from everygrain.errors import MeasureError
from everygrain.measure import Scores


@pytest.fixture
def scores():
    return Scores(("q1", "q2"), ("nDCG@10", "AP"), np.array([[0.25, 1.0], [0.75, 0.0]]))


def test_the_mean_is_over_all_queries(scores):
    assert scores.mean() == {"nDCG@10": 0.5, "AP": 0.5}
    assert scores.of("AP").tolist() == [1.0, 0.0]


def test_arrow_and_parquet_give_back_what_was_written(scores, tmp_path):
    scores.write_parquet(tmp_path / "scores.parquet")
    for again in (
        Scores.from_arrow(scores.to_arrow()),
        Scores.read_parquet(tmp_path / "scores.parquet"),
    ):
        assert (again.queries, again.measures) == (scores.queries, scores.measures)
        assert again.values.dtype == np.float64
        assert np.array_equal(again.values, scores.values)


def test_a_measure_that_was_not_asked_for_is_an_error(scores):
    with pytest.raises(MeasureError, match=r"'RR'.*nDCG@10, AP"):
        scores.of("RR")


def test_shapes_that_do_not_agree_are_an_error():
    with pytest.raises(MeasureError, match="shape"):
        Scores(("q1",), ("AP",), np.zeros((2, 1)))
    with pytest.raises(MeasureError, match="no scores"):
        Scores.from_arrow(pyarrow.table({"x": [1]}))
