"""Training reaches the shared part and the expert of a text's domain, and nothing else."""

import numpy as np
import pytest

from everygrain.encode.base import unit
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.experts import (
    Bags,
    ExpertTables,
    ExpertTraining,
    batches,
    in_batch,
    train_static_experts,
)
from everygrain.learn.train.pilots import learn_pilots, pair_scores
from tests.encode.test_static import FITTED, TABLE

torch = pytest.importorskip("torch")

TEXTS = ["cat", "dogs run", "a tree", "house", "greenhouse", "running cats"]
BAGS = Bags.of(FITTED, TEXTS)
ROWS = np.arange(len(TEXTS))


def pairs_of(*words, count=40, seed=0):
    """Pairs whose query and answer share a word, in one domain's own words."""
    chance = np.random.default_rng(seed)
    found = []
    for number in range(count):
        word, other = chance.choice(words, 2)
        found.append(Pair(f"{word} a", f"{word} {other}", "test", f"q{number}", f"d{number}"))
    return found


ANIMALS = pairs_of("cat", "dog", "cats", "dogs", "run")
PLACES = pairs_of("tree", "house", "greenhouse", "running", "green", seed=1)
PAIRS = ANIMALS + PLACES
DOMAINS = ["animals"] * len(ANIMALS) + ["places"] * len(PLACES)


def loss_of(tables, rows, places):
    from everygrain.learn.losses.contrastive import MultipleNegatives

    asked = tables.encode(BAGS, rows, places)
    return MultipleNegatives()(in_batch(asked, asked.flip(0), rows, 0.0)).sum()


def test_bags_give_the_encoders_vectors():
    found = unit(BAGS.matrix @ FITTED.table.matrix.astype(np.float32))
    assert np.allclose(found, FITTED.encode(TEXTS), atol=1e-6)
    tables = ExpertTables.of(FITTED.table.matrix, 2)
    trained = tables.encode(BAGS, ROWS, np.array([0, 1, -1, 0, 1, -1])).detach().numpy()
    assert np.allclose(trained, FITTED.encode(TEXTS), atol=1e-6)


def test_an_experts_gradient_is_zero_for_batches_of_other_domains():
    tables = ExpertTables.of(FITTED.table.matrix, 3)
    loss_of(tables, ROWS, np.full(len(ROWS), 1)).backward()
    gradients = [expert.weight.grad for expert in tables.experts]
    assert gradients[0] is None
    assert gradients[2] is None
    assert gradients[1].to_dense().abs().sum() > 0
    # the expert is added to what is shared: both get the same gradient
    shared = tables.shared.weight.grad.to_dense()
    assert torch.equal(shared, gradients[1].to_dense())


def test_in_a_mixed_batch_each_text_reaches_its_own_expert_alone():
    tables = ExpertTables.of(FITTED.table.matrix, 2)
    loss_of(tables, ROWS, np.array([0, 0, 1, 1, -1, -1])).backward()
    first, second = (expert.weight.grad.to_dense() for expert in tables.experts)
    touched = [np.unique(BAGS.matrix[rows].indices) for rows in ([0, 1], [2, 3])]
    for gradient, pieces in zip((first, second), touched, strict=True):
        assert np.flatnonzero(gradient.abs().sum(dim=1).numpy()).tolist() == pieces.tolist()


def test_the_gradient_of_an_expert_is_that_of_finite_differences():
    tables = ExpertTables.of(FITTED.table.matrix, 2)
    places = np.array([0, 1, 0, 1, 0, 1])
    with torch.no_grad():
        for expert in tables.experts:
            expert.weight += 0.1 * torch.randn(expert.weight.shape, generator=torch.manual_seed(0))
    loss_of(tables, ROWS, places).backward()
    gradient = tables.experts[0].weight.grad.to_dense()
    piece = int(BAGS.matrix.indices[0])
    for direction in range(3):
        values = []
        for step in (1e-2, -1e-2):
            with torch.no_grad():
                tables.experts[0].weight[piece, direction] += step
            values.append(float(loss_of(tables, ROWS, places).detach()))
            with torch.no_grad():
                tables.experts[0].weight[piece, direction] -= step
        slope = (values[0] - values[1]) / 2e-2
        assert slope == pytest.approx(float(gradient[piece, direction]), rel=0.02, abs=2e-3)


def test_without_steps_the_model_is_the_dense_one_to_the_last_bit():
    fresh = train_static_experts(FITTED, PAIRS, DOMAINS, ExpertTraining(steps=0))
    assert fresh.names == ("animals", "places")
    assert fresh.encode(TEXTS).tobytes() == FITTED.encode(TEXTS).tobytes()


