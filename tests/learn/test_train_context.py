"""Training the fusion: its network is the encoder's, its negatives are others', and it learns."""

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from tests.encode.test_context import EVENT, START, STIRRED
from tests.encode.test_static import FITTED

torch = pytest.importorskip("torch")

from everygrain.encode.context import Context  # noqa: E402
from everygrain.learn.train.context import (  # noqa: E402
    ContextTraining,
    Occasion,
    cut_short,
    hard_negatives,
    network,
    train_context,
)


def test_the_network_in_training_is_the_encoders_padding_or_not():
    queries = ["cat", "cats run a house cats", "dog"]
    events = [EVENT, "tree", "house a house green"]
    weights = {name: torch.from_numpy(array) for name, array in STIRRED.weights.items()}
    fused, seen = network(weights, STIRRED.asked(queries, events))
    assert np.allclose(fused.numpy(), STIRRED.encode_queries(queries, events), atol=1e-5)
    assert np.allclose(seen.norm(dim=1).numpy(), 1, atol=1e-5)


def test_the_gradient_of_the_fusion_equals_finite_differences():
    told = STIRRED.asked(["cat dog", "run"], [EVENT, "green house"])
    weights = {
        name: torch.tensor(array, dtype=torch.float32, requires_grad=True)
        for name, array in STIRRED.weights.items()
    }
    along = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32))

    def value():
        return (network(weights, told)[0] * along).sum()

    value().backward()
    for name in ("a", "b", "u", "P", "R", "U", "V"):
        flat, gradient = weights[name].data.view(-1), weights[name].grad.view(-1)
        place = int(gradient.abs().argmax())
        kept = float(flat[place])
        with torch.no_grad():
            flat[place] = kept + 1e-2
            above = float(value())
            flat[place] = kept - 1e-2
            below = float(value())
            flat[place] = kept
        assert float(gradient[place]) == pytest.approx((above - below) / 2e-2, rel=0.05, abs=2e-3)


def occasions(seed, count=120):
    """What is sought depends on one word of the event, which the query's word points to."""
    lot, found = np.random.default_rng(seed), []
    pairs = {"cat": ("house", "tree"), "dog": ("green", "run")}
    for _ in range(count):
        query = ["cat", "dog"][int(lot.integers(2))]
        own = pairs[query][int(lot.integers(2))]
        other = pairs["dog" if query == "cat" else "cat"][int(lot.integers(2))]
        event = " ".join(lot.permutation([own, other, "a"]))
        found.append(Occasion(query, event, f"{own} {own}", own))
    return found


def right(encoder, told):
    names = ["house", "tree", "green", "run"]
    fused = encoder.encode_queries([o.query for o in told], [o.event for o in told])
    best = (fused @ FITTED.encode([f"{n} {n}" for n in names]).T).argmax(1)
    return np.mean([names[b] == o.positive_id for b, o in zip(best, told, strict=True)])


def test_training_learns_which_word_of_the_event_a_query_means():
    settings = ContextTraining(steps=150, batch=32, rate=0.03, hard=1)
    made = train_context(START, occasions(0), None, settings)
    fresh = occasions(1)
    assert right(START, fresh) < 0.8
    assert right(made.encoder, fresh) > 0.95
    # documents, and queries without an event, know nothing of it
    assert made.encoder.fingerprint == START.fingerprint
    texts = ["cat", "dogs"]
    assert np.array_equal(made.encoder.encode(texts, "query"), START.encode(texts, "query"))


def test_hard_negatives_are_of_the_band_and_never_the_queries_own():
    told = STIRRED.asked(["cat"] * 6, [EVENT] * 6)
    query = STIRRED.encode_queries(["cat"], [EVENT])[0]
    lot = np.random.default_rng(0)
    vectors = query[None] * np.linspace(1, 0.5, 6)[:, None].astype(np.float32)
    vectors = (vectors + 0.001 * lot.standard_normal(vectors.shape)).astype(np.float32)
    owners = np.array([0, 1, 2, 3, 4, 4])
    found = hard_negatives(STIRRED, told, vectors, owners, 2)
    # the three nearest others are passed over; what is left is no text of the same owner
    assert found[0].tolist() == [4, 4] or set(found[0]) <= {4, 5}
    assert set(found[5]) == {3}
    alone = hard_negatives(STIRRED, told, vectors, np.zeros(6, dtype=int), 2)
    assert alone.tolist() == [[i, i] for i in range(6)]


def test_a_training_follows_from_its_seed_and_without_steps_nothing_changes():
    few = ContextTraining(steps=6, batch=16)
    first, second = (train_context(START, occasions(0, 40), None, few) for _ in range(2))
    other = train_context(START, occasions(0, 40), None, ContextTraining(6, 16, seed=1))
    assert first.curve == second.curve
    assert first.encoder.fusion == second.encoder.fusion != other.encoder.fusion
    same = train_context(START, occasions(0, 40), None, ContextTraining(steps=0))
    assert same.encoder.fusion == START.fusion


TEXT = (
    "The cat runs home today. A dog saw the cat there. The house is all green now. Trees are far."
)


def test_what_a_query_and_its_event_were_taken_from_is_not_what_is_sought():
    [made] = cut_short([Document("d", TEXT)], words=2)
    sentences = ["The cat runs home today.", "A dog saw the cat there.",
                 "The house is all green now."]  # fmt: skip
    place = sentences.index(made.event) - 1
    words = sentences[place].rstrip(".").casefold().split()
    assert [word for word in words if word in made.query.split()][:2]
    assert len(made.query.split()) == 2
    assert made.event not in made.positive
    assert sentences[place] not in made.positive
    assert made.positive_id == "d"
    assert cut_short([Document("d", TEXT)], words=2) == [made]


def test_events_come_from_the_related_text_and_queries_from_the_title():
    other = "Something else happened in the town. Nobody knew what to do about it."
    [made] = cut_short([Document("d", TEXT, "Green houses of the world")], {"d": other})
    assert made.event in other
    assert all(word in ["green", "houses", "of", "the", "world"] for word in made.query.split())
    assert cut_short([Document("d", TEXT)], {"d": ""}) == []
    assert cut_short([Document("d", "Only one sentence is here.")]) == []


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="1 occasions"):
        train_context(START, [*occasions(0, 1), Occasion("xyz", "cat", "dog", "d")])
    with pytest.raises(InputError, match="0 words"):
        cut_short([], words=0)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"batch": 1}, {"rate": 0}, {"event_weight": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="No fusion"):
        ContextTraining(**wrong)


def test_word_weights_of_other_encoders_come_from_documents():
    class Other:
        fingerprint, dimensions = "other", FITTED.dimensions

        def encode(self, texts, kind="document"):
            return FITTED.encode(texts, kind)

    told = Context.untrained(Other(), ["a cat", "a dog", "a tree a"])
    assert told.idf["a"] < told.unseen
