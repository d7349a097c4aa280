"""The map from score to probability: its gradient, its order, and maps that can be known."""

import json

import numpy as np
import pytest
from scipy.special import expit

from everygrain.document import Ranking
from everygrain.encode.base import unit
from everygrain.errors import EncoderMismatchError, InputError, QueryError
from everygrain.rank.cutoff import Adapted, Cutoff
from everygrain.rank.cutoff.adapter import Adapter, fit_adapter, fit_both, held_out, known, loss
from everygrain.rank.cutoff.sets import Candidates, best_threshold, f1


class Two:
    """An encoder of two kinds of texts: plain ones and those that start with a dot."""

    fingerprint = "two"
    dimensions = 3

    def encode(self, texts, kind="document"):
        return unit(np.array([[t.startswith("."), not t.startswith("."), 0.1] for t in texts]))

    def save(self, folder):
        (folder / "encoder.json").write_text('{"kind": "two"}')


def planted(count, seed=0):
    """Queries whose relevant candidates score above 0.3 or, if they start with a dot, above 0.7."""
    generator = np.random.default_rng(seed)
    queries, rows, judgements = {}, [], {}
    for i in range(count):
        name, text = f"q{i:03}", f"{'.' * (i % 2)}text {i}"
        queries[name], judgements[name] = text, {}
        for j in range(20):
            score = float(generator.random())
            rows.append((name, f"d{j:02}", score))
            if score > (0.7 if i % 2 else 0.3):
                judgements[name][f"d{j:02}"] = 1
        judgements[name]["not found"] = 0
    return queries, Ranking.of(list(queries), rows), judgements


def test_the_gradient_equals_finite_differences():
    _queries, ranking, judgements = planted(6)
    vectors = np.random.default_rng(1).normal(size=(6, 4))
    candidates = Candidates.of(ranking, judgements)
    point = np.random.default_rng(2).normal(size=10)
    _, gradient = loss(point, candidates, vectors, 0.1, 1)
    for i, step in enumerate(1e-6 * np.eye(10)):
        above, _ = loss(point + step, candidates, vectors, 0.1, 1)
        below, _ = loss(point - step, candidates, vectors, 0.1, 1)
        assert gradient[i] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_the_loss_and_the_map_are_those_of_loops():
    _queries, ranking, judgements = planted(3)
    vectors = np.random.default_rng(1).normal(size=(3, 2))
    candidates = Candidates.of(ranking, judgements)
    a1, a2, a0, c1, c2, c0 = point = np.array([0.3, -0.2, 1.0, 0.5, 0.1, -0.7])
    total, expected = 0.0, []
    for owner, score, label in zip(
        candidates.owners, candidates.scores, candidates.labels, strict=True
    ):
        x, y = vectors[owner]
        slope = np.log(1 + np.exp(a0 + a1 * x + a2 * y))
        chance = 1 / (1 + np.exp(-(slope * score + c0 + c1 * x + c2 * y)))
        expected.append(chance)
        total -= np.log(chance if label else 1 - chance)
    found, _ = loss(point, candidates, vectors, 0.2)
    penalty = 0.1 * (0.3**2 + 0.2**2 + 0.5**2 + 0.1**2)
    assert found == pytest.approx(total / len(expected) + penalty)
    spared, _ = loss(point, candidates, vectors, 0.2, 1)
    assert spared == pytest.approx(total / len(expected) + 0.1 * (0.3**2 + 0.5**2))
    mapped = Adapter(point).probabilities(vectors[candidates.owners], candidates.scores)
    assert mapped.tolist() == pytest.approx(expected)


def test_each_kind_of_query_gets_its_own_end():
    queries, ranking, judgements = planted(80)
    candidates = Candidates.of(ranking, judgements)
    vectors = Two().encode(list(queries.values()))
    adapter, threshold = fit_both(candidates, vectors, 1e-5)
    mapped = adapter.probabilities(vectors[candidates.owners], candidates.scores)
    assert f1(candidates, mapped >= threshold).mean() > 0.95
    one = best_threshold(candidates, candidates.scores)
    assert f1(candidates, candidates.scores >= one).mean() < 0.9


def test_lists_that_end_at_a_distance_from_their_best_are_learned():
    generator = np.random.default_rng(0)
    rows, judgements = [], {}
    for i in range(60):
        name, best = f"q{i:02}", 0.4 + 0.5 * float(generator.random())
        judgements[name] = {"d00": 1}
        for j in range(15):
            score = best - 0.03 * j
            rows.append((name, f"d{j:02}", score))
            if j < 4:  # within 0.1 of the best
                judgements[name][f"d{j:02}"] = 1
    candidates = Candidates.of(Ranking.of(list(judgements), rows), judgements)
    features = known(np.zeros((60, 2)), candidates)
    assert features[:, 2].tolist() == candidates.scores[candidates.ranks == 1].tolist()
    adapter, threshold = fit_both(candidates, features, free=1)
    mapped = adapter.probabilities(features[candidates.owners], candidates.scores)
    assert f1(candidates, mapped >= threshold).mean() == 1
    raw = best_threshold(candidates, candidates.scores)
    assert f1(candidates, candidates.scores >= raw).mean() < 0.8


