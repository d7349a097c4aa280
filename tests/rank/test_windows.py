"""Evidence is bounded, and a very long text is looked at only where the query's words are."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze import Analyzer
from everygrain.document import Document
from everygrain.engine import Index
from everygrain.rank import windows
from everygrain.rank.query import plain
from everygrain.segment.sentences import Sentences

SENTENCES = Sentences("en")


@given(st.lists(st.text("ab c\n.é", max_size=700), max_size=8))
def test_pieces_hold_all_that_sentences_hold_and_none_is_longer_than_a_window(texts):
    text = "".join(texts)
    pieces = windows.spans(text, {}, SENTENCES)
    assert pieces == sorted(pieces)
    assert all(0 < end - start <= windows.WINDOW for start, end in pieces)
    assert all(text[start:end] == text[start:end].strip() for start, end in pieces)
    assert "".join("".join(text[start:end].split()) for start, end in pieces) == "".join(
        text.split()
    )


def test_sentences_of_a_usual_length_stay_as_they_are():
    text = "One here. " + "word " * 180 + "ends. Two there."
    assert windows.spans(text, {}, SENTENCES) == SENTENCES.spans(text)


def test_a_long_sentence_is_cut_between_words():
    text = "abcdefghi " * 250
    assert windows.spans(text, {}, SENTENCES) == [(0, 999), (1000, 1999), (2000, 2499)]
    assert windows.spans("x" * 2500, {}, SENTENCES) == [(0, 1000), (1000, 2000), (2000, 2500)]


@pytest.fixture(scope="module")
def long_text():
    """A text of two million characters; the words asked for stand together once, apart often."""
    generator = random.Random(7)
    words = [f"word{i}" for i in range(500)]
    sentences = [" ".join(generator.choices(words, k=12)).capitalize() + "." for _ in range(26_000)]
    for place in range(0, 20_000, 400):
        sentences[place] = "Here is Rye alone."
    sentences[23_456] = "İt was in the bakeries that RYE and sourdough met."
    return " ".join(sentences)


@pytest.mark.parametrize("query", ["sourdough rye bakery", "Ryes SOURDOUGHS", "bakery"])
def test_in_a_very_long_text_the_best_sentence_is_found_as_if_all_were_looked_at(
    long_text, query, tmp_path
):
    assert len(long_text) > windows.LONG_TEXT
    with Index(tmp_path / "i", "none", language="en") as index:
        index.add([Document("long", long_text), Document("short", "Nothing of it.")])
        best = index.search(query)[0].spans[0]
        assert best.text == "İt was in the bakeries that RYE and sourdough met."
        assert long_text[best.span.start : best.span.end] == best.text
        assert index.search(query, grain="sentence")[0].spans[0].text == best.text


def test_a_very_long_text_is_looked_at_in_at_most_so_many_places(long_text):
    pieces = windows.spans(long_text, {"word1": 1.0, "rye": 2.0}, SENTENCES)
    assert sum(end - start for start, end in pieces) <= 3 * windows.BLOCKS * windows.BLOCK
    assert len(set(pieces)) == len(pieces)
    texts = [long_text[start:end] for start, end in pieces]
    assert texts.count("Here is Rye alone.") >= 40


def test_a_sentence_that_reaches_from_place_to_place_is_found_once():
    text = ("needle " + "straw " * 300) * 1_000
    assert len(text) > windows.LONG_TEXT
    pieces = windows.spans(text, {"needle": 1.0}, SENTENCES)
    assert sum("needle" in text[start:end] for start, end in pieces) >= windows.BLOCKS
    assert all(before[1] <= after[0] for before, after in pairwise(pieces))


def test_a_very_long_text_that_holds_no_word_of_the_query_is_looked_at_from_its_beginning(
    long_text,
):
    pieces = windows.spans(long_text, {"nowhere": 1.0}, SENTENCES)
    assert pieces == [span for span in SENTENCES.spans(long_text[:2000]) if span[0] < 1000]


@pytest.mark.parametrize(
    ("query", "begun"),
    [
        ("running", {"run": 1.0}),
        ("happiness", {"happ": 1.0}),
        ("the trees", {"tree": 1.0}),
        ("a b", {"b": 1.0}),
    ],
)
def test_words_begin_as_their_stem_does(query, begun):
    analyzer = Analyzer("en")
    parsed = plain(query, analyzer)
    weights = dict.fromkeys((term for term, _ in parsed.terms), 1.0)
    assert windows.beginnings(parsed, weights, analyzer) == begun


def test_the_terms_of_an_expanded_query_begin_words_too():
    analyzer = Analyzer("en")
    parsed = plain("trees", analyzer).weighing({"tree": 1.0, "forest": 0.5})
    found = windows.beginnings(parsed, {"tree": 2.0, "forest": 3.0}, analyzer)
    assert found == {"tree": 2.0, "forest": 3.0}
