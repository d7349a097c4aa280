"""Binary codes of texts, learned by predicting their words."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from everygrain.analyze import split
from everygrain.encode.base import FittedEncoder
from everygrain.encode.binary import (
    BinaryParagraphs,
    Model,
    loss_and_gradients,
    rounded,
    train,
)
from everygrain.errors import InputError, ModelError

SUBJECTS = {
    "sea": ["ship", "harbour", "sail", "wave", "anchor", "tide", "captain", "deck"],
    "bread": ["flour", "oven", "yeast", "dough", "crust", "baker", "knead", "loaf"],
    "law": ["court", "judge", "statute", "appeal", "verdict", "jury", "counsel", "plea"],
}


def texts_of(seed, count=60):
    generator = np.random.default_rng(seed)
    names = [list(SUBJECTS)[i % 3] for i in range(count)]
    return [" ".join(generator.choice(SUBJECTS[name], 6)) for name in names], names


TEXTS, NAMES = texts_of(0)
FITTED = BinaryParagraphs.unfitted(bits=32).fit(split(TEXTS))


def small(seed=0):
    generator = np.random.default_rng(seed)
    counts = generator.poisson(0.8, (6, 7)).astype(float)
    counts[2] = 0
    inputs = counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    model = Model(*(generator.standard_normal(shape) for shape in ((7, 4), (4, 7), (7,))))
    return model, csr_array(inputs), shares


def by_loops(model, inputs, shares, bits_of):
    loss = 0.0
    for text, wanted in zip(inputs.toarray(), shares, strict=True):
        sigmoid = [1 / (1 + np.exp(-sum(text * column))) for column in model.layer.T]
        logits = bits_of(np.array(sigmoid)) @ model.words + model.bias
        for word, share in enumerate(wanted):
            loss -= share * np.log(np.exp(logits[word]) / np.exp(logits).sum())
    return loss / len(shares)


@pytest.mark.parametrize("bits_of", [rounded, lambda shares: shares], ids=["bits", "shares"])
def test_the_loss_is_the_formula_in_loops(bits_of):
    model, inputs, shares = small()
    loss, _ = loss_and_gradients(model, inputs, shares, bits_of)
    assert loss == pytest.approx(by_loops(model, inputs, shares, bits_of))


def test_without_rounding_gradients_are_those_of_finite_differences():
    model, inputs, shares = small()
    _, gradients = loss_and_gradients(model, inputs, shares, lambda each: each)
    for part, (array, gradient) in enumerate(zip(model, gradients, strict=True)):
        for place in np.ndindex(array.shape):
            found = []
            for sign in (1, -1):
                moved = [each.copy() for each in model]
                moved[part][place] += sign * 1e-6
                found.append(by_loops(Model(*moved), inputs, shares, lambda each: each))
            assert gradient[place] == pytest.approx((found[0] - found[1]) / 2e-6, abs=1e-7)


def test_with_rounding_the_gradient_passes_as_if_it_were_not_there():
    model, inputs, shares = small()
    _, gradients = loss_and_gradients(model, inputs, shares)
    sigmoid = 1 / (1 + np.exp(-(inputs @ model.layer)))
    chances = np.exp((sigmoid > 0.5) @ model.words + model.bias)
    wrong = chances / chances.sum(axis=1, keepdims=True) * shares.sum(axis=1)[:, None] - shares
    passed = wrong / 6 @ model.words.T * sigmoid * (1 - sigmoid)
    np.testing.assert_allclose(gradients.layer, inputs.T @ passed, atol=1e-12)


def test_codes_learned_from_raw_text_tell_subjects_apart():
    fresh, names = texts_of(1)
    vectors = FITTED.encode(fresh)
    alike = vectors @ vectors.T
    same = np.equal.outer(names, names)
    others = ~np.eye(len(fresh), dtype=bool)
    assert alike[same & others].mean() > 0.5
    assert alike[~same].mean() < alike[same & others].mean() - 0.5


def test_training_lowers_the_loss_of_bits():
    counts = FITTED._counts(split(TEXTS))
    inputs = FITTED._weighed(counts)
    sizes = np.asarray(counts.sum(axis=1)).ravel()
    shares = counts.toarray() / sizes[:, None]

    def best_loss(layer):
        """The loss of codes with the words and bias that suit them, by gradient descent."""
        model = Model(layer, np.zeros((32, layer.shape[0])), np.zeros(layer.shape[0]))
        for _ in range(200):
            loss, gradients = loss_and_gradients(model, inputs, shares)
            model.words[:] -= 2 * gradients.words
            model.bias[:] -= 2 * gradients.bias
        return loss

    blank = np.zeros_like(FITTED.layer)
    assert best_loss(FITTED.layer) < best_loss(blank) - 0.3


def test_a_dot_product_tells_how_many_bits_differ():
    codes, _ = FITTED.codes(split(TEXTS))
    vectors = FITTED.encode(TEXTS)
    for i in range(5):
        for j in range(5):
            differing = sum(
                f"{a ^ b:08b}".count("1") for a, b in zip(codes[i], codes[j], strict=True)
            )
            assert vectors[i] @ vectors[j] == pytest.approx(1 - 2 * differing / 32, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=20))
def test_a_code_depends_on_its_text_alone(rows):
    whole = FITTED.encode(TEXTS)
    assert FITTED.encode([TEXTS[i] for i in rows]).tobytes() == whole[rows].tobytes()


@pytest.mark.parametrize("text", ["", "   ", "the of and", "zzz", "🙂🙂", "日本語の文章です。"])
def test_a_text_without_a_known_term_is_zero(text):
    assert not FITTED.encode([text]).any()
    codes, known = FITTED.codes(split([text, TEXTS[0]]))
    assert known.tolist() == [False, True]
    assert not codes[0].any()


def test_a_text_of_one_word_and_one_of_very_many_have_codes():
    vectors = FITTED.encode(["harbour", " ".join(TEXTS) * 300])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_fitting_twice_gives_the_same_encoder():
    again = BinaryParagraphs.unfitted(bits=32).fit(split(TEXTS))
    assert again.fingerprint == FITTED.fingerprint
    assert again.layer.tobytes() == FITTED.layer.tobytes()
    assert BinaryParagraphs.unfitted(bits=40).fit(split(TEXTS)).fingerprint != again.fingerprint


def test_nothing_to_learn_from_gives_an_encoder_of_zeros():
    for texts in ([], ["", ""], ["the"]):
        encoder = BinaryParagraphs.unfitted().fit(split(texts))
        assert not encoder.encode(TEXTS[:2]).any()
        assert encoder.dimensions == 128


def test_texts_without_words_do_not_disturb_training():
    counts = csr_array(np.array([[1.0, 2.0], [0.0, 0.0], [3.0, 1.0]], dtype=np.float32))
    assert np.isfinite(train(counts, counts, 8, 3)).all()


def test_it_can_be_kept_in_a_folder(tmp_path):
    FITTED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    loaded = BinaryParagraphs.load(tmp_path, described)
    assert loaded.fingerprint == FITTED.fingerprint
    assert loaded.encode(TEXTS).tobytes() == FITTED.encode(TEXTS).tobytes()
    assert isinstance(loaded, FittedEncoder)


def test_damaged_files_are_refused(tmp_path):
    FITTED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text(encoding="utf-8"))
    with pytest.raises(ModelError, match="missing or damaged"):
        BinaryParagraphs.load(tmp_path, described | {"terms": ["one"]})
    (tmp_path / "binary.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="missing or damaged"):
        BinaryParagraphs.load(tmp_path, described)


@pytest.mark.parametrize(("bits", "epochs"), [(0, 1), (12, 1), (-8, 1), (8, 0)])
def test_settings_that_make_no_sense_are_refused(bits, epochs):
    with pytest.raises(InputError):
        BinaryParagraphs.unfitted(bits=bits, epochs=epochs)
