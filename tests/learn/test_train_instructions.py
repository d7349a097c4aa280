"""Training for several uses: what a step sees, and that uses can want opposite things."""

import numpy as np
import pytest

from everygrain.encode.static import Static
from everygrain.errors import InputError
from tests.encode.test_static import FITTED, TABLE

torch = pytest.importorskip("torch")

from everygrain.learn.losses.contrastive import MultipleNegatives  # noqa: E402
from everygrain.learn.losses.divergence import StabilisedDistillation  # noqa: E402
from everygrain.learn.train.instructions import (  # noqa: E402
    InstructionTraining,
    Rewarded,
    _Run,
    train_instructions,
)

START = Static(TABLE, FITTED.idf, FITTED.unseen)
WORDS = ["cat", "dog", "tree", "house", "green", "run"]


def opposite(count=60, seed=0):
    """The same query wants one text in one use and another in the other, whatever its words."""
    lot, found = np.random.default_rng(seed), []
    for i in range(count):
        word = str(lot.choice(WORDS))
        use, end = (("animals", "cats"), ("places", "greenhouse"))[i % 2]
        found.append(Rewarded(use, word, f"{word} {end} {end}"))
    return found


def choices(model, use, encoder):
    """How often a query's nearest text is of its use: both texts hold the query's word."""
    texts = [f"{word} {end} {end}" for word in WORDS for end in ("cats", "greenhouse")]
    own = encoder.for_use(use)
    best = (own.encode(WORDS, "query") @ own.encode(texts).T).argmax(1)
    return np.mean([texts[b].endswith(model) for b in best])


def test_one_model_serves_uses_that_want_opposite_things_only_with_instructions():
    told = InstructionTraining(epochs=40, batch=16, own_rate=0.03, reward_weight=0)
    loss = MultipleNegatives(scale=5.0)
    # texts of both uses are among the negatives, or no query would have to choose
    both = [
        Rewarded(e.use, e.query, e.positive, (f"{e.query} {other} {other}",))
        for e in opposite()
        for other in ["greenhouse" if e.use == "animals" else "cats"]
    ]
    made = train_instructions(START, both, told, loss=loss).encoder
    plain = InstructionTraining(epochs=40, batch=16, own_rate=0.03, reward_weight=0, sides="none")
    without = train_instructions(START, both, plain, loss=loss).encoder
    pairs = (("cats", "animals"), ("greenhouse", "places"))
    assert min(choices(end, use, made) for end, use in pairs) > 0.8
    # without, the same query has the same vector in both uses: what one gains the other loses
    assert sum(choices(end, use, without) for end, use in pairs) <= 1.0
    assert without.learned == {}


def test_batches_are_of_one_use_unless_they_are_to_be_mixed():
    few = InstructionTraining(epochs=2, batch=8, reward_weight=0)
    one = train_instructions(START, opposite(), few).curve
    assert {use for use, _ in one} == {"animals", "places"}
    assert len(one) == 2 * (4 + 4)
    mixed = InstructionTraining(epochs=2, batch=8, reward_weight=0, one_use=False)
    assert "mixed" in {use for use, _ in train_instructions(START, opposite(), mixed).curve}


EXAMPLES = [
    Rewarded("u", "cat", "cat house", ("dog", "tree"), (-1.0, -2.0, -3.0)),
    Rewarded("u", "dog", "dog house", ("cat house",)),
    Rewarded("u", "cat", "run", (), (-4.0,)),
]


def test_rewards_reach_the_texts_that_they_were_given_to_and_no_others():
    run = _Run(START, EXAMPLES, InstructionTraining())
    batch = run.batch(np.array([1, 0, 2]), 0.5)
    # columns: the three positives, then what else was found for the first, and for the second
    nothing = float("nan")
    expected = [
        [nothing] * 6,
        [nothing, -1.0, nothing, nothing, -2.0, -3.0],
        [nothing, nothing, -4.0, nothing, nothing, nothing],
    ]
    assert np.array_equal(batch.teacher.numpy(), np.array(expected, np.float32), equal_nan=True)
    # "cat house" answers the second; the text of the same query's other example is no negative
    assert batch.counted.tolist() == [
        [True, True, True, True, True, True],
        [True, True, False, False, True, True],
        [True, False, True, True, True, True],
    ]
    assert torch.equal(batch.relevance, torch.eye(3, 6))


def test_the_documents_of_a_batch_are_the_encoders_for_its_use():
    run = _Run(START, EXAMPLES, InstructionTraining())
    with torch.no_grad():
        for each in run.own.values():
            each += torch.randn(each.shape, generator=torch.Generator().manual_seed(0)) / 4
    made = run.result().for_use("u")
    batch = run.batch(np.array([0, 1, 2]), 0.5)
    texts = ["cat house", "dog house", "run", "dog", "tree", "cat house"]
    assert np.allclose(batch.documents.detach().numpy(), made.encode(texts), atol=2e-3)
    asked = made.encode(["cat", "dog", "cat"], "query")
    assert np.allclose(batch.queries.detach().numpy(), asked, atol=2e-3)  # the table is float16


def test_rewards_teach_an_order_that_the_pairs_do_not_tell():
    order = ["tree", "house", "run"]
    told = [
        Rewarded("u", "cat", "cat cat", tuple(order), (0.0, -1.0, -2.0, -3.0)),
        Rewarded("u", "dog", "dog dog", tuple(order), (0.0, -3.0, -2.0, -1.0)),
    ] * 8
    settings = InstructionTraining(epochs=60, batch=16, sides="none")
    distillation = StabilisedDistillation(scale=5.0, teacher_scale=0.5)
    made = train_instructions(START, told, settings, distillation=distillation).encoder
    scores = made.for_use("u").encode(["cat", "dog"], "query") @ made.for_use("u").encode(order).T
    assert np.argsort(-scores[0]).tolist() == [0, 1, 2]
    assert np.argsort(-scores[1]).tolist() == [2, 1, 0]


def test_instructions_for_queries_alone_leave_documents_to_one_index():
    settings = InstructionTraining(epochs=3, batch=8, sides="query", reward_weight=0)
    made = train_instructions(START, opposite(), settings).encoder
    assert set(made.learned) == {"animals.query", "places.query"}
    assert not made.for_use("animals").own_documents
    texts = ["cat", "house tree"]
    first, second = (made.for_use(use).encode(texts) for use in ("animals", "places"))
    assert np.array_equal(first, second)


def test_a_training_follows_from_its_seed():
    few = InstructionTraining(epochs=2, batch=8)
    first, second = (train_instructions(START, opposite(), few) for _ in range(2))
    other = train_instructions(START, opposite(), InstructionTraining(epochs=2, batch=8, seed=1))
    prints = [each.encoder.for_use("places").fingerprint for each in (first, second, other)]
    assert first.curve == second.curve
    assert prints[0] == prints[1] != prints[2]


def test_bad_examples_and_settings_are_refused():
    with pytest.raises(InputError, match="2 texts of the query 'cat' have the rewards"):
        Rewarded("u", "cat", "a", ("b",), (1.0,))
    with pytest.raises(InputError, match="rewards"):
        Rewarded("u", "cat", "a", (), (float("nan"),))
    with pytest.raises(InputError, match="1 examples"):
        train_instructions(START, opposite()[:1])
    for wrong in ({"epochs": 0}, {"batch": 1}, {"own_rate": 0}, {"sides": "left"}):
        with pytest.raises(InputError, match="No uses can be trained"):
            InstructionTraining(**wrong)
