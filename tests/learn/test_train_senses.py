"""Word vectors by sense: the formulas against loops, and meanings that were planted."""

import math

import numpy as np
import pytest

from everygrain.encode.senses import Senses
from everygrain.errors import InputError

torch = pytest.importorskip("torch")
from everygrain.learn.train.senses import SenseTraining, loss_of, train_senses  # noqa: E402

MONEY = ["loan", "interest", "credit", "account", "money", "branch", "cash", "deposit"]
RIVER = ["water", "fish", "mud", "stream", "shore", "boat", "flood", "reed"]


@pytest.mark.parametrize(
    "settings", [{"senses": 0}, {"window": 0}, {"learning_rate": 0}, {"warm": 0.1, "cold": 0.5}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="of a training of senses is"):
        SenseTraining(**settings)


@pytest.mark.parametrize("texts", [[], ["one"], ["each word here occurs once"]])
def test_texts_that_teach_nothing_are_refused(texts):
    with pytest.raises(InputError, match="beside another"):
        train_senses(texts)


def test_arrays_of_other_shapes_and_unknown_words_are_refused():
    some = np.zeros((1, 2, 3), dtype=np.float32)
    with pytest.raises(InputError, match="Give \\(words, senses"):
        Senses({"a": 0}, some, some, np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(InputError, match="'b' is not known"):
        Senses({"a": 0}, some, some, some[:, 0]).chances("b", ["a"])


def random_senses(lot, count=4, senses=3, d=5):
    arrays = [lot.standard_normal(s) for s in ((count, senses, d), (count, senses, d), (count, d))]
    words = {chr(97 + i): i for i in range(count)}
    return Senses(words, *(each.astype(np.float32) for each in arrays))


def test_chances_and_vectors_are_those_of_loops():
    held = random_senses(np.random.default_rng(0))
    context = ["b", "x", "d", "b"]
    middle = [sum(float(held.contexts[i][j]) for i in (1, 3, 1)) / 3 for j in range(5)]
    raw = [math.exp(sum(a * b for a, b in zip(q, middle, strict=True))) for q in held.asking[0]]
    chances = [each / sum(raw) for each in raw]
    assert held.chances("a", context) == pytest.approx(chances, abs=1e-5)
    for j, value in enumerate(held.vector("a", context)):
        assert value == pytest.approx(
            sum(c * s[j] for c, s in zip(chances, held.senses[0], strict=True)), abs=1e-5
        )
    assert held.chances("a", ["x"]) == pytest.approx([1 / 3] * 3)


def test_the_loss_is_that_of_loops():
    lot = np.random.default_rng(1)
    shapes = {"senses": (2, 3, 4), "asking": (2, 3, 4), "middle": (2, 4), "targets": (2, 3, 4),
              "gumbel": (2, 3)}  # fmt: skip
    given = {name: lot.standard_normal(shape) for name, shape in shapes.items()}
    total = 0.0
    for n in range(2):
        raw = [
            math.exp(
                (float(given["asking"][n][k] @ given["middle"][n]) + given["gumbel"][n][k]) / 0.5
            )
            for k in range(3)
        ]
        vector = sum(raw[k] / sum(raw) * given["senses"][n][k] for k in range(3))
        for m in range(3):
            product = float(given["targets"][n][m] @ vector)
            total += math.log1p(math.exp(-product if m == 0 else product))
    found = loss_of(**{name: torch.tensor(each) for name, each in given.items()}, warmth=0.5)
    assert float(found) == pytest.approx(total / 2)


def planted(count, lot):
    """Texts about money or about rivers, each with the word `bank` in its middle."""
    for i in range(count):
        about = (MONEY, RIVER)[i % 2]
        drawn = list(lot.choice(about, 8))
        yield i % 2, [*drawn[:4], "bank", *drawn[4:]]


def test_two_meanings_of_a_word_come_apart_and_the_same_seed_gives_the_same_bits():
    lot = np.random.default_rng(2)
    texts = [" ".join(words) for _, words in planted(400, lot)]
    settings = SenseTraining(senses=2, dimensions=10, epochs=30, batch=512, learning_rate=0.02)
    made = train_senses(texts, settings)
    guesses = [
        (about, int(made.chances("bank", [w for w in words if w != "bank"]).argmax()))
        for about, words in planted(200, np.random.default_rng(3))
    ]
    right = np.mean([about == guess for about, guess in guesses])
    assert max(right, 1 - right) > 0.95
    again = train_senses(texts, settings)
    assert again.senses.tobytes() == made.senses.tobytes()
    assert again.asking.tobytes() == made.asking.tobytes()
