"""Experts: which one a text passes through, and that nothing else of it changes."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from everygrain.analyze import split
from everygrain.encode import registry
from everygrain.encode.base import unit
from everygrain.encode.experts import Centroids, Pilots, Router, StaticExperts
from everygrain.encode.static import Static, Table
from everygrain.errors import InputError, ModelError
from tests.encode.test_static import FITTED, PIECES, TABLE, TEXTS

ANIMALS = ["cat", "cats", "dog", "a dog", "dogs cat", "cat dog dog", "a cat", "dogs"]
PLACES = ["house", "tree house", "greenhouse", "green tree", "house house tree", "tree", "a house"]


def centroids_of(encoder, outside=0.0):
    vectors = encoder.encode(ANIMALS + PLACES)
    assigned = np.array([0] * len(ANIMALS) + [1] * len(PLACES))
    return Centroids.of(["animals", "places"], vectors, assigned, outside)


def deltas(seed=1, size=0.5):
    made = np.random.default_rng(seed).standard_normal((2, *FITTED.table.matrix.shape))
    return (size * made).astype(np.float16)


EXPERTS = StaticExperts(FITTED, centroids_of(FITTED), deltas())


def other_static(seed):
    """An expert by itself: another table of the same size."""
    matrix = np.random.default_rng(seed).standard_normal(TABLE.matrix.shape).astype(np.float16)
    return Static(Table(TABLE.tokenizer, matrix), {})


BASE = Static(TABLE, {})


def router():
    pilots = Pilots(
        ("first", "second", "second"), unit(BASE.encode(["cat dog", "house", "tree greenhouse"]))
    )
    return Router(BASE, {"first": other_static(1), "second": other_static(2)}, pilots)


# --- the domain of a text ---


def test_a_centroid_is_the_mean_direction_and_the_floor_a_quantile_of_similarities():
    vectors = unit(np.array([[3, 0], [1, 1], [0, 2], [-1, 1]]))
    found = Centroids.of(["a", "b"], vectors, np.array([0, 0, 1, 1]), outside=0.25)
    half = np.pi / 8
    a = np.array([np.cos(half), np.sin(half)])
    b = np.array([-np.sin(half), np.cos(half)])
    assert np.allclose(found.matrix, [a, b], atol=1e-6)
    assert np.allclose(found.floors, [np.cos(half), np.cos(half)], atol=1e-6)


def test_a_vector_is_of_the_nearest_domain_or_of_none_below_its_floor():
    axes = Centroids(("x", "y"), np.eye(2, dtype=np.float32), np.array([0.9, -1], np.float32))
    vectors = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [-1, -0.1], [0, 0]], dtype=np.float32)
    # 0.8 is below the floor of x; y takes what is nearest to it, however far; zero is of none
    assert axes.nearest(vectors).tolist() == [0, -1, 1, 1, -1]


def test_the_first_domain_wins_among_equals():
    axes = Centroids(("x", "y"), np.eye(2, dtype=np.float32), np.full(2, -1, np.float32))
    assert axes.nearest(unit(np.array([[1, 1]]))).tolist() == [0]


def test_without_domains_every_text_is_of_none():
    nothing = Centroids((), np.zeros((0, 2), np.float32), np.zeros(0, np.float32))
    assert nothing.nearest(np.ones((3, 2), np.float32)).tolist() == [-1, -1, -1]


def test_a_domain_without_a_known_word_and_equal_names_are_refused():
    vectors = unit(np.array([[1, 0], [0, 0]]))
    with pytest.raises(InputError, match="'empty' has no text"):
        Centroids.of(["full", "empty"], vectors, np.array([0, 1]))
    with pytest.raises(InputError, match="1 of them distinct"):
        Centroids(("a", "a"), np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    with pytest.raises(InputError, match="share outside"):
        Centroids.of(["full"], vectors, np.array([0, -1]), outside=1.0)


# --- N experts in one table ---


def by_hand(text, domain):
    """The formula in the module's docstring, in loops over words and pieces."""
    from tests.encode.test_static import PIECES_OF

    total = np.zeros(FITTED.dimensions)
    for word in text.split():
        for piece in PIECES_OF[word]:
            number = PIECES.index(piece)
            vector = FITTED.table.matrix[number].astype(np.float32)
            if domain is not None:
                vector = (vector + EXPERTS.deltas[domain, number]).astype(np.float16)
            total += FITTED.idf.get(word, FITTED.unseen) * vector.astype(np.float64)
    length = np.sqrt((total**2).sum())
    return total / length if length else total


