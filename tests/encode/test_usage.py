"""Items stand between what is said of them and what they are used for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.encode.base import unit
from everygrain.encode.latent import Latent
from everygrain.encode.usage import UsedItems
from everygrain.encode.usage_ranking import (
    QueryClassifier,
    Refiner,
    candidate_features,
    logistic_loss,
)
from everygrain.errors import InputError


def items(shrinkage=3.0, count=4, dimensions=5):
    generator = np.random.default_rng(0)
    descriptions = unit(generator.normal(size=(count, dimensions)))
    zeros = np.zeros((count, dimensions))
    names = tuple("abcdefgh"[:count])
    return UsedItems(names, descriptions, zeros, np.zeros(count, dtype=np.int64), shrinkage)


def test_an_item_is_the_mean_of_its_queries_and_of_its_description_worked_by_hand():
    start = items()
    queries = unit(np.random.default_rng(1).normal(size=(4, 5)))
    used = start.used_at(queries, ["b", "a", "b", "b"])
    by_hand = (queries[0] + queries[2] + queries[3] + 3 * start.descriptions[1]) / 6
    assert np.allclose(used.vectors[1], by_hand / np.linalg.norm(by_hand), atol=1e-6)
    assert np.allclose(used.vectors[3], start.descriptions[3], atol=1e-6)
    assert used.counts.tolist() == [1, 3, 0, 0]


def test_without_shrinkage_a_used_item_is_the_mean_of_its_queries_alone():
    start = items(shrinkage=0.0)
    queries = unit(np.random.default_rng(1).normal(size=(2, 5)))
    used = start.used_at(queries, ["c", "c"])
    assert np.allclose(used.vectors[2], unit(queries.mean(axis=0, keepdims=True))[0], atol=1e-6)
    assert np.allclose(used.vectors[0], start.descriptions[0], atol=1e-6)


def test_infinite_shrinkage_leaves_the_descriptions():
    start = items(shrinkage=np.inf)
    used = start.used_at(unit(np.ones((1, 5))), ["a"])
    assert np.allclose(used.vectors, start.descriptions, atol=1e-7)


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=12), st.integers(1, 11))
@settings(max_examples=30, deadline=None)
def test_uses_that_come_later_are_as_good_as_all_at_once(names, cut):
    queries = unit(np.random.default_rng(2).normal(size=(len(names), 5)))
    once = items().used_at(queries, names)
    twice = items().used_at(queries[:cut], names[:cut]).used_at(queries[cut:], names[cut:])
    assert np.allclose(once.vectors, twice.vectors, atol=1e-6)
    assert once.counts.tolist() == twice.counts.tolist()


def test_an_item_is_found_by_words_that_only_its_users_know():
    from everygrain.analyze import split

    texts = {"lamp": "lamp", "oven": "oven", "drill": "drill"}
    uses = [("too dark to read", "lamp"), ("dark corner", "lamp"), ("bake bread", "oven")]
    words = split([*texts.values(), *[query for query, _ in uses]])
    encoder = Latent.unfitted("en").fit(words)
    described = UsedItems.described(encoder, texts)
    used = described.used(encoder, uses)
    asked = encoder.encode(["a dark room"], "query")
    assert used.search(asked, 1)[0][0][0] == "lamp"
    assert described.search(asked, 3)[0][0][1] < used.search(asked, 1)[0][0][1]


def test_bad_uses_are_errors_with_a_remedy():
    with pytest.raises(InputError, match="'z'") as caught:
        items().used_at(unit(np.ones((1, 5))), ["z"])
    assert caught.value.remedy
    with pytest.raises(InputError, match="twice"):
        UsedItems(("a", "a"), np.zeros((2, 3), np.float32), np.zeros((2, 3)), np.zeros(2, int))
    with pytest.raises(InputError, match="shrinkage is -1"):
        items(shrinkage=-1.0)


def test_the_classifiers_loss_and_gradient_equal_loops_and_finite_differences():
    generator = np.random.default_rng(3)
    inputs = np.hstack([generator.normal(size=(6, 3)), np.ones((6, 1))])
    used = generator.random((6, 2)) < 0.4
    weights = generator.normal(size=(2, 4))
    expected = 0.0
    for m in range(6):
        for item in range(2):
            chance = 1 / (1 + np.exp(-inputs[m] @ weights[item]))
            expected -= np.log(chance if used[m, item] else 1 - chance)
    expected += 0.7 / 2 * (weights[:, :3] ** 2).sum()
    value, gradient = logistic_loss(weights, inputs, used, 0.7)
    assert value == pytest.approx(expected, rel=1e-10)
    for place in range(weights.size):
        step = np.zeros(weights.size)
        step[place] = 1e-6
        above = logistic_loss(weights + step.reshape(2, 4), inputs, used, 0.7)[0]
        below = logistic_loss(weights - step.reshape(2, 4), inputs, used, 0.7)[0]
        assert gradient[place] == pytest.approx((above - below) / 2e-6, abs=1e-5)


def test_the_classifier_learns_a_query_that_uses_two_items():
    generator = np.random.default_rng(4)
    queries = unit(generator.normal(size=(300, 6)))
    used = np.stack([queries[:, 0] > 0.2, queries[:, 1] > 0.2], axis=1)
    found = QueryClassifier.fit(queries[:200], used[:200]).logits(queries[200:]) > 0
    assert (found == used[200:]).mean() > 0.9
    assert (found.sum(axis=1) == 2).any()


def test_the_refiner_trusts_the_view_that_tells_and_only_reorders():
    generator = np.random.default_rng(5)
    truth = generator.integers(0, 8, 200)
    good = generator.normal(size=(200, 8)) + 3 * np.eye(8)[truth]
    noise = generator.normal(size=(200, 8))
    candidates = np.argsort(-(noise + 0.5 * good), axis=1)[:, :5]
    features = candidate_features([noise, good], candidates)
    by_hand = good[7, candidates[7, 2]] - max(good[7, c] for c in candidates[7])
    assert features[7, 2, 3] == pytest.approx(by_hand)
    used = candidates == truth[:, None]
    refiner = Refiner.fit(features[:100], used[:100])
    refined = refiner.refine(features[100:], candidates[100:])
    assert np.array_equal(np.sort(refined, axis=1), np.sort(candidates[100:], axis=1))
    assert (refined[:, 0] == truth[100:]).sum() > (candidates[100:, 0] == truth[100:]).sum() + 20


def test_a_refiner_without_anything_to_learn_from_says_so():
    with pytest.raises(InputError, match="No query used"):
        Refiner.fit(np.zeros((2, 3, 4)), np.zeros((2, 3), dtype=bool))
    with pytest.raises(InputError, match="2 queries"):
        QueryClassifier.fit(np.zeros((2, 3), np.float32), np.zeros((3, 1), dtype=bool))
    with pytest.raises(InputError, match="penalty is 0"):
        QueryClassifier.fit(np.zeros((1, 3), np.float32), np.zeros((1, 1), dtype=bool), penalty=0)
