"""Whom to ask about is the solution of a game; what a model says of failures is checked."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from everygrain import Document, Index
from everygrain.encode.latent import Latent
from everygrain.endpoint import CachedEndpoint, Endpoint
from everygrain.errors import InputError, ModelError
from everygrain.learn.asking import Asking, Budget
from everygrain.learn.feedback.active import (
    estimated_error,
    informativeness,
    robust_choice,
)
from everygrain.learn.feedback.guidance import (
    OBJECTIVES,
    Curriculum,
    Failure,
    Guidance,
    Guided,
    dual_curriculum,
    failures,
)
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.contrasted import Contrasted


def best_by_linear_program(gains, budget, errors, harm):
    """Return the value of the game: the adversary's sum of the largest written as its dual."""
    n = len(gains)
    goal = np.concatenate([-gains, [harm * errors], np.full(n, harm)])  # of p, c and z
    above = np.hstack([np.diag(gains), np.full((n, 1), -1.0), -np.eye(n)])  # p g - c <= z
    spent = np.concatenate([np.ones(n), np.zeros(n + 1)])
    found = linprog(
        goal,
        A_ub=np.vstack([above, spent]),
        b_ub=np.append(np.zeros(n), budget),
        bounds=[(0, 1)] * n + [(0, None)] * (n + 1),
    )
    return -found.fun


def worst_worth(chances, gains, errors, harm):
    """Return what is left when an adversary spoils the points that are worth most."""
    worth = sorted(chances * gains, reverse=True)
    left = sum(worth)
    for value in worth:
        spoiled = min(errors, 1.0)
        left -= harm * spoiled * value
        errors -= spoiled
    return left


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(0, 1).map(lambda g: round(g, 3)), min_size=1, max_size=10),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8]),
    st.sampled_from([1.0, 1.5, 2.0]),
)
def test_the_choice_guarantees_what_a_linear_program_says_is_the_most(gains, budget, error, harm):
    gains = np.array(gains)
    most = best_by_linear_program(gains, budget, error * len(gains), harm)
    try:
        plan = robust_choice(gains, budget, error, harm=harm)
    except InputError:
        assert most < 1e-6
        return
    assert math.isclose(plan.guaranteed, most, rel_tol=1e-6, abs_tol=1e-7)
    worth = worst_worth(plan.chances, gains, error * len(gains), harm)
    assert math.isclose(worth, most, rel_tol=1e-6, abs_tol=1e-7)
    assert plan.chances.sum() <= budget + 1e-9
    assert ((plan.chances >= 0) & (plan.chances <= 1)).all()


def test_a_choice_worked_out_by_hand():
    # one question, four points, a teacher wrong on one of them: the k most informative at the
    # level 1 / sum(1 / g) are worth (k - 1) times it: 0, 1/3, 2/5 and 3/9
    plan = robust_choice([1.0, 0.5, 0.5, 0.25], 1, 0.25)
    assert math.isclose(plan.level, 1 / (1 + 2 + 2))
    assert np.allclose(plan.chances, [1 / 5, 2 / 5, 2 / 5, 0])
    assert math.isclose(plan.guaranteed, 2 / 5)


def test_a_teacher_that_is_never_wrong_is_asked_about_the_most_informative():
    plan = robust_choice([0.1, 0.9, 0.5, 0.7], 2, 0.0)
    assert np.allclose(plan.chances, [0, 1, 0, 1])
    assert math.isclose(plan.guaranteed, 1.6)
    assert plan.draw(3).tolist() == [1, 3]


def test_a_budget_for_all_asks_about_all_that_teaches():
    assert robust_choice([0.3, 0.0, 0.3], 9, 0.1).chances.tolist() == [1, 0, 1]


def test_points_are_drawn_with_their_chances_and_as_many_as_the_budget():
    gains = np.random.default_rng(0).random(40)
    plan = robust_choice(gains, 12, 0.3)
    drawn = np.zeros(40)
    for seed in range(4000):
        numbers = plan.draw(seed)
        assert len(numbers) == len(set(numbers.tolist())) == 12
        drawn[numbers] += 1
    spread = np.sqrt(plan.chances * (1 - plan.chances) / 4000)
    assert (np.abs(drawn / 4000 - plan.chances) <= 4.5 * spread + 1e-9).all()
    assert plan.draw(7).tolist() == plan.draw(7).tolist()


