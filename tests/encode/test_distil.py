"""The static table is distilled once, and then comes from the cache."""

import numpy as np
import pytest

from everygrain.analyze import split
from everygrain.encode import distil, registry
from everygrain.encode.static import Static
from everygrain.encode.transformer import Transformer

pytestmark = pytest.mark.slow

PAIRS = [("cat", "kitten"), ("car", "vehicle"), ("doctor", "physician")]


@pytest.fixture(scope="module")
def table(cache):
    patch = pytest.MonkeyPatch()
    patch.setenv("EVERYGRAIN_CACHE", str(cache))
    yield distil.static_table()
    patch.undo()


def test_the_table_has_a_vector_for_every_piece(table):
    vocabulary = table._tokenizer.get_vocab_size()
    assert table.matrix.shape[0] >= vocabulary > 20_000
    assert table.matrix.shape[1] == 384
    assert np.isfinite(table.matrix).all()


def test_words_of_like_meaning_lie_nearer_than_others(table):
    encoder = Static(table, {})
    left, right = (encoder.encode(list(side)) for side in zip(*PAIRS, strict=True))
    likeness = left @ right.T
    for i in range(len(PAIRS)):
        assert likeness[i, i] > max(np.delete(likeness[i], i))


def test_a_words_pieces_do_not_depend_on_its_neighbours(table):
    words = ["cat", "indexing", "hyperparameters", "ß", "数", "x" * 300]
    flat, offsets = table.pieces(words)
    for i, word in enumerate(words):
        alone, _ = table.pieces([word])
        assert alone.tolist() == flat[offsets[i] : offsets[i + 1]].tolist()
    texts = [" ".join(words), *words]
    together = Static(table, {}).encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert Static(table, {}).encode([text])[0].tobytes() == vector.tobytes()


def test_the_table_is_distilled_once(table, cache, monkeypatch):
    def never(*_):
        raise AssertionError("distilled twice")

    monkeypatch.setattr(distil, "_distil", never)
    assert distil.static_table().digest == table.digest
    assert distil.static_table(Transformer("minilm")).digest == table.digest
    folders = [path.name for path in (cache / "static").iterdir()]
    assert folders == [Transformer("minilm").fingerprint]
    assert registry.default() == "static"


def test_an_encoder_by_name_is_fitted_saved_and_fitted_again(table, tmp_path):
    texts = ["a cat sleeps", "the kitten plays", "a car drives", "vehicles on a road"] * 10
    fitted = registry.create("static").fit(split(texts))
    fitted.save(tmp_path)
    loaded = registry.load(tmp_path)
    assert loaded.fingerprint == fitted.fingerprint
    assert loaded.encode(texts).tobytes() == fitted.encode(texts).tobytes()
    words = split(texts[:3] * 5)
    assert loaded.fit(words).fingerprint == fitted.fit(words).fingerprint
