"""The latent encoder is the singular value decomposition of the weighted counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze import Analyzer, split
from everygrain.encode import latent, registry
from everygrain.encode.latent import Latent
from everygrain.errors import ModelError

STEMS = Analyzer("en").query(
    "tree graph node walk search index sentence passage lamp river stone cloud"
)


def collection(count=60, seed=0, length=9):
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(STEMS, generator.integers(1, length))) for _ in range(count)]


def weighted_counts(texts):
    """log(1 + tf) * idf, rows of length 1, written out; and the idf by term."""
    analyzer = Analyzer("en")
    lists = [analyzer.query(text) for text in texts]
    names = sorted({term for terms in lists for term in terms})
    holders = {name: sum(name in terms for terms in lists) for name in names}
    names = [name for name in names if holders[name] > 1]
    idf = {n: math.log(1 + (len(texts) - holders[n] + 0.5) / (holders[n] + 0.5)) for n in names}
    rows = np.array([[math.log(1 + t.count(n)) * idf[n] for n in names] for t in lists])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1), idf, names


def test_scores_equal_those_of_a_dense_decomposition(monkeypatch):
    monkeypatch.setattr(latent, "DIMENSIONS", 5)
    texts = collection()
    fitted = Latent.unfitted().fit(split(texts))
    rows, idf, names = weighted_counts(texts)
    directions = np.linalg.svd(rows, full_matrices=False)[2][:5].T
    assert fitted.dimensions == 5
    assert list(fitted.terms) == names
    for one, other in zip(texts[:20], texts[20:40], strict=True):
        sums = [
            sum(directions[names.index(t)] * idf[t] for t in text.split()) for text in (one, other)
        ]
        expected = sums[0] @ sums[1] / np.linalg.norm(sums[0]) / np.linalg.norm(sums[1])
        found = fitted.encode([one])[0] @ fitted.encode([other], "query")[0]
        assert found == pytest.approx(expected, abs=1e-5)


def test_the_directions_span_the_space_of_the_strongest():
    generator = np.random.default_rng(1)
    strong = generator.standard_normal((80, 7)) @ generator.standard_normal((7, 40))
    matrix = strong + 1e-3 * generator.standard_normal((80, 40))
    from scipy.sparse import csr_array

    found = latent._right_singular_vectors(csr_array(matrix), 7)
    exact = np.linalg.svd(matrix)[2][:7].T
    assert np.allclose(found.T @ found, np.eye(7), atol=1e-9)
    assert np.allclose(found @ found.T, exact @ exact.T, atol=1e-6)


@given(st.randoms(use_true_random=False), st.integers(0, 20))
def test_the_order_of_documents_does_not_matter_beyond_rounding(random, seed):
    texts = collection(14, seed, 5)
    texts += texts[:5]  # repeated ones lower the rank
    shuffled = random.sample(texts, len(texts))
    one = Latent.unfitted().fit(split(texts)).encode(STEMS)
    other = Latent.unfitted().fit(split(shuffled)).encode(STEMS)
    assert one.shape == other.shape
    assert np.allclose(one @ one.T, other @ other.T, atol=1e-4)


def test_there_are_no_more_dimensions_than_the_documents_tell_apart():
    rank = np.linalg.matrix_rank(weighted_counts(collection(9) * 3)[0])
    assert Latent.unfitted().fit(split(collection(9) * 3)).dimensions == rank


FITTED = Latent.unfitted().fit(split(collection()))
TEXTS = st.lists(
    st.lists(st.sampled_from([*STEMS, "the", "unheard"]), max_size=9).map(" ".join), max_size=6
)


@given(TEXTS, st.data())
def test_a_text_has_the_same_bits_alone_or_in_any_company(texts, data):
    together = FITTED.encode(texts)
    chosen = data.draw(st.permutations(range(len(texts))))
    assert FITTED.encode([texts[i] for i in chosen]).tobytes() == together[chosen].tobytes()
    for text, vector in zip(texts, together, strict=True):
        assert FITTED.encode([text], "query").tobytes() == vector.tobytes()
    words = split(["first other words", *texts]).take(np.arange(1, len(texts) + 1))
    assert FITTED.encode_words(words).tobytes() == together.tobytes()


def test_a_text_of_unknown_terms_is_a_zero_row():
    found = FITTED.encode(["", "unheard", "the of", "tree"])
    assert not found[:3].any()
    assert np.linalg.norm(found[3]) == pytest.approx(1, abs=1e-6)
    assert FITTED.encode([]).shape == (0, FITTED.dimensions)


@pytest.mark.parametrize("texts", [[], [""], ["the of"], ["one", "two", "three", "four", "five"]])
def test_a_collection_that_says_nothing_gives_zero_rows(texts):
    fitted = Latent.unfitted().fit(split(texts))
    assert fitted.dimensions == 1
    assert fitted.fitted == len(texts)
    assert fitted.encode(["one the tree"]).tolist() == [[0.0]]


def test_a_single_document_is_found_by_its_words():
    fitted = Latent.unfitted().fit(split(["a tree stands"]))
    assert fitted.encode(["tree"])[0] @ fitted.encode(["stands tree"])[0] == pytest.approx(1)


def test_before_a_fit_nothing_is_known():
    unfitted = Latent.unfitted("de")
    assert (unfitted.fitted, unfitted.dimensions) == (0, 1)
    assert not unfitted.encode(["Baum"]).any()


def test_a_saved_encoder_comes_back_with_the_same_bits(tmp_path):
    FITTED.save(tmp_path)
    loaded = registry.load(tmp_path)
    assert loaded.fingerprint == FITTED.fingerprint
    assert loaded.fitted == FITTED.fitted
    assert loaded.encode(collection()).tobytes() == FITTED.encode(collection()).tobytes()
    words = split(collection(seed=5))
    assert loaded.fit(words).fingerprint == FITTED.fit(words).fingerprint


def test_what_changes_a_vector_changes_the_fingerprint():
    others = [Latent.unfitted(), Latent.unfitted("de"), FITTED.fit(split(collection(seed=5)))]
    assert len({each.fingerprint for each in [FITTED, *others]}) == 4
    assert Latent.unfitted().fit(split(collection())).fingerprint == FITTED.fingerprint


@pytest.mark.parametrize("name", ["encoder.json", "latent.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "other"])
def test_a_damaged_file_is_named_with_a_remedy(tmp_path, name, damage):
    FITTED.save(tmp_path)
    (tmp_path / name).unlink()
    if damage == "empty":
        (tmp_path / name).write_bytes(b"")
    if damage == "other":
        (tmp_path / "of").mkdir()
        Latent.unfitted().fit(split(["tree"])).save(tmp_path / "of")
        (tmp_path / "of" / name).rename(tmp_path / name)
    with pytest.raises(ModelError, match="missing or damaged") as caught:
        registry.load(tmp_path)
    assert "everygrain reencode" in caught.value.remedy