def test_a_large_pool_is_solved_to_the_same_value_as_a_search_over_levels():
    gains = np.random.default_rng(1).beta(0.5, 0.5, 3000)
    plan = robust_choice(gains, 200, 0.15)
    by_gain = np.sort(gains)[::-1]

    def worth(level):
        wanted = np.minimum(1, level / by_gain)
        left = 200 - np.concatenate([[0], np.cumsum(wanted)[:-1]])
        return (np.clip(left, 0, wanted) * by_gain).sum() - 0.15 * 3000 * level

    assert max(worth(level) for level in np.linspace(1e-4, 0.5, 3000)) <= plan.guaranteed + 1e-9
    assert math.isclose(worth(plan.level), plan.guaranteed, rel_tol=1e-9)


def test_information_is_what_the_margin_leaves():
    rows = [[0.7, 0.2, 0.1], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]
    assert np.allclose(informativeness(rows), [0.5, 1.0, 0.0])


def test_the_error_is_estimated_with_one_answer_of_each_kind_added():
    assert estimated_error(["a", "b", "b"], ["a", "b", "c"]) == 2 / 5
    assert estimated_error([1], [1]) == 1 / 3


@pytest.mark.parametrize(
    ("gains", "budget", "error", "said"),
    [
        ([0.5, -0.1], 1, 0.1, "from 0 up"),
        ([0.5, float("nan")], 1, 0.1, "from 0 up"),
        ([[0.5]], 1, 0.1, "from 0 up"),
        ([0.5], 0, 0.1, "make no game"),
        ([0.5], 1, 1.0, "make no game"),
        ([0.0, 0.0], 1, 0.1, "gain above 0"),
        ([], 1, 0.1, "gain above 0"),
        ([1.0, 0.0, 0.0, 0.0], 1, 0.5, "nothing can be guaranteed"),
    ],
)
def test_a_game_that_makes_no_sense_or_cannot_be_won_is_refused(gains, budget, error, said):
    with pytest.raises(InputError, match=said):
        robust_choice(gains, budget, error)


def test_what_is_no_probability_and_no_answer_is_refused():
    for rows in ([[0.5]], [0.5, 0.5], [[1.5, -0.5]], [[float("nan"), 1.0]]):
        with pytest.raises(InputError, match="no probabilities"):
            informativeness(rows)
    with pytest.raises(InputError, match="Give one of each"):
        estimated_error([], [])


DOCUMENTS = {
    document.id: document
    for document in (
        Document("tea", "Steamed leaves stay green. The roasted leaves turn brown.", "Leaves"),
        Document("oak", "Oak trees drop brown leaves in autumn winds.", "Oak"),
        Document("owl", "Barn owls hunt voles by hearing alone.", "Owl"),
    )
}
QUERIES = {"q1": "brown autumn leaves of the tea plant", "q2": "owls hunt voles", "q3": "nothing"}
RELEVANT = {"q1": ["tea"], "q2": ["owl", "missing"], "q3": ["missing"]}


@pytest.fixture
def lexical(tmp_path):
    with Index(tmp_path / "i", encoder="none") as index:
        index.add(DOCUMENTS.values())
        yield index.retriever("lexical")


@pytest.fixture
def failed(lexical):
    return failures(QUERIES, RELEVANT, DOCUMENTS, lexical)


def test_failures_are_the_queries_whose_document_others_outrank(failed, lexical):
    ids = [d for _, d, _ in lexical.retrieve([QUERIES["q1"]], 10).rows()]
    assert ids[:2] == ["oak", "tea"]  # the premise
    assert failed == [Failure("q1", QUERIES["q1"], DOCUMENTS["tea"], 2, ("oak",))]
    assert failures(QUERIES, RELEVANT, DOCUMENTS, lexical, rank=2) == []
    [missed] = failures({"q": "voles"}, {"q": ["oak"]}, DOCUMENTS, lexical)
    assert (missed.rank, missed.instead) == (None, ("owl",))


def test_each_failure_is_asked_about_once_per_objective(model, failed):
    source = Guidance(Asking(Endpoint(model.url, "m")))
    found = list(source.guided(failed, DOCUMENTS))
    assert [each.objective for each in found] == ["relevance", "comprehensiveness", "purity"]
    assert len(model.requests) == 3
    for prompt, objective in zip(model.prompts, OBJECTIVES, strict=True):
        assert objective.better in prompt
        assert objective.worse in prompt
        assert f"<query>{QUERIES['q1']}</query>" in prompt
        assert "<found>Oak Oak trees drop" in prompt
    pair = found[2].contrasted.pair
    assert (pair.query, pair.positive_id) == (QUERIES["q1"], "tea")
    assert "bananas" in found[2].contrasted.negatives[0]
    assert "bananas" not in pair.positive


