"""Training concepts: its terms in loops, its vectors the encoder's, and what it learns."""

import math

import numpy as np
import pytest

from everygrain.errors import InputError
from tests.encode.test_concepts import BIASES, MATRIX, TRAINED
from tests.encode.test_static import FITTED

torch = pytest.importorskip("torch")

from everygrain.encode.concepts import Concepts  # noqa: E402
from everygrain.learn.train.concepts import (  # noqa: E402
    Annotated,
    ConceptTraining,
    activations,
    indicators,
    tagging,
    train_concepts,
    vocabulary,
)


def test_tagging_is_the_formula_written_out_in_loops():
    logits = np.array([[0.5, -1.0, 2.0], [0.1, 0.2, -0.4]])
    told = [[0, 2], [1]]
    expected = []
    for row, labels in zip(logits, told, strict=True):
        total = sum(math.exp(value) for value in row)
        expected.append(np.mean([-math.log(math.exp(row[c]) / total) for c in labels]))
    marks = torch.tensor([[1.0, 0, 1], [0, 1, 0]], dtype=torch.float64)
    assert np.allclose(tagging(torch.tensor(logits), marks).numpy(), expected)


def test_vectors_in_training_are_the_encoders():
    texts = ["cat running", "dogs tree house", "greenhouse", "a cat a dog", "run"]
    vectors = FITTED.encode(texts)
    z = torch.from_numpy(vectors @ MATRIX.T + BIASES)
    assert np.allclose(activations(z, TRAINED.most).numpy(), TRAINED.encode(texts), atol=1e-5)


def test_the_gradient_of_tagging_equals_finite_differences():
    logits = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    told = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 0], [1, 1, 1, 0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: tagging(z, told), logits.requires_grad_())


def texts(seed, count=120):
    """What runs is a "mover", what stands a "place": names that the table knows nothing of."""
    lot, found = np.random.default_rng(seed), []
    words = {"mover": ["cat", "cats", "dog", "running"], "place": ["house", "tree", "green"]}
    for i in range(count):
        name = ["mover", "place"][i % 2]
        told = " ".join(lot.choice(words[name], 3))
        found.append(Annotated(told, (name, "unheard of"), str(lot.choice(words[name]))))
    return found


START = Concepts.named(FITTED, ("mover", "place"), most=2)


@pytest.mark.parametrize("terms", [{"ranking_weight": 0.0}, {"tagging_weight": 0.0}, {}])
def test_training_learns_what_the_names_do_not_tell(terms):
    settings = ConceptTraining(steps=120, batch=32, rate=0.02, **terms)
    if terms == {"tagging_weight": 0.0}:
        # ranking moves what is active: it needs names that are known to start from
        start = Concepts(FITTED, START.names, FITTED.encode(["run", "greenhouse"]), START.biases)
    else:
        start = START
    made = train_concepts(start, texts(0), settings).encoder
    fresh = texts(1, 40)
    right = [
        bool(told := made.concepts_of(each.text)) and told[0][0] == each.concepts[0]
        for each in fresh
    ]
    assert np.mean(right) > 0.9
    assert made.inner is START.inner


def test_ranking_makes_titles_and_texts_of_one_concept_alike():
    settings = ConceptTraining(steps=120, batch=32, rate=0.02)
    made = train_concepts(START, texts(0), settings)
    assert made.encoder.score("dogs", "cat cats") > 0.9
    assert made.encoder.score("dogs", "tree house") < 0.3
    assert np.mean(made.curve[-5:]) < np.mean(made.curve[:5])


def test_decay_keeps_concepts_near_their_names():
    near = ConceptTraining(steps=30, batch=32, decay=1e4)
    known = Concepts.named(FITTED, ("cat", "tree"))
    told = [Annotated(each.text, ("cat", "tree")[i % 2 :][:1]) for i, each in enumerate(texts(0))]
    held = train_concepts(known, told, near).encoder
    free = train_concepts(known, told, ConceptTraining(steps=30, batch=32, decay=0)).encoder
    moved = [np.abs(each.matrix - known.matrix).max() for each in (held, free)]
    assert moved[0] < 1e-4 < 0.01 < moved[1]


def test_a_training_follows_from_its_seed_and_without_steps_nothing_changes():
    few = ConceptTraining(steps=5, batch=16)
    first, second = (train_concepts(START, texts(0), few) for _ in range(2))
    other = train_concepts(START, texts(0), ConceptTraining(steps=5, batch=16, seed=1))
    assert first.curve == second.curve
    assert first.encoder.fingerprint == second.encoder.fingerprint != other.encoder.fingerprint
    same = train_concepts(START, texts(0), ConceptTraining(steps=0)).encoder
    assert same.fingerprint == START.fingerprint


def test_the_vocabulary_counts_each_text_once():
    told = [Annotated("a", ("x", "x", "y")), Annotated("b", ("y",)), Annotated("c", ("x", "z"))]
    assert vocabulary(told, least=2) == ("x", "y")
    assert indicators(("x", "y"), told).tolist() == [[1, 1], [0, 1], [1, 0]]


def test_too_little_to_train_on_is_told():
    with pytest.raises(InputError, match="1 texts have one of the 2 concepts"):
        train_concepts(
            START,
            [*texts(0, 1), Annotated("xyz", ("mover",)), Annotated("cat", ("unheard of",))],
        )


@pytest.mark.parametrize(
    "wrong",
    [{"steps": -1}, {"batch": 1}, {"rate": 0}, {"tagging_weight": 0, "ranking_weight": 0}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="No concepts can be trained"):
        ConceptTraining(**wrong)
