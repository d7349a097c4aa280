"""A document's dense score is its best passage's, exactly; approximate search only misses some."""

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.engine import Index
from everygrain.errors import QueryError
from everygrain.index.vectors import passage_text
from everygrain.rank.approximate import Approximate
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences

from .conftest import VOCABULARY, build, random_documents

QUERIES = ["tree graph", "river", "searching the index", "stone stone passage"]


def sentences_of(count, seed):
    """Documents of up to six short sentences, so that they fall into several passages."""
    generator = np.random.default_rng(seed)
    documents = []
    for i in range(count):
        said = [
            " ".join(generator.choice(VOCABULARY, 4)).capitalize() + "."
            for _ in range(generator.integers(1, 7))
        ]
        documents.append(Document(f"d{i:03}", " ".join(said), str(generator.choice(VOCABULARY))))
    return documents


@pytest.fixture(scope="module")
def built(tmp_path_factory, hashing):
    folder = tmp_path_factory.mktemp("dense") / "index"
    documents = sentences_of(70, 0)
    # twins, so that scores tie exactly
    documents += [Document(f"t{d.id}", d.text, d.title) for d in documents[:30]]
    index, left = build(folder, documents, hashing, passage_words=8)
    yield index, left
    index.close()


def by_hand(hashing, documents, query, words=8):
    passages = Passages(words=words, overlap=1, sentences=Sentences("en"))
    vector = hashing.encode([query])[0].astype(np.float64)
    scores = {}
    for document in documents:
        spans = passages.spans(document.text) or [(0, 0)]
        texts = [passage_text(document, *span) for span in spans]
        products = [
            sum(float(a) * float(b) for a, b in zip(row, vector, strict=True))
            for row in hashing.encode(texts)
        ]
        scores[document.id] = max(products)
    return scores


def test_scores_equal_brute_force_over_all_passages_in_double_precision(built, hashing):
    index, left = built
    found = index.retriever("dense").retrieve(QUERIES, 1000).by_query()
    for i, query in enumerate(QUERIES):
        assert dict(found[str(i)]) == pytest.approx(by_hand(hashing, left, query), abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 20])
def test_the_best_k_are_the_first_k_of_all_with_ties_in_order_of_id(built, k):
    index, _ = built
    whole = index.retriever("dense").retrieve(QUERIES, 1000)
    assert index.retriever("dense").retrieve(QUERIES, k) == whole.cut(k)
    rows = [(query, -score, document) for query, document, score in whole.rows()]
    assert rows == sorted(rows)
    assert len({score for _, _, score in whole.rows()}) < len(whole) - 50


def test_the_order_of_documents_and_segments_does_not_change_a_bit(built, tmp_path, hashing):
    index, left = built
    settings = {"encoder": hashing, "language": "en", "passage_words": 8}
    with Index(tmp_path / "fresh", **settings) as fresh:
        fresh.add(left[::-1])
        one, other = (i.retriever("dense").retrieve(QUERIES, 1000) for i in (index, fresh))
        assert one == other


def test_the_margin_bounds_the_error_of_the_fast_product(built, hashing):
    index, _ = built
    vector = hashing.encode(["tree graph"])[0]
    with index.views.newest() as view:
        dense = view.dense()
        live = np.flatnonzero(view.snapshot.live)
        rough, exact = dense.approximate(vector), dense.exact(vector, live)
        assert np.abs(rough[live] - exact).max() <= dense.margin(16) / 2
        dead = np.flatnonzero(~view.snapshot.live)
        assert len(dead)
        assert (rough[dead] == -np.inf).all()


def test_exact_scores_come_in_the_order_that_was_asked(built, hashing):
    vector = hashing.encode(["stone"])[0]
    with built[0].views.newest() as view:
        numbers = np.random.default_rng(0).permutation(np.flatnonzero(view.snapshot.live))
        together = view.dense().exact(vector, numbers)
        alone = [view.dense().exact(vector, numbers[i : i + 1])[0] for i in range(len(numbers))]
        assert together.tolist() == [float(score) for score in alone]