@pytest.mark.parametrize(
    ("better", "worse", "reasons"),
    [
        ("Bananas ripen.", "Leaves.", {"not grounded": 3}),
        ("Roasted leaves turn brown.", "Brown leaves, roasted, turn.", {"repeats itself": 3}),
        (
            "Die Blätter sind braun und nicht grün.",
            "Leaves.",
            {"another language": 3},
        ),
        # shorter and purer: no better in what it covers
        (
            "Roasted leaves turn brown.",
            "Steamed leaves stay green, roasted leaves turn brown, and cats sleep.",
            {"contradicts its objective": 1},
        ),
        # covers more, and is not purer
        (
            "Steamed leaves stay green and cats sleep.",
            "Brown leaves.",
            {"contradicts its objective": 2},
        ),
    ],
)
def test_a_reply_whose_words_do_not_bear_it_out_is_dropped(model, failed, better, worse, reasons):
    model.rule = lambda prompt, seed: {"better": better, "worse": worse}
    asking = Asking(Endpoint(model.url, "m"), again=0)
    if sum(reasons.values()) == 3:
        with pytest.raises(ModelError, match="gave nothing that can be used"):
            list(Guidance(asking).guided(failed, DOCUMENTS))
    else:
        kept = list(Guidance(asking).guided(failed, DOCUMENTS))
        assert len(kept) == 3 - sum(reasons.values())
    assert asking.tally.dropped == reasons


def test_the_next_round_asks_only_where_the_retriever_fails_otherwise(model, failed, tmp_path):
    cached = CachedEndpoint(Endpoint(model.url, "m"), tmp_path / "c.db")
    for _ in range(2):
        list(Guidance(Asking(cached)).guided(failed, DOCUMENTS))
    assert len(model.requests) == 3
    moved = [Failure("q1", QUERIES["q1"], DOCUMENTS["tea"], 2, ("owl",))]
    list(Guidance(Asking(cached)).guided(moved, DOCUMENTS))
    assert len(model.requests) == 6


def test_the_budget_ends_a_round_with_what_was_had(model, failed):
    asking = Asking(Endpoint(model.url, "m"), Budget(calls=2))
    assert len(list(Guidance(asking).guided(failed * 3, DOCUMENTS))) == 2
    assert len(model.requests) == 2
    assert "is spent" in asking.tally.stopped


def guided(objective, positive, negative):
    pair = Pair("barn owls", positive, "s", "owl", "owl")
    return Guided(Contrasted(pair, (negative,)), objective)


def test_the_curriculum_runs_by_objective_and_then_by_the_encoders_ease():
    from everygrain.analyze import split

    texts = [document.text for document in DOCUMENTS.values()]
    encoder = Latent.unfitted().fit(split(texts))
    each = [
        guided("purity", "barn owls", "leaves"),
        guided("relevance", "brown leaves", "barn owls"),
        guided("relevance", "barn owls", "brown leaves"),
        guided("comprehensiveness", "barn owls", "owls"),
    ]
    found = dual_curriculum(each, encoder, first=0.5)
    assert list(found.guided) == [each[2], each[1], each[3], each[0]]
    for one, difficulty in zip(found.guided, found.difficulties, strict=True):
        query, better, worse = encoder.encode(
            ["barn owls", one.contrasted.pair.positive, one.contrasted.negatives[0]]
        )
        assert math.isclose(difficulty, float(query @ worse - query @ better), abs_tol=1e-6)
    assert [len(found.until(progress)) for progress in (0, 0.25, 0.5, 0.75, 1)] == [2, 3, 3, 4, 4]
    assert found.until(0) == found.guided[:2]


def test_bad_input_is_refused(model, lexical):
    source = Guidance(Asking(Endpoint(model.url, "m")))
    with pytest.raises(InputError, match="fails on no query"):
        list(source.guided([], DOCUMENTS))
    with pytest.raises(InputError, match="No query has a relevant document"):
        failures({"q3": "nothing"}, RELEVANT, DOCUMENTS, lexical)
    with pytest.raises(InputError, match="rank=0"):
        failures(QUERIES, RELEVANT, DOCUMENTS, lexical, rank=0)
    with pytest.raises(InputError, match=r"\['beauty'\] are unknown"):
        dual_curriculum([guided("beauty", "a", "b")], Latent.unfitted())
    assert dual_curriculum([], Latent.unfitted()) == Curriculum((), (), 0.3)
