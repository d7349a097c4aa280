"""Named concepts: the formula in loops, and scores that are the sum of their explanation."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings

from everygrain.encode.concepts import Concepts
from everygrain.errors import InputError, ModelError
from tests.encode.test_static import FITTED, TEXTS

NAMES = ("cat", "dogs", "green house", "tree", "running", "house")
LOT = np.random.default_rng(3)
MATRIX = LOT.standard_normal((6, FITTED.dimensions)).astype(np.float32)
BIASES = (0.3 * LOT.standard_normal(6)).astype(np.float32)
TRAINED = Concepts(FITTED, NAMES, MATRIX, BIASES, most=3)


def by_hand(encoder, text):
    """The vector, concept by concept, in float64; ties do not occur."""
    x = encoder.inner.encode([text])[0].astype(np.float64)
    if not x.any():
        return np.zeros(len(encoder.names))
    active = {}
    for c in range(len(encoder.names)):
        z = sum(float(w) * v for w, v in zip(encoder.matrix[c], x, strict=True))
        active[c] = max(0.0, z + float(encoder.biases[c]))
    kept = sorted(active, key=lambda c: -active[c])[: encoder.most]
    length = math.sqrt(sum(active[c] ** 2 for c in kept))
    return np.array([active[c] / length if c in kept and length else 0.0 for c in active])


@given(TEXTS)
@settings(max_examples=25)
def test_a_vector_is_the_formula_written_out_in_loops(texts):
    for text, vector in zip(texts, TRAINED.encode(texts), strict=True):
        assert np.allclose(vector, by_hand(TRAINED, text), atol=1e-5)


def test_a_score_is_exactly_the_sum_of_its_explanation():
    wide = Concepts(FITTED, NAMES, MATRIX, BIASES, most=6)
    texts = ["cat running", "dogs tree house", "greenhouse", "a cat a dog", "run"]
    several = 0
    for encoder in (TRAINED, wide):
        for query in texts:
            for text in texts:
                told = encoder.explain(query, text)
                q, d = encoder.encode([query], "query")[0], encoder.encode([text])[0]
                assert encoder.score(query, text) == math.fsum(product for _, product in told)
                assert dict(told) == {
                    name: float(q[c]) * float(d[c])
                    for c, name in enumerate(NAMES)
                    if q[c] * d[c] > 0
                }
                assert [p for _, p in told] == sorted((p for _, p in told), reverse=True)
                assert encoder.score(query, text) == pytest.approx(float(q @ d), abs=1e-6)
                several += len(told) > 1
    assert several >= 5
    assert (
        wide.explain("cat running", "a cat a dog", 1)
        == (wide.explain("cat running", "a cat a dog")[:1])
    )


@given(TEXTS)
@settings(max_examples=25)
def test_a_vector_depends_on_its_text_alone_to_the_last_bit(texts):
    together = TRAINED.encode(texts)
    assert (together >= 0).all()
    for text, vector in zip(texts, together, strict=True):
        assert np.array_equal(TRAINED.encode([text])[0], vector)
        assert np.linalg.norm(vector) == pytest.approx(float(vector.any()), abs=1e-6)
        assert (vector > 0).sum() <= 3


def test_an_empty_text_has_no_concepts_though_biases_are_above_zero():
    eager = Concepts(FITTED, NAMES, MATRIX, np.ones(6, np.float32))
    assert not eager.encode(["", "xyz"]).any()
    assert eager.concepts_of("") == []
    assert eager.score("cat", "") == 0


def test_untrained_a_texts_first_concept_is_the_one_that_it_names():
    start = Concepts.named(FITTED, NAMES)
    for name in NAMES:
        (first, weight), *rest = start.concepts_of(name)
        assert first == name
        assert all(0 < other <= weight for _, other in rest)


def test_among_equal_concepts_the_first_in_the_list_stay():
    alike = Concepts(FITTED, ("one", "two", "three"), np.repeat(FITTED.encode(["cat"]), 3, 0),
                     np.zeros(3, np.float32), most=2)  # fmt: skip
    assert [name for name, _ in alike.concepts_of("cat")] == ["one", "two"]


def test_names_that_the_encoder_knows_nothing_of_are_told():
    assert Concepts.named(FITTED, ["cat", "xyz", "tree"]).unknown == ["xyz"]


def test_the_fingerprint_follows_from_names_numbers_and_the_encoder_beneath():
    others = [
        Concepts(FITTED, NAMES[::-1], MATRIX, BIASES, 3),
        Concepts(FITTED, NAMES, MATRIX, BIASES, 4),
        Concepts(FITTED, NAMES, MATRIX + 1, BIASES, 3),
        Concepts(FITTED, NAMES, MATRIX, BIASES + 1, 3),
    ]
    prints = {TRAINED.fingerprint, *(each.fingerprint for each in others)}
    assert len(prints) == 5
    assert Concepts(FITTED, NAMES, MATRIX, BIASES, 3).fingerprint == TRAINED.fingerprint


def test_what_is_saved_is_loaded_and_damage_is_told(tmp_path):
    TRAINED.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    again = Concepts.load(tmp_path, described)
    texts = ["cat", "dogs run", ""]
    assert np.array_equal(again.encode(texts), TRAINED.encode(texts))
    assert again.names == NAMES
    with pytest.raises(ModelError, match="damaged"):
        Concepts.load(tmp_path, described | {"names": ["cat"]})
    (tmp_path / "concepts.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged"):
        Concepts.load(tmp_path, described)


def test_bad_names_and_sizes_are_refused():
    with pytest.raises(InputError, match="'cat' is given twice"):
        Concepts.named(FITTED, ["cat", "dog", "cat"])
    with pytest.raises(InputError, match="is empty"):
        Concepts.named(FITTED, ["cat", " "])
    with pytest.raises(InputError, match="32 of 0 concepts"):
        Concepts.named(FITTED, [])
    with pytest.raises(InputError, match="0 of 1 concepts"):
        Concepts.named(FITTED, ["cat"], most=0)
    with pytest.raises(InputError, match="matrix of"):
        Concepts(FITTED, ("cat",), MATRIX, BIASES)
