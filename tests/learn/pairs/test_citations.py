"""Links, co-citation and attributes: pairs from what the metadata tell."""

from itertools import combinations

import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.attributes import Attributes, attributes_of
from everygrain.learn.pairs.cocitation import Cocitation
from everygrain.learn.pairs.links import Links
from everygrain.learn.pairs.references import citers, references

SHELF = [
    Document("tides", "The sea rises and falls twice a day.", "Tides of the sea",
             {"references": ["moon", "sun", "nowhere", "tides"]}),
    Document("moon", "The moon goes round the earth in a month.", "The moon and its path"),
    Document("sun", "The sun is a star of middle age.", "Light from the sun",
             {"references": [{"title": "the MOON, and its path"}, 7, None, {"id": "tides"}]}),
    Document("fish", "Fish breathe water with their gills all day.", "",
             {"citations": 12, "cited_by": ["far", "away"]}),
    Document("crab", "Crabs walk sideways over the beach at night.", "", {"cited_by": ["far"]}),
]  # fmt: skip


def test_references_are_found_by_id_and_by_title_and_keep_their_places():
    assert references(SHELF) == [(1, 2, None, 0), (), (1, None, None, 0), (), ()]


def test_works_outside_the_collection_bring_what_they_cite_together():
    assert citers(SHELF) == {"far": [3, 4], "away": [3]}


def test_a_link_asks_from_the_first_part_for_what_is_cited():
    found = {(pair.query_id, pair.positive_id): pair for pair in Links().pairs(SHELF)}
    # a document never cites itself, and what the collection lacks is passed over
    assert set(found) == {("tides", "moon"), ("tides", "sun"), ("sun", "moon"), ("sun", "tides")}
    pair = found["tides", "moon"]
    assert pair.query == SHELF[0].text
    assert pair.positive == "The moon and its path The moon goes round the earth in a month."


def test_links_take_no_more_than_asked_for_of_a_document():
    assert len(list(Links(each=1).pairs(SHELF))) == 2


def test_a_collection_without_lists_of_references_is_refused_by_the_keys():
    counted = [Document("a", "Some text.", "", {"citations": 12, "references": "moon"})]
    with pytest.raises(InputError, match="'references', 'citations', 'cites'"):
        list(Links().pairs(counted))
    with pytest.raises(InputError, match="'sources'"):
        list(Links(key="sources").pairs(SHELF))
    with pytest.raises(InputError, match="'cited_by'"):
        list(Cocitation().pairs(counted))


def test_cocited_pairs_are_those_that_a_loop_over_citing_works_finds():
    cited_together = set()
    for group in ([1, 2], [0, 1], [3, 4]):  # of tides, sun, and the work "far"
        cited_together |= {frozenset(pair) for pair in combinations(group, 2)}
    places = {document.id: place for place, document in enumerate(SHELF)}
    found = [
        frozenset((places[pair.query_id], places[pair.positive_id]))
        for pair in Cocitation().pairs(SHELF)
    ]
    assert sorted(map(sorted, found)) == sorted(map(sorted, cited_together))


def test_cocited_pairs_do_not_follow_from_the_order_of_the_documents():
    forwards, backwards = Cocitation().pairs(SHELF), Cocitation().pairs(SHELF[::-1])
    assert sorted(map(repr, forwards)) == sorted(map(repr, backwards))


def test_documents_are_cocited_in_a_sentence_where_its_marks_say_so():
    works = [Document(f"w{i}", f"Work number {i} has a text.") for i in range(1, 8)]
    review = Document(
        "review",
        "Two began it [1, 2]. One went on [3]. Later work [4-5; 7] is of little use [99].",
        "",
        {"references": [work.id for work in works]},
    )
    found = {
        frozenset((pair.query_id, pair.positive_id))
        for pair in Cocitation(together="sentence").pairs([review, *works])
    }
    wanted = [("w1", "w2"), ("w4", "w5"), ("w4", "w7"), ("w5", "w7")]
    assert found == set(map(frozenset, wanted))


BAKER = Document(
    "b",
    "We look for a baker in the old town.",
    "Baker",
    {"keywords": ["bread", " ovens ", "bread", "", 3], "skills": "salt; night, work"},
)


@pytest.mark.parametrize(
    ("asks", "query", "positive"),
    [("title", "Baker", "bread, ovens"), ("attributes", "bread, ovens", "Baker"),
     ("both", "Baker, bread, ovens", "We look for a baker in the old town.")],
)  # fmt: skip
def test_a_title_and_its_attributes_ask_for_each_other(asks, query, positive):
    (pair,) = Attributes(asks=asks).pairs([BAKER, Document("c", "No attributes.", "Cook")])
    assert (pair.query, pair.positive, pair.query_id) == (query, positive, "b")


def test_attributes_in_one_string_are_parted_at_semicolons_or_commas():
    assert attributes_of(BAKER, "skills") == ["salt", "night, work"]
    assert attributes_of(Document("a", "", "", {"k": "one, two"}), "k") == ["one", "two"]
    assert attributes_of(Document("a", "", "", {"k": 3}), "k") == []


def test_a_collection_without_the_attribute_is_refused_by_its_key():
    with pytest.raises(InputError, match="'tags' in the metadata"):
        list(Attributes(key="tags").pairs([BAKER]))