def test_a_high_strength_gives_all_queries_one_map():
    queries, ranking, judgements = planted(40)
    candidates = Candidates.of(ranking, judgements)
    vectors = Two().encode(list(queries.values()))
    slopes, offsets = fit_adapter(candidates, vectors, 1e6).lines(vectors)
    assert np.ptp(slopes) < 1e-3
    assert np.ptp(offsets) < 1e-3


def test_probabilities_are_those_that_labels_were_drawn_with():
    generator = np.random.default_rng(0)
    vectors = np.ones((200, 1))
    owners = np.repeat(np.arange(200), 50)
    scores = generator.random(len(owners))
    labels = (generator.random(len(owners)) < expit(6 * scores - 4)).astype(float)
    relevant = np.bincount(owners, labels).astype(np.int64)
    names = tuple(map(str, range(200)))
    adapter = fit_adapter(Candidates(names, owners, scores, labels, relevant), vectors, 0.0)
    slopes, offsets = adapter.lines(vectors[:1])
    assert slopes[0] == pytest.approx(6, abs=0.4)
    assert offsets[0] == pytest.approx(-4, abs=0.3)


def test_the_order_stays_and_the_scores_become_probabilities():
    queries, ranking, judgements = planted(60)
    cut = Adapted.fit(ranking, judgements, queries, Two())
    found = cut.rerank(queries, ranking)
    assert found.queries == ranking.queries
    assert found.scores.min() >= cut.threshold - 1e-6
    assert found.scores.max() <= 1
    before, after = ranking.by_query(), found.by_query()
    for query, rows in after.items():
        assert [d for d, _ in rows] == [d for d, _ in before[query][: len(rows)]]
    told = cut.verdicts(queries, ranking)
    assert {q: v.kept for q, v in told.items()} == {q: len(rows) for q, rows in after.items()}


def test_nothing_good_is_a_result():
    queries, ranking, judgements = planted(60)
    cut = Adapted.fit(ranking, judgements, queries, Two())
    poor = Ranking.of(["q", "empty"], [("q", "d", 0.01)])
    asked = {"q": ".text", "empty": "text"}
    assert cut.rerank(asked, poor).queries == ("q", "empty")
    assert len(cut.rerank(asked, poor)) == 0
    told = cut.verdicts(asked, poor)
    assert str(told["q"]).startswith(
        "No good answer: the best of 1 candidate has a probability of relevance of"
    )
    nothing = Ranking.of(["empty"], [])
    assert str(cut.verdicts(asked, nothing)["empty"]) == "No good answer: nothing was found."


def test_it_is_kept_as_json_and_printed():
    queries, ranking, judgements = planted(60)
    cut = Adapted.fit(ranking, judgements, queries, Two())
    again = Adapted.from_settings(json.loads(json.dumps(cut.settings())), Two())
    assert again.rerank(queries, ranking).document_ids.tolist() == (
        cut.rerank(queries, ranking).document_ids.tolist()
    )
    assert repr(again) == repr(cut) == f"Adapted(threshold={cut.threshold:.4g}, queries=60)"
    assert isinstance(cut, Cutoff)


def test_another_encoder_and_bad_settings_are_refused():
    queries, ranking, judgements = planted(60)
    settings = Adapted.fit(ranking, judgements, queries, Two()).settings()
    with pytest.raises(EncoderMismatchError, match="fitted with other"):
        Adapted.from_settings(settings | {"fingerprint": "other"}, Two())
    with pytest.raises(InputError, match="no settings of an adapted"):
        Adapted.from_settings({"threshold": 0.5}, Two())
    with pytest.raises(QueryError, match="takes 1 numbers of a query, not 3"):
        Adapter(np.zeros(4)).lines(np.zeros((2, 3)))


def test_too_few_queries_are_refused():
    queries, ranking, judgements = planted(10)
    with pytest.raises(QueryError, match="Only 10 queries have both relevant and other"):
        Adapted.fit(ranking, judgements, queries, Two())
    with pytest.raises(QueryError, match="strength = -1"):
        fit_adapter(Candidates.of(*planted(30)[1:]), np.zeros((30, 2)), -1)


def test_one_result_can_be_kept_in_any_case_and_is_said_to_fall_short():
    queries, ranking, judgements = planted(60)
    cut = Adapted.fit(ranking, judgements, queries, Two(), at_least=1)
    asked = {"q": ".text", "empty": "text"}
    poor = Ranking.of(["q", "empty"], [("q", "d", 0.01), ("q", "e", 0.005)])
    found = cut.rerank(asked, poor)
    assert found.by_query() == {"q": [("d", pytest.approx(found.scores[0]))], "empty": []}
    told = cut.verdicts(asked, poor)
    assert told["q"].kept == 1
    assert told["q"].is_empty
    assert str(told["q"]).endswith("; 1 kept all the same.")
    again = Adapted.from_settings(json.loads(json.dumps(cut.settings())), Two())
    assert again.rerank(asked, poor) == found


def test_a_threshold_for_sets_with_at_least_one_is_the_best_of_all_such():
    _queries, ranking, judgements = planted(60)
    candidates = Candidates.of(ranking, judgements)
    features = known(np.zeros((60, 1)), candidates)
    _, threshold = fit_both(candidates, features, free=1, at_least=1)
    values = held_out(candidates, features, 1e-3, 1)
    first = candidates.ranks == 1
    reached = f1(candidates, first | (values >= threshold)).mean()
    for other in np.unique(values)[::20]:
        assert reached >= f1(candidates, first | (values >= other)).mean() - 1e-12
