"""A leg of an index is a retriever: filtered before it ranks, with errors that name the query."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Ranking
from everygrain.encode.base import unit
from everygrain.engine import Index
from everygrain.errors import ModelError, QueryError
from everygrain.rank import legs
from everygrain.rank.fuse import Weighted, fuse
from everygrain.rank.lexical import BM25
from tests.index.encoders import BagHash

from .conftest import VOCABULARY, build, random_documents

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
        assert rows == [row for row in whole[query] if row[0] in allowed][:5]


words = st.lists(st.sampled_from([*VOCABULARY, "unheard"]), max_size=4).map(" ".join)
phrases = st.sampled_from(["", "tree", "stone of the river", "search graph", "node index"])
some_ids = st.frozensets(st.sampled_from([*(f"d{n:03}" for n in range(80)), "nobody"]))
wheres = st.sampled_from([None, None, "year >= 2004"])


@settings(max_examples=40, deadline=None)
@given(words, some_ids, wheres, st.sampled_from([1, 3, 20, 200]))
def test_a_set_of_ids_leaves_documents_out_and_changes_nothing_else(built, query, ids, where, k):
    index, _ = built
    for system in SYSTEMS:
        whole = index.retriever(system, where=where).retrieve([query], 200).by_query()["0"]
        found = index.retriever(system, where=where, ids=ids).retrieve([query], k).by_query()["0"]
        assert found == [row for row in whole if row[0] in ids][:k]  # bit for bit


@settings(max_examples=25, deadline=None)
@given(words, phrases, some_ids, wheres, st.integers(1, 9))
def test_hits_among_ids_are_those_of_the_whole_search(built, query, phrase, ids, where, k):
    index, _ = built
    typed = f'{query} "{phrase}"' if phrase else query
    for system in SYSTEMS:
        whole = index.search(typed, 200, system=system, where=where)
        hits = index.search(typed, k, system=system, where=where, ids=ids)
        kept = [hit for hit in whole if hit.id in ids][:k]
        assert [(hit.document, hit.score) for hit in hits] == [(h.document, h.score) for h in kept]
        for grain in ("passage", "sentence"):
            spans = index.search(typed, k, grain=grain, system=system, where=where, ids=ids)
            assert {hit.id for hit in spans} <= ids
            assert all(hit.spans[0].span.document_id == hit.id for hit in spans)


@pytest.mark.parametrize(
    "system",
    [*legs.SYSTEMS, "fuse(lexical, dense)", "rm3(hybrid, documents=3)", "hybrid % 30 >> late"],
)
def test_ids_are_the_filter_that_names_them_in_every_system(rounded, system):
    rng = np.random.default_rng(3)
    for count in (1, 40, 300):
        chosen = [f"d{n:03}" for n in rng.choice(400, count, replace=False)]
        where = f"id in ({', '.join(map(json.dumps, chosen))})"
        for beside in (None, "year >= 2005"):
            ids = index_ids(rounded, system, ids=[*chosen, "nobody"], where=beside)
            both = where if beside is None else f"{where} and {beside}"
            assert ids == index_ids(rounded, system, where=both)
            assert {document for rows in ids for document, _ in rows} <= {*chosen}
    assert index_ids(rounded, system, ids=()) == [[], []]
    assert rounded.search("tree graph", system=system, ids=["nobody"]) == []


def index_ids(index, system, **filters):
    """Return what two queries find, with scores."""
    found = index.retriever(system, **filters).retrieve(["tree graph", "river stone"], 25)
    return list(found.by_query().values())


def test_ids_that_are_deleted_or_come_back_are_found_as_they_are_now(tmp_path, hashing):
    documents = [d for d in random_documents(12, 4) if "tree" in d.text.split()]
    ids = frozenset(document.id for document in documents)
    with Index(tmp_path / "index", hashing, language="en") as index:
        index.add(documents)
        leg = index.retriever("lexical", ids=ids)

        def found():
            return {document for document, _ in leg.retrieve(["tree"], 50).by_query()["0"]}

        assert found() == ids
        index.delete([documents[0].id])
        assert found() == ids - {documents[0].id}
        index.compact()
        assert found() == ids - {documents[0].id}
        index.add([documents[0]])
        assert found() == ids


def test_an_approximate_search_is_exact_among_ids(tmp_path, hashing):
    documents = [d for d in random_documents(80, 2) if d.text]
    ids = {document.id for document in documents[::3]}
    with Index(tmp_path / "index", hashing, language="en") as index:
        index.add(documents)
        exact = index_ids(index, "hybrid", ids=ids), index_ids(index, "dense", ids=ids)
        index.configure(approximate="binary", above=0)
        assert (index_ids(index, "hybrid", ids=ids), index_ids(index, "dense", ids=ids)) == exact


@pytest.mark.parametrize("ids", ["d001", 5, [1]])
def test_what_is_no_set_of_ids_is_refused_before_anything_is_searched(built, ids):
    with pytest.raises(QueryError, match=r"one id|of type int"):
        built[0].search("tree", ids=ids)
    with pytest.raises(QueryError, match=r"one id|of type int"):
        built[0].retriever("lexical", ids=ids)


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


@pytest.mark.parametrize("system", [*SYSTEMS, "rrf"])
def test_a_leg_gives_its_rows_in_the_order_of_any_ranking(built, system):
    queries = {"a": "tree graph", "none": "", "b": "river stone"}
    found = built[0].retriever(system).retrieve(queries, 60)
    assert len(found) > 60
    assert found == Ranking.of(list(queries), found.rows())


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
    assert repr(index.retriever("dense", ids=["b", "a"])) == "dense(ids={'a', 'b'})"
    assert index.retriever("dense", ids=["b", "a"]) == index.retriever("dense", ids={"a", "b"})
    assert index.retriever("dense", ids={"a"}) != index.retriever("dense")
    assert repr(index.retriever("lexical", bm25=BM25(0, 0))) == (
        "lexical(BM25(k1=0, b=0, title=1.0, text=1.0))"
    )
    assert index.retriever("lexical") == index.retriever("lexical")
    assert index.retriever("lexical") != index.retriever("dense")
    both = fuse(index.retriever("lexical"), index.retriever("dense")) % 5
    assert repr(both) == "fuse(lexical, dense) % 5"
    assert len(both.retrieve(["tree graph"])) == 5
