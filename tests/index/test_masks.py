"""A filter lets through the live documents that it names, by ids, by an expression, or by both."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.errors import QueryError
from everygrain.index import masks
from everygrain.index.masks import Among, Masks, among
from everygrain.index.segment import Segment
from everygrain.index.writer import writer

from .making import made

IDS = ["a", "b", "c", "d", "é", "z" * 300, "10", "a b"]


@pytest.mark.parametrize("ids", ["soup", "", 5, b"ab", {1}, ["a", None], [["a"]], ["a", 2.5]])
def test_what_is_no_set_of_texts_is_refused(ids):
    with pytest.raises(QueryError, match=r"one id|a value of type") as caught:
        among(ids, None)
    assert "ids={" in caught.value.remedy


def test_without_ids_a_filter_is_the_expression():
    assert among(None, None) is None
    assert among(None, "year > 1") == "year > 1"
    assert among([], None) == Among(frozenset())
    assert among(iter("ba"), "year > 1") == Among(frozenset("ab"), "year > 1")


def test_a_filter_prints_its_ids_or_what_tells_them_from_others():
    assert repr(among(["b", "a", "b"], None)) == "ids={'a', 'b'}"
    assert repr(among({"x"}, 'venue = "ACL"')) == "ids={'x'}, where='venue = \"ACL\"'"
    many = [str(n) for n in range(3_000)]
    assert repr(among(many, None)).startswith("ids=<3,000 ids, ")
    assert repr(among(many, None)) == repr(among(many[::-1], None))
    assert repr(among(many, None)) != repr(among([*many[1:], "x"], None))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Three segments; "b" was moved from the first to the last, "c" and "10" were deleted."""
    made_here = made(tmp_path_factory.mktemp("masks") / "index")
    years = {identity: {"year": 2000 + place} for place, identity in enumerate(IDS)}
    with writer(made_here) as write:
        write.add([Document(i, "stone", "", years[i]) for i in IDS[:4]])
        write.add([Document(i, "stone", "", years[i]) for i in IDS[4:]])
        write.add([Document("b", "another stone", "", years["b"])])
        write.delete(["c", "10"])
    yield made_here
    made_here.close()


def let_through(store, filter):
    with store.reading() as snapshot:
        mask = Masks(store.catalogue, snapshot).of(filter)
        assert mask.shape == (snapshot.size,)
        found = [snapshot.document_id(number) for number in range(snapshot.size) if mask[number]]
    assert len(found) == len(set(found))
    return set(found)


@settings(max_examples=60, deadline=None)
@given(
    st.frozensets(st.sampled_from([*IDS, "nobody", "\ud800", "a\0", "B"]) | st.text(max_size=2)),
    st.none() | st.integers(2000, 2009),
)
def test_exactly_the_live_documents_of_a_set_are_let_through(store, ids, year):
    live = {identity for identity in IDS if identity not in ("c", "10")}
    where = None if year is None else f"year >= {year}"
    wanted = {i for i in live & ids if year is None or 2000 + IDS.index(i) >= year}
    assert let_through(store, among(ids, where)) == wanted


def test_texts_whose_hashes_are_equal_are_told_apart(store, monkeypatch):
    monkeypatch.setattr("everygrain.index.segment.hash", lambda text: len(text), raising=False)
    with store.reading() as snapshot:
        again = [Segment(each.folder, each.row) for each in snapshot.segments]
        for ids in (frozenset("a"), frozenset("xyz"), frozenset(["d", "a", "é", "z" * 300, "zz"])):
            for segment in again:
                places = segment.places_of(ids)
                held = [segment.document_id(place) for place in range(len(segment))]
                assert sorted(held[place] for place in places) == sorted(ids & set(held))


def test_a_set_that_is_asked_for_again_is_not_looked_up_again(store):
    with store.reading() as snapshot:
        known = Masks(store.catalogue, snapshot)
        first = known.of(Among(frozenset("ab")))
        assert known.of(Among(frozenset("ba"))) is first
        assert known.of("year > 2001") is known.of("year  >  2001")


def test_the_masks_that_were_not_asked_for_the_longest_are_forgotten(store):
    with store.reading() as snapshot:
        known = Masks(store.catalogue, snapshot)
        sets = [Among(frozenset(["a", str(n)])) for n in range(masks.MOST)]
        kept = [known.of(each) for each in sets]
        assert known.of(sets[0]) is kept[0]
        known.of("year > 2001")  # one too many
        assert known.of(sets[0]) is kept[0]
        assert known.of(sets[1]) is not kept[1]
        assert len(known._kept) == masks.MOST


def test_a_field_that_no_document_has_is_an_error_beside_ids_too(store):
    with pytest.raises(QueryError, match="No document has the field 'venue'"):
        let_through(store, among({"a"}, "venue = 1"))