def test_a_query_that_says_nothing_finds_nothing(built):
    assert len(built[0].retriever("dense").retrieve(["", "  "])) == 0


@pytest.fixture(scope="module")
def larger(tmp_path_factory, hashing):
    folder = tmp_path_factory.mktemp("approximate") / "index"
    words = [f"word{i}" for i in range(400)]
    documents = [d for d in random_documents(900, 1, 12, words) if d.text]
    index, left = build(folder, documents, hashing, parts=2)
    yield index, left
    index.close()


@pytest.mark.parametrize("kind", ["binary", "ivf", "hnsw"])
def test_the_recall_that_is_told_is_the_share_that_is_found(larger, hashing, kind):
    index, left = larger
    with index.views.newest() as view:
        approximate = Approximate.build(view.dense(), kind)
        vectors, owners = view.dense().live_passages()
        places = sorted({int(i) for i in np.linspace(0, len(vectors) - 1, 60)})
        shares = []
        for place in places:
            query = vectors[place].astype(np.float64)
            scores = {int(o): float(v.astype(np.float64) @ query)
                      for o, v in zip(owners, vectors, strict=True)}  # fmt: skip
            kth = sorted(scores.values(), reverse=True)[9]
            found = set(approximate.candidates(vectors[place], 10).tolist())
            shares.append(sum(scores[n] >= kth - 1e-7 for n in found) / 10)
        assert approximate.recall(10, 60) == pytest.approx(np.mean(np.minimum(shares, 1)), abs=0.01)
        assert np.mean(shares) > (0.3 if kind == "ivf" else 0.85)
        live = set(np.flatnonzero(view.snapshot.live).tolist())
        assert set(owners.tolist()) == live
        assert len(live) == len(left)


@pytest.mark.parametrize("kind", ["binary", "ivf", "hnsw"])
def test_approximate_search_gives_exact_scores_and_no_dead_documents(larger, kind):
    index, left = larger
    texts = ["word1 word2", "word3", "word10 word20 word30"]
    exact = index.retriever("dense").retrieve(texts, len(left)).by_query()
    index.configure(approximate=kind, above=10)
    try:
        found = index.retriever("dense").retrieve(texts, 20)
        told = index.info()["approximate"]
    finally:
        index.configure(approximate="none")
    assert told["kind"] == kind
    assert 0.3 < told["recall@10 against exact"] <= 1
    for query, rows in found.by_query().items():
        assert len(rows) == 20
        assert set(rows) <= set(exact[query])
    assert "approximate" not in index.info()


def test_an_approximate_search_that_does_not_exist_is_an_error(larger):
    with (
        larger[0].views.newest() as view,
        pytest.raises(QueryError, match="no approximate search 'flat'"),
    ):
        Approximate.build(view.dense(), "flat")


def test_the_vector_of_a_document_is_the_mean_of_its_passages_wherever_they_are_stored(
    built, hashing
):
    index, left = built
    passages = Passages(words=8, overlap=1, sentences=Sentences("en"))
    held = {d.id: d for d in left}
    chosen = [*list(held)[::7], "nobody"]
    got = index.vectors(chosen)
    assert not got[-1].any()
    for row, identity in zip(got, chosen[:-1], strict=False):
        document = held[identity]
        texts = [passage_text(document, a, b) for a, b in passages.spans(document.text)]
        mean = hashing.encode(texts or [passage_text(document, 0, 0)]).astype(float).mean(axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_array_equal(
        index.encode(["tree graph"]), hashing.encode(["tree graph"], "query")
    )


def test_vectors_of_an_index_without_a_dense_leg_are_refused(tmp_path):
    with Index(tmp_path / "index", encoder="none") as index:
        index.add([Document("a", "text")])
        with pytest.raises(QueryError, match="no dense leg"):
            index.vectors(["a"])
