"""Whole texts as answers: what is taken out, and what stays."""

import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.whole import Whole

SENTENCES = [f"The {word} sentence says something about {word} things." for word in
             ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")]  # fmt: skip
DOCUMENT = Document("a", " ".join(SENTENCES), "A title of five words")


def test_all_pairs_of_a_document_have_one_positive_without_their_queries():
    made = list(Whole(each=3).pairs([DOCUMENT]))
    assert next(pair.query for pair in made) == DOCUMENT.title
    drawn = {pair.query for pair in made[1:]}
    assert len(drawn) == 3
    assert drawn < set(SENTENCES)
    rest = " ".join(sentence for sentence in SENTENCES if sentence not in drawn)
    assert {pair.positive for pair in made} == {rest}
    assert {(pair.query_id, pair.positive_id, pair.source) for pair in made} == {
        ("a", "a", "whole(each=3)")
    }


def test_a_title_that_opens_the_text_is_taken_out():
    opened = Document("a", f"{DOCUMENT.title}. {DOCUMENT.text}", DOCUMENT.title)
    assert [p.positive for p in Whole().pairs([opened])] == [
        p.positive for p in Whole().pairs([DOCUMENT])
    ]


def test_draws_follow_from_the_document_and_the_seed_alone():
    other = Document("b", DOCUMENT.text, DOCUMENT.title)
    alone = list(Whole().pairs([DOCUMENT]))
    assert [p for p in Whole().pairs([other, DOCUMENT]) if p.query_id == "a"] == alone
    assert {p.positive for p in Whole(seed=1).pairs([DOCUMENT])} != {alone[0].positive}


def test_a_text_of_one_sentence_has_its_title_and_no_more():
    made = list(Whole().pairs([Document("a", SENTENCES[0], "A title of five words")]))
    assert [(pair.query, pair.positive) for pair in made] == [
        ("A title of five words", SENTENCES[0])
    ]
    assert list(Whole().pairs([Document("a", "Two words.", "A title of five words")])) == []


def test_bad_settings_and_empty_texts_are_refused():
    with pytest.raises(InputError, match="each"):
        Whole(each=0)
    with pytest.raises(InputError, match="every document's is empty"):
        list(Whole().pairs([Document("a", "", "title")]))
