"""Fitted weights: the gradient against differences, and weights that can be known beforehand."""

import numpy as np
import pytest

from everygrain.document import Document, Ranking
from everygrain.errors import InputError, QueryError
from everygrain.rank.fit_fusion import FittedWeights, fit, loss, questioned
from everygrain.rank.fuse import MinMax, Weighted, ZScore, fuse
from everygrain.segment.sentences import Sentences

BODY = "The body of a document that is long enough to lose its title, " * 3


def planted(noise, seed=0, queries=60, documents=30):
    """Rankings in which the answer stands out by 1, less the noise of each retriever."""
    generator = np.random.default_rng(seed)
    names = [f"q{i:02}" for i in range(queries)]
    answers = {name: f"d{i % documents:02}" for i, name in enumerate(names)}
    rankings = []
    for each in noise:
        rows = [
            (name, f"d{j:02}", 1.0 * (answers[name] == f"d{j:02}") + 3 + each * generator.normal())
            for name in names
            for j in range(documents)
        ]
        rankings.append(Ranking.of(names, rows))
    return rankings, answers


def test_the_gradient_equals_finite_differences():
    generator = np.random.default_rng(0)
    features = [generator.random((rows, 3)) for rows in (4, 7, 2)]
    weights = np.array([0.7, 1.9, 0.4])
    _, gradient = loss(weights, features, [1, 0, 1], 0.3)
    for i, step in enumerate(1e-6 * np.eye(3)):
        above, _ = loss(weights + step, features, [1, 0, 1], 0.3)
        below, _ = loss(weights - step, features, [1, 0, 1], 0.3)
        assert gradient[i] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_the_loss_is_that_of_a_loop():
    features, weights = [np.array([[1.0, 0.0], [0.2, 0.5]])], np.array([2.0, 1.0])
    found, _ = loss(weights, features, [0], 0.5)
    # scores 2.0 and 0.9; the weights are 4/3 and 2/3 of their mean
    expected = -np.log(np.exp(2.0) / (np.exp(2.0) + np.exp(0.9))) + 0.25 * 2 / 9
    assert found == pytest.approx(expected)


def test_a_retriever_of_noise_gets_nearly_nothing_and_equals_share_alike():
    rankings, answers = planted((0.3, 0.3, 50.0))
    fitted = fit(rankings, answers, scale="z-score")
    assert sum(fitted.weights) == pytest.approx(1, abs=1e-3)
    assert fitted.weights[2] < 0.15
    assert abs(fitted.weights[0] - fitted.weights[1]) < 0.15
    assert fitted.fused > max(fitted.gains)
    assert fitted.queries == 60


def test_a_high_penalty_makes_all_weights_alike():
    rankings, answers = planted((0.3, 50.0))
    assert fit(rankings, answers, penalty=1e4).weights == pytest.approx((0.5, 0.5), abs=0.01)


@pytest.mark.parametrize(
    ("scale", "method"), [("best", Weighted), ("min-max", MinMax), ("z-score", ZScore)]
)
def test_it_fuses_as_the_method_of_its_scale(scale, method):
    columns = [{"a": 3.0, "b": 1.0, "c": 0.5}, {"c": 9.0, "d": 2.0, "a": 1.0}]
    fitted = FittedWeights((0.8, 0.2), scale, (0.5, 0.4), 0.6, 100)
    assert fitted.combine(columns) == method((0.8, 0.2)).combine(columns)


def test_it_is_kept_as_json_and_printed(tmp_path):
    fitted = FittedWeights((0.75, 0.25), "best", (0.5, 0.4), 0.6, 100)
    fitted.save(tmp_path / "weights.json")
    assert FittedWeights.load(tmp_path / "weights.json") == fitted
    assert repr(fitted) == "FittedWeights((0.750, 0.250), scale='best', queries=100)"
    assert hash(fitted) == hash(FittedWeights.from_settings(fitted.settings()))


def test_settings_of_another_kind_are_refused(tmp_path):
    (tmp_path / "other.json").write_text('{"weights": [1, 2]}')
    with pytest.raises(InputError, match="no fitted weights"):
        FittedWeights.load(tmp_path / "other.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        FittedWeights.load(tmp_path / "broken.json")


def test_too_little_is_refused_with_what_is_missing():
    rankings, answers = planted((0.3, 0.3), queries=10)
    with pytest.raises(QueryError, match="Only 10 pseudo-queries found their document"):
        fit(rankings, answers)
    with pytest.raises(QueryError, match="nothing to weigh"):
        fit(rankings[:1], answers)
    with pytest.raises(QueryError, match="no scale 'none'"):
        fit(rankings, answers, scale="none")
    with pytest.raises(QueryError, match="penalty = -1"):
        fit(rankings, answers, penalty=-1)


def test_a_document_is_asked_for_without_the_words_of_the_question():
    documents = [
        Document("a", BODY, "A title of five words"),
        Document("b", BODY, "Another title, not asked"),
        Document("c", "short", "Too short to be asked"),
    ]
    left, queries, answers = questioned(documents, {"a", "c"}, Sentences("en"))
    assert [document.id for document in left] == ["a", "b", "c"]
    assert left[0].title == ""
    assert "five" not in left[0].text
    assert left[1:] == documents[1:]
    assert queries["a title"] == "A title of five words"
    assert set(answers.values()) == {"a"}
    assert set(answers) == set(queries)


def test_it_is_a_method_of_fuse():
    rankings, answers = planted((0.3, 50.0))

    class Given:
        def __init__(self, ranking):
            self.ranking = ranking

        def retrieve(self, queries, k=10):
            return self.ranking.cut(k)

    method = fit(rankings, answers)
    names = dict.fromkeys(rankings[0].queries, "")
    fused = fuse(Given(rankings[0]), Given(rankings[1]), method=method).retrieve(names, 1)
    right = sum(answers[q] == d for q, d, _ in fused.rows())
    noisy = sum(answers[q] == d for q, d, _ in rankings[1].cut(1).rows())
    assert right > 50 > noisy
