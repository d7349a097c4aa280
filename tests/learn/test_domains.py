"""Domains are found where they are, not where they are not, and named by what sets them apart."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.base import unit
from everygrain.errors import InputError
from everygrain.learn.domains import (
    DomainSearch,
    Projection,
    adjusted_rand,
    domains_of_field,
    found_again,
    learn_domains,
    named,
    spherical_k_means,
)

TOPICS = {
    "cooking": ["oven", "bake", "flour", "butter", "recipe"],
    "sailing": ["sail", "wind", "mast", "harbour", "anchor"],
    "law": ["court", "judge", "appeal", "verdict", "statute"],
}


def collection(each=80, seed=0):
    """Texts of three topics with some words in common, and vectors around three directions."""
    chance = np.random.default_rng(seed)
    directions = unit(chance.standard_normal((3, 12)))
    texts, vectors, truth = [], [], []
    for topic, words in enumerate(TOPICS.values()):
        for _ in range(each + 10 * topic):
            drawn = [*chance.choice(words, 4), *chance.choice(["the", "new", "of"], 3), "7", "x"]
            texts.append(" ".join(drawn))
            vectors.append(directions[topic] + 0.15 * chance.standard_normal(12))
            truth.append(topic)
    order = chance.permutation(len(texts))
    return [texts[i] for i in order], unit(np.array(vectors)[order]), np.array(truth)[order]


def test_domains_that_are_there_are_found_and_named_by_their_own_words():
    texts, vectors, truth = collection()
    found = learn_domains(split(texts), vectors, DomainSearch(directions=4))
    assert len(found.names) == 3
    assert adjusted_rand_score(truth, found.assigned) == 1.0
    # the largest first; a name is of its topic's words, never of common ones, digits or letters
    assert list(found.sizes().values()) == [100, 90, 80]
    for name, words in zip(found.names, reversed(TOPICS.values()), strict=True):
        assert set(name.split("-")) < set(words)
    assert found.of_documents()[0] == found.names[found.assigned[0]]


def test_the_same_documents_give_the_same_domains():
    texts, vectors, _ = collection()
    search = DomainSearch(directions=4)
    first, second = (learn_domains(split(texts), vectors, search) for _ in range(2))
    assert first.names == second.names
    assert first.agreements == second.agreements
    assert np.array_equal(first.assigned, second.assigned)


def test_a_cloud_without_structure_is_one_domain():
    vectors = unit(np.random.default_rng(0).standard_normal((400, 12)))
    found = learn_domains(split(["word"] * 400), vectors)
    assert found.names == ("all",)
    assert not found.assigned.any()
    assert max(agreement for _, agreement in found.agreements) < 0.5


def test_a_domain_that_is_too_small_is_not_one():
    texts, vectors, _ = collection()
    found = learn_domains(split(texts), vectors, DomainSearch(directions=4, smallest=85))
    assert min(found.sizes().values()) >= 85
    assert len(found.names) < 3


def test_a_document_without_a_vector_is_of_no_domain():
    texts, vectors, _ = collection()
    vectors[5] = 0
    found = learn_domains(split(texts), vectors, DomainSearch(directions=4))
    assert found.assigned[5] == -1
    assert found.of_documents()[5] is None
    assert (found.assigned != -1).sum() == len(texts) - 1


def test_centroids_of_domains_read_new_texts_as_the_domain_they_are_of():
    texts, vectors, truth = collection()
    found = learn_domains(split(texts), vectors, DomainSearch(directions=4))
    _, others, other_truth = collection(each=20)
    read = found.centroids(vectors, outside=0.0).nearest(others)
    names = {topic: found.assigned[truth == topic][0] for topic in range(3)}
    assert [names[topic] for topic in other_truth] == read.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_the_adjusted_rand_index(seed):
    chance = np.random.default_rng(seed)
    first = chance.integers(0, 4, 60)
    second = np.where(chance.random(60) < 0.6, first, chance.integers(0, 3, 60))
    assert adjusted_rand(first, second) == pytest.approx(adjusted_rand_score(first, second))


def test_agreement_by_hand():
    # pairs together in both: 1 of 6; 2 in each; expected 2 * 2 / 6
    first, second = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    assert adjusted_rand(first, second) == pytest.approx((1 - 2 / 6) / (1.5 - 2 / 6))
    assert adjusted_rand(np.zeros(4, int), np.zeros(4, int)) == 1.0


def test_true_clusters_come_back_and_too_many_do_not():
    _, vectors, _ = collection()
    assert found_again(vectors, 3) == 1.0
    assert found_again(vectors, 7) < 0.8


def test_k_means_centroids_are_the_mean_directions_of_what_is_nearest_to_them():
    _, vectors, _ = collection()
    centroids = spherical_k_means(vectors, 3)
    nearest = (vectors @ centroids.T).argmax(axis=1)
    means = [vectors[nearest == place].sum(axis=0) for place in range(3)]
    assert np.allclose(centroids, unit(np.array(means)), atol=1e-5)


def test_directions_are_those_of_the_most_variance():
    spread = np.random.default_rng(0).standard_normal((500, 5)) * [1, 9, 2, 5, 1] + 3
    found = Projection.of(spread.astype(np.float32), 2)
    assert np.allclose(np.abs(found.directions).argmax(axis=0), [1, 3])
    variances = np.linalg.eigvalsh(np.cov(spread.T))[::-1][:2]
    projected = (spread - found.middle) @ found.directions
    assert np.allclose(projected.var(axis=0, ddof=1), variances, rtol=1e-3)


def test_equal_names_get_numbers():
    words = split(["same words here"] * 4)
    assert named(words, np.array([0, 0, 1, 1]), 2)[1].endswith("-#2")


def test_domains_are_read_from_a_field():
    values = ["law"] * 3 + [7] * 2 + ["rare", None, "", True, ["law"]]
    documents = [
        Document(str(i), "text", metadata={} if value is None else {"field": value})
        for i, value in enumerate(values)
    ]
    found = domains_of_field(documents, "field", smallest=2)
    assert found.names == ("law", "7")
    assert found.assigned.tolist() == [0, 0, 0, 1, 1, -1, -1, -1, -1, -1]


def test_bad_input_says_what_to_do():
    documents = [Document("a", "text", metadata={"venue": "x"})]
    with pytest.raises(InputError, match=r"'area' has 50 documents.*venue"):
        domains_of_field(documents, "area")
    with pytest.raises(InputError, match="2 documents and 3 vectors"):
        learn_domains(split(["a", "b"]), np.ones((3, 2), np.float32))
    with pytest.raises(InputError, match="0 of them not zero"):
        learn_domains(split(["a"]), np.zeros((1, 2), np.float32))
    with pytest.raises(InputError, match="finds no domains"):
        DomainSearch(largest=0)
