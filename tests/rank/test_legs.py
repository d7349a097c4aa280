"""A leg of an index is a retriever: filtered before it ranks, with errors that name the query."""

import hashlib

import numpy as np
import pytest

from everygrain.encode.base import unit
from everygrain.errors import ModelError, QueryError
from everygrain.rank import legs
from everygrain.rank.fuse import Weighted, fuse
from everygrain.rank.lexical import BM25
from tests.index.encoders import BagHash

from .conftest import build, random_documents

SYSTEMS = ("lexical", "dense", "hybrid")
QUERIES = {"a": "tree graph", "b": "river stone", "none": ""}


@pytest.fixture(scope="module")
def built(tmp_path_factory, hashing):
    folder = tmp_path_factory.mktemp("legs") / "index"
    index, left = build(folder, [d for d in random_documents(80, 2) if d.text], hashing)
    yield index, left
    index.close()


@pytest.mark.parametrize("system", SYSTEMS)
def test_k_cuts_what_more_would_give(built, system):
    leg = built[0].retriever(system)
    whole = leg.retrieve(QUERIES, 60)
    assert whole.queries == ("a", "b", "none")
    assert not whole.by_query()["none"]
    for k in (1, 5, 30):
        assert leg.retrieve(QUERIES, k) == whole.cut(k)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("where", ["year >= 2005", "year = 2003", "not (year < 2008)"])
def test_a_filter_comes_before_the_ranking(built, system, where):
    index, left = built
    allowed = {
        document.id
        for document in left
        if {
            "year >= 2005": document.metadata["year"] >= 2005,
            "year = 2003": document.metadata["year"] == 2003,
            "not (year < 2008)": document.metadata["year"] >= 2008,
        }[where]
    }
    whole = index.retriever(system).retrieve(QUERIES, 1000).by_query()
    found = index.retriever(system, where=where).retrieve(QUERIES, 5).by_query()
    for query, rows in found.items():
        kept = [row for row in whole[query] if row[0] in allowed][:5]
        if system == "hybrid":  # its scores are shares of the best that the filter lets through
            assert {document for document, _ in rows} <= allowed
            assert len(rows) == len(kept)
        else:
            assert rows == kept


class Rounded:
    """Vectors of many dimensions whose products a matrix product rounds in its own way."""

    fingerprint = "rounded-301"
    dimensions = 301

    def encode(self, texts, kind="document"):
        rows = np.zeros((len(texts), self.dimensions))
        for row, text in zip(rows, texts, strict=True):
            if "broken" in text:
                raise ModelError("The service is gone.", "Start it.")
            for word in text.lower().split():
                seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
                row += np.random.default_rng(seed).standard_normal(self.dimensions)
        return unit(rows)

    def save(self, folder):
        (folder / "encoder.json").write_text('{"kind": "rounded"}')


@pytest.fixture(scope="module")
def rounded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batches") / "index"
    documents = [d for d in random_documents(400, 5) if d.text]
    index, _ = build(folder, documents, Rounded(), words=BagHash())
    yield index
    index.close()


@pytest.mark.parametrize("system", legs.SYSTEMS)
@pytest.mark.parametrize("where", [None, "year >= 2005"])
@pytest.mark.parametrize("block", [2**23, 3 * 500])
def test_many_queries_at_once_find_what_each_finds_alone(
    rounded, system, where, block, monkeypatch
):
    monkeypatch.setattr(legs, "_BLOCK", block)  # scores in a block: 64 queries, or a few
    leg = rounded.retriever(system, where=where)
    texts = ["", "nothing known", *(d.text for d in random_documents(120, 6, 5))]
    queries = {f"q{i}": text for i, text in enumerate(texts)}
    together = leg.retrieve(queries, 20).by_query()
    for name, text in queries.items():
        alone = leg.retrieve({name: text}, 20).by_query()
        assert together[name] == alone[name]  # ids, order and scores, bit for bit
    assert sum(map(len, together.values())) > 1000