@pytest.mark.parametrize("mixed", [False, True])
def test_training_lifts_the_answers_of_both_domains_and_gives_the_same_again(mixed):
    settings = ExpertTraining(steps=30, batch=16, rate=0.02, expert_rate=0.02, mixed=mixed)
    first, second = (train_static_experts(FITTED, PAIRS, DOMAINS, settings) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    for domain, pairs in (("animals", ANIMALS), ("places", PLACES)):
        expert = first.experts[first.names.index(domain)]
        before, after = (pair_scores(e, e, pairs, block=16).mean() for e in (FITTED, expert))
        assert after > before + 0.1
    # the domain of a text is read from the text
    assert first.domains(["dog cat", "green tree"]) == ["animals", "places"]


def test_pairs_of_no_domain_train_the_shared_table_alone():
    settings = ExpertTraining(steps=5, batch=16)
    dense = train_static_experts(FITTED, PAIRS, [None] * len(PAIRS), settings)
    assert dense.names == ()
    assert dense.deltas.shape[0] == 0
    assert not np.array_equal(dense.encode(TEXTS), FITTED.encode(TEXTS))
    assert np.array_equal(dense.encode(TEXTS), dense.shared.encode(TEXTS))
    half = train_static_experts(FITTED, PAIRS, ["animals"] * 40 + [None] * 40, settings)
    assert half.deltas.shape[0] == 1
    assert np.abs(half.deltas).max() > 0


def test_experts_of_queries_leave_the_documents_as_the_base_has_them():
    settings = ExpertTraining(steps=20, batch=16, rate=0.0, expert_rate=0.02, documents=False)
    found = train_static_experts(FITTED, PAIRS, DOMAINS, settings)
    assert np.array_equal(found.encode(TEXTS, "document"), FITTED.encode(TEXTS))
    animals = found.experts[0]
    before = pair_scores(FITTED, FITTED, ANIMALS, block=16).mean()
    assert pair_scores(animals, FITTED, ANIMALS, block=16).mean() > before


def test_a_batch_is_of_one_domain_and_domains_have_steps_in_proportion():
    places = np.array([0] * 60 + [1] * 30 + [-1] * 10)
    found = list(batches(places, ExpertTraining(steps=20, batch=8)))
    of = [np.unique(places[rows]) for rows in found]
    assert all(len(each) == 1 for each in of)
    assert np.bincount([int(each[0]) + 1 for each in of]).tolist() == [2, 12, 6]
    # a domain's pairs all come before one comes again
    first = np.concatenate([r for r, each in zip(found, of, strict=True) if each[0] == 0])[:56]
    assert len(set(first.tolist())) == 56


def test_mixed_batches_hold_all_pairs_once_a_round():
    found = np.concatenate(list(batches(np.arange(40) % 3, ExpertTraining(5, 8, mixed=True))))
    assert sorted(found.tolist()) == list(range(40))


def test_what_is_told_of_each_step_is_its_number_and_loss():
    told = []
    settings = ExpertTraining(steps=3, batch=8)
    train_static_experts(FITTED, PAIRS, DOMAINS, settings, told=lambda *each: told.append(each))
    assert [each[:2] for each in told] == [(1, 3), (2, 3), (3, 3)]
    assert all(each[2] > 0 for each in told)


def test_bad_input_says_what_to_do():
    with pytest.raises(InputError, match="80 pairs and 1 domains"):
        train_static_experts(FITTED, PAIRS, ["animals"])
    with pytest.raises(InputError, match="0 pairs"):
        train_static_experts(FITTED, [], [])
    with pytest.raises(InputError, match="No domain has two pairs"):
        train_static_experts(FITTED, PAIRS[:1], ["animals"], ExpertTraining(steps=1))
    with pytest.raises(InputError, match="cannot be trained"):
        ExpertTraining(batch=1)


# --- pilots ---


def test_scores_of_pairs_are_log_probabilities_among_the_block():
    base = Static(TABLE, {})
    pairs = PAIRS[:7]
    found = pair_scores(base, base, pairs, scale=5.0, block=4)
    asked, answers = ([base.encode([t])[0] for t in texts] for texts in (
        [p.query for p in pairs], [p.positive for p in pairs],
    ))  # fmt: skip
    for i in range(7):
        block = range(4) if i < 4 else range(4, 7)
        total = sum(np.exp(5.0 * float(asked[i] @ answers[j])) for j in block)
        assert found[i] == pytest.approx(
            5.0 * float(asked[i] @ answers[i]) - np.log(total), abs=1e-4
        )


def test_a_pilot_is_the_middle_of_a_domains_texts_that_one_expert_does_best():
    vectors = unit(np.array([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [0, 0]]))
    scores = {"a": np.array([1.0, 2, 0, 5, 0, 9]), "b": np.array([0.0, 2, 1, 0, 3, 0])}
    domains = ["x", "x", "x", "y", "y", "y"]
    found = learn_pilots(vectors, scores, domains)
    # a wins 0 and (first among equals) 1 of x, and 3 of y; b wins 2 of x and 4 of y; 5 is zero
    assert found.experts == ("a", "b", "a", "b")
    wanted = unit(np.array([vectors[0] + vectors[1], vectors[2], vectors[3], vectors[4]]))
    assert np.allclose(found.matrix, wanted, atol=1e-6)
    assert learn_pilots(vectors, scores, domains, smallest=2).experts == ("a",)


def test_pilots_of_nothing_are_refused():
    with pytest.raises(InputError, match="2 vectors, 1 domains"):
        learn_pilots(np.ones((2, 2), np.float32), {"a": np.zeros(2)}, ["x"])
    with pytest.raises(InputError, match="best on 3 texts"):
        learn_pilots(np.ones((2, 2), np.float32), {"a": np.zeros(2)}, ["x", "x"], smallest=3)
