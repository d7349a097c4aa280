"""A teacher's ranking, its first places above all."""

import math

import numpy as np
import pytest

from everygrain.learn.losses import parse_loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.importance import ImportanceAware
from everygrain.learn.losses.policy import log_probability
from tests.learn.losses.reference import CASES, case, check, finite_at
from tests.learn.losses.test_divergence import tied


@pytest.mark.parametrize("emphasis", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("which", [*CASES, "ties"])
def test_value_and_gradient_are_those_of_the_formula_in_loops(which, emphasis):
    made = tied() if which == "ties" else CASES[which]

    def written(queries, documents):
        losses = []
        for i, known in enumerate(made.known):
            powers = [math.exp(7 * queries[i] @ document) for document in documents]
            rest = sum(powers[k] for k in made.negatives[i] if k not in known)
            loss = total = 0.0
            for j in known:
                place = 1 + sum(made.teacher[i, k] > made.teacher[i, j] for k in known)
                below = sum(powers[k] for k in known if made.teacher[i, k] < made.teacher[i, j])
                weight = 1 + emphasis / math.log2(1 + place)
                loss -= weight * math.log(powers[j] / (powers[j] + below + rest))
                total += weight
            losses.append(loss / total if total else 0.0)
        return losses

    check(ImportanceAware(7.0, emphasis), made, written)


def ranked():
    """Four documents, all of them ranked by the teacher; the third is the best."""
    made = case(n=1, m=4)
    made.counted[:] = True
    made.teacher[:] = [[2.0, 1.0, 3.0, 0.0]]
    return made


def test_without_emphasis_it_is_the_plackett_luce_likelihood_of_the_ranking():
    made = ranked()
    batch = made.batch()
    logits = 20 * batch.similarities
    order = batch.teacher.argsort(dim=1, descending=True)[None]
    expected = -log_probability(logits, logits.isfinite(), order, 4)[0] / 4
    found = ImportanceAware(emphasis=0.0)(batch)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-9)


def test_a_mistake_at_the_top_costs_more_than_the_same_one_further_down():
    def loss(emphasis, order):
        """Of scores 3, 2, 1, 0 for the documents in this order, by the teacher's places."""
        made = case(n=1, m=4, d=4)
        made.counted[:] = True
        made.queries[:] = np.ones((1, 4)) / 2
        made.documents[:] = np.array([3.0, 2.0, 1.0, 0.0])[:, None] / 2  # products 3, 2, 1, 0
        made.teacher[0, list(order)] = [3.0, 2.0, 1.0, 0.0]
        return float(ImportanceAware(1.0, emphasis)(made.batch()).detach())

    right, top, bottom = (0, 1, 2, 3), (1, 0, 2, 3), (0, 1, 3, 2)
    for emphasis in (1.0, 4.0):
        plain = loss(0.0, top) - loss(0.0, right), loss(0.0, bottom) - loss(0.0, right)
        found = (
            loss(emphasis, top) - loss(emphasis, right),
            loss(emphasis, bottom) - loss(emphasis, right),
        )
        assert found[0] / found[1] > plain[0] / plain[1]


def test_with_one_ranked_document_it_is_multiple_negatives():
    made = case()
    made.counted[:] = True
    made.teacher[:] = np.nan
    made.teacher[np.arange(4), np.arange(4)] = 1.0
    np.testing.assert_allclose(
        ImportanceAware()(made.batch()).detach().numpy(),
        MultipleNegatives(symmetric=False)(made.batch()).detach().numpy(),
        rtol=1e-9,
    )


def test_only_the_order_of_the_teachers_scores_counts():
    made, other = ranked(), ranked()
    other.teacher[:] = np.exp(other.teacher) - 100
    first, second = (float(ImportanceAware()(each.batch()).detach()) for each in (made, other))
    assert first == second


def test_it_stays_finite_and_prints_as_it_is_written():
    finite_at(ImportanceAware(1e6, 100.0))
    assert str(parse_loss("importance_aware(emphasis=0)")) == "importance_aware(emphasis=0)"
    assert parse_loss("importance_aware") == ImportanceAware()