def test_a_matrix_product_rounds_otherwise_than_one_query_does(rounded):
    """Or the test before this one would show nothing."""
    queries = Rounded().encode([d.text for d in random_documents(64, 6, 5)])
    with rounded.views.newest() as view:
        together = view.dense().approximate_many(queries)
        alone = np.array([view.dense().approximate(query) for query in queries])
        live = view.snapshot.live
    assert (together[:, live] != alone[:, live]).any()


def test_the_query_that_cannot_be_encoded_is_named(rounded):
    queries = {"a": "tree", "b": "stone", "c": "a broken stone", "d": "river"}
    with pytest.raises(QueryError, match=r"^Query 'c': The service is gone"):
        rounded.retriever("dense").retrieve(queries)


def test_hybrid_is_the_weighted_sum_of_both_legs(built):
    index, left = built
    with index.views.newest() as view:
        weight = view.weight
    legs = {s: index.retriever(s).retrieve(QUERIES, len(left)).by_query() for s in SYSTEMS}
    for query in ("a", "b"):
        columns = [dict(legs[system][query]) for system in ("lexical", "dense")]
        expected = Weighted((1 - weight, weight)).combine(columns)
        assert dict(legs["hybrid"][query]) == pytest.approx(expected, abs=1e-6)


def test_hits_tell_each_legs_rank_and_score(built):
    index, left = built
    ranks = {}
    for system in ("lexical", "dense"):
        rows = index.retriever(system).retrieve(["tree graph"], len(left)).by_query()["0"]
        ranks[system] = {d: (rank, score) for rank, (d, score) in enumerate(rows, 1)}
    for hit in index.search("tree graph", k=20, system="hybrid"):
        for system in ("lexical", "dense"):
            rank, score = ranks[system].get(hit.id, (0, 0.0))
            assert hit.legs[system].rank == rank
            assert hit.legs[system].score == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"where": "year >"}, ""),
        ({"where": "venue = 1"}, "No document has the field 'venue'"),
    ],
)
def test_a_problem_of_a_search_names_the_query(built, settings, named):
    with pytest.raises(QueryError, match=rf"^Query 'a': .*{named}") as caught:
        built[0].retriever("lexical", **settings).retrieve(QUERIES)
    assert caught.value.remedy


def test_what_makes_no_sense_is_refused(built):
    index, _ = built
    with pytest.raises(QueryError, match="there is no system 'sparse'"):
        index.retriever("sparse")
    with pytest.raises(QueryError, match="k = 0"):
        index.retriever("lexical").retrieve(QUERIES, 0)
    with pytest.raises(QueryError, match="One string"):
        index.retriever("lexical").retrieve("tree")


@pytest.mark.parametrize("system", ["dense", "hybrid"])
def test_an_index_without_vectors_has_no_dense_leg(tmp_path, system):
    index, _ = build(tmp_path / "index", random_documents(5))
    with index, pytest.raises(QueryError, match="no dense leg") as caught:
        index.retriever(system).retrieve(["tree"])
    assert "reencode" in caught.value.remedy


def test_a_leg_prints_as_what_it_is(built):
    index, _ = built
    assert repr(index.retriever("lexical")) == "lexical"
    assert repr(index.retriever("dense", where="year > 2000")) == "dense(where='year > 2000')"
    assert repr(index.retriever("lexical", bm25=BM25(0, 0))) == (
        "lexical(BM25(k1=0, b=0, title=1.0, text=1.0))"
    )
    assert index.retriever("lexical") == index.retriever("lexical")
    assert index.retriever("lexical") != index.retriever("dense")
    both = fuse(index.retriever("lexical"), index.retriever("dense")) % 5
    assert repr(both) == "fuse(lexical, dense) % 5"
    assert len(both.retrieve(["tree graph"])) == 5