def test_a_text_passes_through_the_expert_of_the_domain_it_is_read_as():
    texts = ["cat dogs", "tree house", "greenhouse dog a", "xyz", ""]
    read = EXPERTS.domains(texts)
    assert read[:2] == ["animals", "places"]
    assert read[3:] == [None, None]
    places = [None if name is None else EXPERTS.names.index(name) for name in read]
    wanted = [by_hand(text, place) for text, place in zip(texts, places, strict=True)]
    assert np.allclose(EXPERTS.encode(texts), wanted, atol=1e-5)


def test_routing_can_be_enforced_whatever_the_text_says():
    for place, domain in enumerate(EXPERTS.names):
        found = EXPERTS.encode_in(["cat dogs", "tree house"], domain)
        wanted = [by_hand(text, place) for text in ["cat dogs", "tree house"]]
        assert np.allclose(found, wanted, atol=1e-5)
    assert np.array_equal(EXPERTS.encode_in(["cat dogs"], None), FITTED.encode(["cat dogs"]))


def test_a_text_of_no_domain_gets_the_shared_vector():
    strict = Centroids(EXPERTS.names, EXPERTS.centroids.matrix, np.full(2, 1.1, np.float32))
    found = StaticExperts(FITTED, strict, deltas())
    assert np.array_equal(found.encode(ANIMALS), FITTED.encode(ANIMALS))


def test_experts_that_add_nothing_are_the_dense_model_to_the_last_bit():
    fresh = StaticExperts(FITTED, centroids_of(FITTED), np.zeros_like(deltas()))
    texts = ANIMALS + PLACES + ["", "xyz"]
    assert fresh.encode(texts).tobytes() == FITTED.encode(texts).tobytes()


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_a_text_has_the_same_bits_alone_and_among_others(texts):
    together = EXPERTS.encode(texts)
    alone = [EXPERTS.encode([text])[0] for text in texts]
    assert together.tobytes() == np.array(alone, dtype=np.float32).tobytes()
    assert together.tobytes() == EXPERTS.encode_words(split(texts)).tobytes()


def test_words_with_rows_of_their_own_keep_them_in_every_expert():
    rows = np.concatenate([TABLE.matrix, np.ones((1, TABLE.matrix.shape[1]), np.float16)])
    shared = Static(Table(TABLE.tokenizer, rows, ("xyz",)), {})
    added = np.zeros((2, *rows.shape), np.float16)
    added[:, -1, 0] = 3
    found = StaticExperts(shared, centroids_of(shared), added)
    wanted = unit(np.array([[4, 1, 1, 1, 1, 1]]))
    assert np.allclose(found.encode_in(["xyz"], "animals"), wanted, atol=1e-6)


def test_experts_of_queries_alone_leave_documents_shared():
    asymmetric = StaticExperts(FITTED, centroids_of(FITTED), deltas(), documents=False)
    assert np.array_equal(asymmetric.encode(ANIMALS, "document"), FITTED.encode(ANIMALS))
    assert np.array_equal(asymmetric.encode(ANIMALS, "query"), EXPERTS.encode(ANIMALS, "document"))
    assert asymmetric.fingerprint != EXPERTS.fingerprint


def test_a_saved_model_comes_back_to_the_last_bit(tmp_path):
    EXPERTS.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    again = StaticExperts.load(tmp_path, described)
    texts = ANIMALS + PLACES
    assert again.fingerprint == EXPERTS.fingerprint
    assert again.encode(texts).tobytes() == EXPERTS.encode(texts).tobytes()
    assert registry.load(tmp_path).encode(texts).tobytes() == EXPERTS.encode(texts).tobytes()


@pytest.mark.parametrize(
    "file", ["experts.safetensors", "centroids.safetensors", "shared/encoder.json"]
)
def test_a_missing_or_damaged_file_is_an_error_with_a_remedy(tmp_path, file):
    EXPERTS.save(tmp_path)
    described = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / file).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="reencode"):
        StaticExperts.load(tmp_path, described)
    (tmp_path / file).unlink()
    with pytest.raises(ModelError, match="reencode"):
        StaticExperts.load(tmp_path, described)


