"""Every method of compression, by one contract."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError, StoredIndexError
from everygrain.index.compress import (
    Binary,
    Float16,
    Hashed,
    Int4,
    Int8,
    LowRank,
    Product,
    parse_method,
    within,
)
from everygrain.index.compress.base import times
from tests.index.compress.vectors import like_texts

METHODS = [
    Float16(),
    Int8(),
    Int4(),
    LowRank(8),
    LowRank(8, "int8"),
    Product(8),
    Product(4, 3),
    Hashed(16),
    Binary(24),
    Binary(24, True),
    Binary(96),
]
VECTORS = like_texts(700)
QUERIES = like_texts(5, seed=1)
FITTED = {repr(method): method.fit(VECTORS) for method in METHODS}
each_method = pytest.mark.parametrize("method", METHODS, ids=repr)


def error(compressor, vectors):
    return float(np.square(compressor.decode(compressor.encode(vectors)) - vectors).sum())


@each_method
def test_scores_are_products_with_the_decoded_vectors(method):
    compressor = FITTED[repr(method)]
    codes = compressor.encode(VECTORS[:40])
    scores, decoded = compressor.score(QUERIES, codes), compressor.decode(codes)
    for i, query in enumerate(QUERIES):
        for j, vector in enumerate(decoded):
            product = sum(float(a) * float(b) for a, b in zip(query, vector, strict=True))
            assert scores[i, j] == pytest.approx(product, abs=2e-5)


@each_method
def test_scores_of_many_queries_are_those_of_each(method):
    compressor = FITTED[repr(method)]
    codes = compressor.encode(VECTORS)
    many = like_texts(60, seed=3)  # more queries than dimensions
    together = compressor.score(many, codes)
    alone = np.concatenate([compressor.score(query[None], codes) for query in many])
    np.testing.assert_allclose(together, alone, atol=2e-5)


@each_method
def test_a_vector_is_encoded_alike_whatever_is_beside_it(method):
    compressor = FITTED[repr(method)]
    vectors = np.concatenate([VECTORS, like_texts(300, seed=5)])
    whole = compressor.encode(vectors)

    @settings(max_examples=12, deadline=None)
    @given(st.lists(st.integers(0, len(vectors) - 1), min_size=1, max_size=600))
    def some(rows):
        assert compressor.encode(vectors[rows]).tobytes() == whole[rows].tobytes()

    some()


@each_method
def test_bytes_are_those_of_the_codes(method):
    compressor = FITTED[repr(method)]
    codes = compressor.encode(VECTORS)
    assert codes.nbytes == compressor.bytes_per_vector * len(VECTORS)
    assert compressor.dimensions == VECTORS.shape[1]


@each_method
def test_arrays_restore_the_compressor(method):
    compressor = FITTED[repr(method)]
    restored = parse_method(repr(method)).restore(compressor.arrays)
    codes = compressor.encode(VECTORS)
    assert restored.encode(VECTORS).tobytes() == codes.tobytes()
    assert restored.score(QUERIES, codes).tobytes() == compressor.score(QUERIES, codes).tobytes()


@each_method
def test_missing_and_broken_arrays_are_refused_by_name(method):
    arrays = FITTED[repr(method)].arrays
    for name, array in arrays.items():
        with pytest.raises(StoredIndexError, match=name):
            method.restore({key: value for key, value in arrays.items() if key != name})
        if array.dtype.kind == "f":
            with pytest.raises(StoredIndexError, match=name):
                method.restore(arrays | {name: np.full_like(array, np.nan)})


@each_method
def test_vectors_all_alike_and_all_zero_are_no_problem(method):
    for vectors in (np.tile(VECTORS[:1], (300, 1)), np.zeros((300, 32), dtype=np.float32)):
        compressor = method.fit(vectors)
        decoded = compressor.decode(compressor.encode(vectors))
        assert np.isfinite(decoded).all()
        if not isinstance(method, Hashed):  # dimensions that share a place cannot be told apart
            np.testing.assert_allclose(decoded, vectors, atol=0.01)


@each_method
def test_one_vector_is_enough_to_fit(method):
    compressor = method.fit(VECTORS[:1])
    codes = compressor.encode(VECTORS[:3])
    assert np.isfinite(compressor.score(QUERIES, codes)).all()
    assert compressor.score(QUERIES, codes[:0]).shape == (5, 0)


@each_method
def test_nothing_to_fit_nan_and_other_lengths_are_refused(method):
    compressor = FITTED[repr(method)]
    broken = VECTORS.copy()
    broken[3, 1] = np.nan
    with pytest.raises(InputError, match="Vector 3 holds NaN"):
        method.fit(broken)
    with pytest.raises(InputError, match="Vector 3 holds NaN"):
        compressor.encode(broken)
    with pytest.raises(InputError, match="no vector to learn from"):
        method.fit(VECTORS[:0])
    with pytest.raises(InputError, match="31 dimensions"):
        compressor.encode(VECTORS[:, :31])
    with pytest.raises(InputError, match="no list of vectors"):
        compressor.encode(VECTORS[0])


@each_method
def test_a_method_prints_as_it_is_written(method):
    assert parse_method(repr(method)) == method
    assert repr(FITTED[repr(method)]) == repr(method)


@pytest.mark.parametrize("method", [Float16(), Int8(), Int4(), LowRank(8), Hashed(16)], ids=repr)
def test_a_zero_vector_scores_zero(method):
    compressor = FITTED[repr(method)]
    codes = compressor.encode(np.zeros((2, 32), dtype=np.float32))
    assert not compressor.score(QUERIES, codes).any()


@pytest.mark.parametrize(
    "family",
    [
        [LowRank(2), LowRank(8), LowRank(16), LowRank(32)],
        [LowRank(4, "int8"), LowRank(16, "int8"), LowRank(32, "int8")],
        [Product(2), Product(8), Product(16), Product(32)],
        [Product(4), Product(4, 2), Product(4, 4)],
        [Binary(16), Binary(32), Binary(128), Binary(512)],
        [Int4(), Int8(), Float16()],
    ],
    ids=lambda family: repr(family[-1]),
)
def test_error_falls_as_the_budget_grows(family):
    fresh = like_texts(200, seed=9)
    errors = [error(method.fit(VECTORS), fresh) for method in family]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.7 * errors[0]


def test_a_turned_rotation_loses_less_than_one_drawn_by_lot():
    assert error(FITTED["binary(24, turned)"], VECTORS) < error(FITTED["binary(24)"], VECTORS)


def test_int8_worked_by_hand():
    compressor = Int8().fit(np.array([[1.27, -0.5], [-0.635, 2.54]]))
    codes = compressor.encode(np.array([[0.5, -0.04], [9.0, -9.0]], dtype=np.float32))
    # steps .01 and .02; what lies beyond the largest seen is clipped
    assert codes.tolist() == [[50, -2], [127, -127]]
    np.testing.assert_allclose(compressor.scale, [0.01, 0.02], rtol=1e-6)


def test_int4_keeps_the_first_of_a_pair_in_the_low_half():
    compressor = Int4().restore({"scale": np.array([1.0, 2.0], dtype=np.float32)})
    codes = compressor.encode(np.array([[3.0, -4.0]], dtype=np.float32))
    assert codes.tolist() == [[(3 + 8) | (-2 + 8) << 4]]
    assert compressor.decode(codes).tolist() == [[3.0, -4.0]]


def test_product_codes_are_the_nearest_centroids_by_loops():
    compressor = FITTED["product(4, 3)"]
    for vector, code in zip(VECTORS[:20], compressor.encode(VECTORS[:20]), strict=True):
        left = vector.copy()
        for stage in range(3):
            for part in range(4):
                some = slice(8 * part, 8 * part + 8)
                lost = [np.square(left[some] - c[some]).sum() for c in compressor.centroids[stage]]
                assert lost[code[4 * stage + part]] == pytest.approx(min(lost), abs=1e-6)
                left[some] -= compressor.centroids[stage, code[4 * stage + part], some]


def test_a_few_vectors_are_their_own_centroids():
    few = like_texts(40)
    compressor = Product(4).fit(few)
    np.testing.assert_allclose(compressor.decode(compressor.encode(few)), few, atol=1e-6)


def test_low_rank_loses_the_smallest_eigenvalues():
    compressor = LowRank(8).fit(VECTORS)
    lost = np.linalg.eigvalsh(VECTORS.astype(float).T @ VECTORS)[:-8].sum()
    assert error(compressor, VECTORS) == pytest.approx(lost, rel=1e-3)


def test_a_hashed_vector_by_loops():
    compressor = FITTED["hashed(16)"]
    sums = np.zeros(16)
    for j in range(32):
        sums[compressor.places[j]] += float(compressor.signs[j]) * float(VECTORS[0, j])
    np.testing.assert_allclose(
        compressor.encode(VECTORS[:1])[0] * compressor.scale, sums, atol=compressor.scale.max()
    )
    assert np.bincount(compressor.places).tolist() == [2] * 16


def test_products_of_fixed_shape_are_products():
    matrix = np.random.default_rng(0).standard_normal((32, 9)).astype(np.float32)
    np.testing.assert_allclose(times(VECTORS, matrix), VECTORS @ matrix, atol=1e-5)


@pytest.mark.parametrize(
    "written",
    ["zip", "product", "product(a)", "product(0)", "low_rank(4, int3)", "binary(12)", "int8(3)",
     "product(4", "hashed(-1)", "float16(turned)", "product(True)"],
)  # fmt: skip
def test_a_method_that_there_is_not_is_refused(written):
    with pytest.raises(InputError):
        parse_method(written)


@pytest.mark.parametrize(
    "method", [LowRank(33), Product(33), Hashed(33), Binary(40, turned=True)], ids=repr
)
def test_more_than_there_are_dimensions_is_refused(method):
    with pytest.raises(InputError, match="too many"):
        method.fit(VECTORS)


@pytest.mark.parametrize("budget", [4, 16, 32, 64, 100])
def test_methods_within_a_budget_use_it_up_and_no_more(budget):
    found = within(budget, 32)
    assert found
    for method in found:
        assert method.fit(VECTORS[:50]).bytes_per_vector <= budget
        if not isinstance(method, Float16):
            assert method.fit(VECTORS[:50]).bytes_per_vector > budget / 2
