"""Binary codes first, exact vectors second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain.index.compress import Binary, TwoStage
from everygrain.index.compress.binary import hamming
from everygrain.index.compress.two_stage import columns_of, distances, nearest
from tests.index.compress.vectors import like_texts

VECTORS = like_texts(3000)
QUERIES = like_texts(20, seed=1)
COMPRESSOR = Binary(256).fit(VECTORS)
CODES = COMPRESSOR.encode(VECTORS)


@pytest.mark.parametrize("width", [1, 3, 8, 12, 17])
def test_distances_count_the_bits_that_differ(width):
    codes = np.random.default_rng(width).integers(0, 256, (50, width), dtype=np.uint8)
    found = distances(columns_of(codes[:1])[:, 0], columns_of(codes))
    for code, distance in zip(codes, found, strict=True):
        differing = "".join(f"{a ^ b:08b}" for a, b in zip(codes[0], code, strict=True))
        assert distance == differing.count("1")
    assert hamming(codes[:1], codes).tolist() == [found.tolist()]


def test_distances_are_the_same_beyond_one_block():
    codes = np.random.default_rng(0).integers(0, 256, (40_000, 8), dtype=np.uint8)
    found = distances(columns_of(codes[:1])[:, 0], columns_of(codes))
    assert found.tolist() == hamming(codes[:1], codes)[0].tolist()


def test_a_bit_is_the_side_of_its_plane():
    planes = (VECTORS[:30].astype(float) - COMPRESSOR.mean) @ COMPRESSOR.columns
    bits = np.unpackbits(CODES[:30], axis=1)
    clear = np.abs(planes) > 1e-6
    assert (bits[clear] == (planes[clear] > 0)).all()


def test_the_code_of_a_query_is_that_of_the_vector():
    for vector, code in zip(VECTORS[:50], CODES, strict=False):
        assert hamming(COMPRESSOR.encode_query(vector)[None], code[None])[0, 0] <= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=3000), st.integers(1, 40))
def test_nearest_keeps_all_that_are_not_above_the_last_one(values, depth):
    found = np.array(values, dtype=np.uint16)
    last = sorted(values)[min(depth, len(values)) - 1]
    expected = [i for i, value in enumerate(values) if value <= last]
    assert nearest(found, depth).tolist() == (
        expected if depth < len(values) else list(range(len(values)))
    )


def test_nearest_of_many_equals_a_sort():
    found = np.random.default_rng(0).integers(0, 768, 60_000).astype(np.uint16)
    last = np.sort(found)[99]
    assert nearest(found, 100).tolist() == np.flatnonzero(found <= last).tolist()


def test_with_every_vector_a_candidate_it_is_exact_search():
    search = TwoStage.build(COMPRESSOR, CODES, VECTORS, depth=3000)
    for query in QUERIES:
        exact = np.array([float((v.astype(float) * query.astype(float)).sum()) for v in VECTORS])
        rows, scores = search.search(query, 10)
        assert rows.tolist() == np.argsort(-exact.astype(np.float32), kind="stable")[:10].tolist()
        assert scores.tolist() == exact[rows].astype(np.float32).tolist()


def test_scores_are_exact_and_few_documents_are_missed():
    search = TwoStage.build(COMPRESSOR, CODES, VECTORS, depth=200)
    rows, scores = search.search(QUERIES[0], 10)
    np.testing.assert_allclose(scores, VECTORS[rows] @ QUERIES[0], atol=1e-6)
    by_hand = []
    for query in QUERIES:
        exact = set(np.argsort(-(VECTORS @ query), kind="stable")[:10].tolist())
        by_hand.append(len(exact & set(search.search(query, 10)[0].tolist())) / 10)
    assert search.recall(QUERIES) == pytest.approx(np.mean(by_hand))
    assert search.recall(QUERIES) >= 0.98
    shallow = TwoStage.build(COMPRESSOR, CODES, VECTORS, depth=10)
    assert shallow.recall(QUERIES) < search.recall(QUERIES)


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(3).permutation(len(VECTORS))
    first = TwoStage.build(COMPRESSOR, CODES, VECTORS, depth=50)
    second = TwoStage.build(COMPRESSOR, CODES[order], VECTORS[order], depth=50)
    for query in QUERIES:
        rows, scores = first.search(query, 10)
        others, same = second.search(query, 10)
        assert scores.tobytes() == same.tobytes()
        assert rows.tolist() == order[others].tolist()


def test_vectors_may_lie_in_a_file(tmp_path):
    np.save(tmp_path / "vectors.npy", VECTORS)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    kept = TwoStage.build(COMPRESSOR, CODES, mapped, depth=50).search(QUERIES[0], 10)
    held = TwoStage.build(COMPRESSOR, CODES, VECTORS, depth=50).search(QUERIES[0], 10)
    assert kept[0].tolist() == held[0].tolist()
    assert kept[1].tobytes() == held[1].tobytes()


def test_fewer_vectors_than_asked_for_are_all_found():
    search = TwoStage.build(COMPRESSOR, CODES[:4], VECTORS[:4], depth=50)
    assert sorted(search.search(QUERIES[0], 10)[0].tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_no_depth_and_no_k_are_refused(wrong):
    with pytest.raises(InputError, match="depth"):
        TwoStage.build(COMPRESSOR, CODES, VECTORS, depth=wrong)
    with pytest.raises(InputError, match="k = "):
        TwoStage.build(COMPRESSOR, CODES, VECTORS).search(QUERIES[0], wrong)
