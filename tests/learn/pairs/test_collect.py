"""Reading sources as they are written, and collecting their pairs with counts."""

import pytest

from everygrain.document import Document
from everygrain.errors import InputError, QueryError
from everygrain.learn.pairs import SOURCES, Pair, PairSource, collect, parse_source
from everygrain.learn.pairs.cloze import Cloze
from everygrain.learn.pairs.title import Title

DOCUMENTS = [
    Document(
        f"d{i}",
        f"Field {i} was sown with rye in the autumn. It was ploughed again in spring. "
        f"Nothing grew on field {i} but thistles that year.",
        f"Harvest of field {i}",
    )
    for i in range(40)
]


def test_every_source_of_the_registry_is_one():
    for kind in SOURCES:
        assert isinstance(parse_source(kind), PairSource)


@pytest.mark.parametrize(
    ("written", "told"),
    [("clozes", "no source of pairs 'clozes'.*title, cloze"), 
     ("cloze(sead=1)", "no setting 'sead'.*seed"), ("cloze(seed='1')", "seed = '1'.*int"),
     ("synonyms(folder=3)", "folder = 3"),
     ("cloze(1)", "names no source"), ("cloze(seed=open('x'))", "names no source"),
     ("", "names no source"), ("a.b()", "names no source"), ("(" * 500, "names no source"),
     ("cloze(**{})", "names no source"), ("cloze(kind='x')", "no setting 'kind'")],
)  # fmt: skip
def test_what_is_not_written_as_a_source_is_refused_with_what_there_is(written, told):
    with pytest.raises(QueryError, match=told):
        parse_source(written)


def test_pairs_are_counted_by_source_and_so_are_documents_without():
    documents = [*DOCUMENTS, Document("bare", "One sentence is all that stands here.")]
    found = collect([Title(), Cloze()], documents)
    assert found.counts == {"title": 40, "cloze": 40}
    assert found.without == {"title": 1, "cloze": 1}
    assert (found.repeats, found.left_out) == (0, {})
    assert [pair.source for pair in found.pairs] == ["title"] * 40 + ["cloze"] * 40
    assert {pair.query_id for pair in found.pairs} == {f"d{i}" for i in range(40)}


def test_exact_repeats_are_dropped_also_across_sources():
    class Copies:
        name = "copies"

        def pairs(self, documents):
            for pair in Title().pairs(documents):
                yield Pair(pair.query, pair.positive, self.name, "x", pair.positive_id)

    found = collect([Title(), Copies()], [*DOCUMENTS, *twins()])
    assert found.counts == {"title": 41, "copies": 0}
    assert found.repeats == 1 + 42


def twins():
    return [Document(name, "Two barns burnt down last night.", "Fire at two") for name in "ab"]


def test_a_limit_keeps_the_same_pairs_in_whatever_order_the_documents_come():
    forwards = collect([Title()], DOCUMENTS, most=10)
    backwards = collect([Title()], DOCUMENTS[::-1], most=10)
    assert forwards.counts == {"title": 10}
    assert forwards.left_out == {"title": 30}
    assert set(forwards.pairs) == set(backwards.pairs)
    # the choice is spread over the collection
    assert {int(pair.query_id[1:]) // 20 for pair in forwards.pairs} == {0, 1}


def test_documents_and_sources_given_twice_are_refused():
    with pytest.raises(InputError, match="document 'd0' is there 2 times"):
        collect([Title()], [DOCUMENTS[0], DOCUMENTS[0]])
    with pytest.raises(InputError, match="source 'title' is there 2 times"):
        collect([Title(), Title()], DOCUMENTS)
    with pytest.raises(InputError, match="At most 0"):
        collect([Title()], DOCUMENTS, most=0)


def test_a_source_that_lacks_what_it_needs_says_so():
    with pytest.raises(InputError, match="'keywords'"):
        collect([parse_source("attributes")], DOCUMENTS)