def test_an_unknown_domain_and_experts_of_another_shape_are_refused():
    with pytest.raises(InputError, match="no expert for the domain 'plants'"):
        EXPERTS.encode_in(["tree"], "plants")
    with pytest.raises(InputError, match="the table wants"):
        StaticExperts(FITTED, centroids_of(FITTED), deltas()[:1])


def test_the_fingerprint_follows_every_part():
    others = [
        StaticExperts(FITTED, centroids_of(FITTED), deltas(seed=2)),
        StaticExperts(FITTED, centroids_of(FITTED, outside=0.2), deltas()),
        StaticExperts(BASE, centroids_of(BASE), deltas()),
    ]
    assert len({EXPERTS.fingerprint, *(other.fingerprint for other in others)}) == 4


# --- separate experts behind a router ---


def test_a_query_goes_to_the_expert_whose_pilots_are_nearest_on_average():
    pilots = Pilots(("a", "b", "b"), unit(np.array([[1, 0], [0, 1], [1, 0.1]])))
    query = unit(np.array([[1, 0.2]]))
    # a: .981; b: the mean of .196 and .995, which is .596, although one of its pilots is nearer
    assert np.allclose(pilots.similarities(query), [[0.9806, 0.5956]], atol=1e-4)
    assert pilots.choose(query) == ["a"]
    assert pilots.choose(unit(np.array([[0.1, 1], [0.5, 0.5]]))) == ["b", "b"]


def test_queries_are_routed_and_documents_are_not():
    routed = router()
    chosen = routed.route(["dog", "tree house"])
    assert chosen == ["first", "second"]
    found = routed.encode(["dog", "tree house"], "query")
    assert np.array_equal(found[0], other_static(1).encode(["dog"])[0])
    assert np.array_equal(found[1], other_static(2).encode(["tree house"])[0])
    assert np.array_equal(routed.encode(["dog"], "document"), BASE.encode(["dog"]))
    assert np.array_equal(routed.encode_in(["dog"], "second"), other_static(2).encode(["dog"]))


def test_an_expert_that_comes_or_goes_leaves_the_others_vectors_as_they_are():
    routed = router()
    texts = ["dog", "tree house", "running"]
    more = routed.add("third", other_static(3), BASE.encode(["running", "run"]))
    assert more.route(texts) == ["first", "second", "third"]
    assert np.array_equal(more.encode(texts[:2], "query"), routed.encode(texts[:2], "query"))
    for name in routed.experts:
        assert np.array_equal(more.encode_in(texts, name), routed.encode_in(texts, name))
    less = more.remove("third")
    assert less.fingerprint == routed.fingerprint != more.fingerprint
    assert np.array_equal(less.encode(texts, "query"), routed.encode(texts, "query"))
    assert set(more.remove("first").route(texts)) <= {"second", "third"}


@settings(max_examples=30, deadline=None)
@given(TEXTS)
def test_a_routed_query_has_the_same_bits_alone_and_among_others(texts):
    together = router().encode(texts, "query")
    alone = [router().encode([text], "query")[0] for text in texts]
    assert together.tobytes() == np.array(alone, dtype=np.float32).tobytes()


def test_a_saved_router_comes_back_to_the_last_bit(tmp_path):
    router().save(tmp_path)
    again = Router.load(tmp_path, json.loads((tmp_path / "encoder.json").read_text()))
    texts = ["dog", "tree house"]
    assert again.fingerprint == router().fingerprint
    assert again.encode(texts, "query").tobytes() == router().encode(texts, "query").tobytes()
    assert registry.load(tmp_path).fingerprint == router().fingerprint
    (tmp_path / "pilots.safetensors").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="reencode"):
        registry.load(tmp_path)


def test_experts_that_do_not_fit_are_refused():
    wide = Static(Table(TABLE.tokenizer, np.zeros((len(PIECES), 7), np.float16)), {})
    with pytest.raises(InputError, match="'wide' has 7 dimensions, the base 6"):
        router().add("wide", wide, BASE.encode(["run"]))
    with pytest.raises(InputError, match="is an expert 'first' already"):
        router().add("first", BASE, BASE.encode(["run"]))
    with pytest.raises(InputError, match="no expert 'fourth'"):
        router().remove("fourth")
    with pytest.raises(InputError, match="the last expert"):
        router().remove("first").remove("second")
    with pytest.raises(InputError, match="pilots of second, but no such expert"):
        Router(BASE, {"first": BASE}, router().pilots)
