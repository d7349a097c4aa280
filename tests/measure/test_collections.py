from pathlib import Path

import pytest

from everygrain.data import bundled
from everygrain.document import Document
from everygrain.errors import MeasureError
from everygrain.measure import Collection, load

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def collection(judgements, queries=None, documents=()):
    queries = {"q": "text"} if queries is None else queries
    return Collection("tiny", queries, judgements, lambda: iter(documents))


def test_only_queries_with_judgements_are_scored_in_the_order_of_the_queries():
    tiny = collection({"b": {"d": 1}, "a": {"d": 0}, "c": {}}, {"a": "1", "x": "2", "b": "3"})
    assert list(tiny.scored_queries.items()) == [("a", "1"), ("b", "3")]


def test_every_judged_id_that_is_missing_is_named_up_to_twenty_and_counted():
    missing = [f"m{i}" for i in range(25)]
    found = collection({"q": dict.fromkeys(["d", *missing], 1)}).validate(["d"])
    assert found.missing_documents == tuple(missing)
    (message,) = found.messages()
    assert "25 (m0, m1," in message
    assert "m19, ...)" in message
    assert "m20" not in message
    with pytest.raises(MeasureError, match=r"tiny.*25"):
        found.require()


def test_a_document_missing_under_two_queries_is_named_once():
    found = collection({"q": {"m": 1}, "r": {"m": 0}}, {"q": "", "r": ""}).validate([])
    assert found.missing_documents == ("m",)


def test_without_ids_the_documents_themselves_are_read():
    tiny = collection({"q": {"d": 1, "m": 1}}, documents=[Document("d", "text")])
    assert tiny.validate().missing_documents == ("m",)


def test_judged_queries_without_text_are_named():
    found = collection({"q": {"d": 1}, "lost": {"d": 1}}).validate(["d"])
    assert found.unknown_queries == ("lost",)
    with pytest.raises(MeasureError, match="lost"):
        found.require()


def test_queries_without_a_relevant_document_are_named_but_no_error():
    found = collection({"q": {"d": 0}, "r": {"d": 1}}, {"q": "", "r": ""}).validate(["d"])
    assert found.without_relevant == ("q",)
    assert "1 (q)" in found.messages()[0]
    found.require()


def test_a_collection_without_judgements_is_an_error():
    with pytest.raises(MeasureError, match="no judgement"):
        collection({"q": {}}).validate([]).require()


def test_the_bundled_collection_fits_together():
    papers = load(bundled())
    found = papers.validate()
    assert papers.name == "papers"
    assert (found.scored, found.messages()) == (25, [])
    assert len(list(papers.documents())) == len(list(papers.documents())) == 318


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared development data are not here")
@pytest.mark.parametrize(
    ("name", "queries", "documents", "rows"),
    [("scifact", 809, 5183, 919), ("cranfield", 225, 1400, 1837), ("cisi", 76, 1460, 3114)],
)
def test_real_collections_have_the_counts_that_their_readme_states(name, queries, documents, rows):
    real = load(DATA / name)
    found = real.validate()
    assert found.messages() == [] or found.missing_documents == found.unknown_queries == ()
    assert len(real.scored_queries) == found.scored == queries
    assert sum(map(len, real.judgements.values())) == rows
    assert sum(1 for _ in real.documents()) == documents
