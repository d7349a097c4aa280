"""Passages hold whole sentences, keep to the budget and lose nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain.segment.passages import Passages
from everygrain.segment.sentences import Sentences

WORDS = st.sampled_from(
    ["tide ", "Reef. ", "Sand? ", "3.5 ", "(salt) ", "\n\n", "well-kept ", "* "]
)
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=80).map("".join))


class Refusing:
    def spans(self, text):
        raise AssertionError("the sentences were asked for")


def passages(text, words, overlap=1):
    return [text[start:end] for start, end in Passages(words, overlap).spans(text)]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 12), st.integers(0, 4))
def test_passages_are_within_budget_advance_and_cover_every_character(text, words, overlap):
    covered, last = 0, (-1, 0)
    for start, end in Passages(words, overlap).spans(text):
        assert len(re.findall(r"\w+", text[start:end])) <= words
        assert text[start:end] == text[start:end].strip() != ""
        assert start > last[0]
        assert end > last[1]
        assert text[covered:start].strip() == ""
        covered, last = end, (start, end)
    assert text[covered:].strip() == ""


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=60).map("".join), st.integers(5, 15))
def test_passages_start_and_end_with_sentences_that_fit(text, words):
    sentences = Sentences().spans(text)
    if any(len(re.findall(r"\w+", text[start:end])) > words for start, end in sentences):
        return
    starts, ends = {start for start, _ in sentences}, {end for _, end in sentences}
    for start, end in Passages(words, 0).spans(text):
        if len(re.findall(r"\w+", text)) > words:
            assert start in starts
            assert end in ends


def test_sentences_are_packed_by_hand_as_by_the_program():
    text = "One two three. Four five. Six seven eight. Nine."
    assert passages(text, 5, 0) == ["One two three. Four five.", "Six seven eight. Nine."]
    assert passages(text, 5, 1) == [
        "One two three. Four five.",
        "Four five. Six seven eight.",
        "Six seven eight. Nine.",
    ]


def test_an_overlap_gives_way_where_the_budget_leaves_no_room():
    assert passages("One two three. Four five six. Seven.", 4, 2) == [
        "One two three.",
        "Four five six. Seven.",
    ]


def test_a_sentence_above_the_budget_is_cut_between_words():
    assert passages("one, two (three) four-five six", 3, 0) == ["one, two (three)", "four-five six"]
    assert passages("a-b-c", 2, 0) == ["a-b-", "c"]


def test_a_text_within_the_budget_is_one_passage_without_a_look_at_its_sentences():
    text = "  One two. Three four.\n\nFive. "
    segmenter = Passages(5, 1, Refusing())
    assert segmenter.spans(text) == [(2, len(text) - 1)]
    with pytest.raises(AssertionError):
        segmenter.spans(text + "six")


@pytest.mark.parametrize("text", ["", "  \n "])
def test_a_text_of_white_space_has_no_passage(text):
    assert Passages().spans(text) == []


def test_a_long_line_without_punctuation_is_cut_into_full_passages():
    text = "word " * 200_000
    spans = Passages(256).spans(text)
    assert len(spans) == -(-200_000 // 256)
    assert {end - start for start, end in spans[:-1]} == {256 * 5 - 1}


def test_a_budget_or_an_overlap_out_of_range_is_refused():
    with pytest.raises(InputError, match="words"):
        Passages(0)
    with pytest.raises(InputError, match="overlap"):
        Passages(10, -1)


def test_a_segmenter_is_a_value():
    assert Passages(64) == Passages(64) != Passages(65)
    assert len({Passages(), Passages(256, 1, Sentences("en"))}) == 1
