"""Sentences are exact, ordered and complete, whatever the text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain.segment.sentences import Sentences

PIECES = st.sampled_from(
    [
        *("Dr. ", "A bee. ", "Why? ", "no", "3.14 ", "[6] ", "1. ", "e.g. ", "- item", "!", "…"),
        *("\n", "\n\n", "\r\n", "\t", "\x00", "\x1f", "\u2028"),
        *('"', "“", "”", "(", ")", "é", "😀", "你好。"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


def sentences(text, language="en"):
    return [text[start:end] for start, end in Sentences(language).spans(text)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_spans_are_exact_ordered_and_cover_every_character_that_is_not_white(text):
    last = 0
    for start, end in Sentences().spans(text):
        assert last <= start < end
        assert text[start:end] == text[start:end].strip()
        assert text[last:start].strip() == ""
        last = end
    assert text[last:].strip() == ""


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Okafor met Mrs. Lindqvist at noon.", "They talked."],
        ["The value rose from 3.14 to 3.2 in a day.", "It fell again."],
        ["Hart et al. 2003 found none.", "We found two."],
        ["See Fig. 4 for the curve, i.e. the solid one.", "It is flat."],
        ["Is it late?", "Yes!", "Then go."],
        ["He lives in the U.S. and works from home.", "She does not."],
        ["The tide is low 🦀🦀.", "Crabs walk about."],
        ["The gulls left (nobody saw them go).", "The pier was empty."],
    ],
    ids=lambda sentences: sentences[0][:24],
)
def test_hand_made_sentences_come_apart_where_a_reader_parts_them(expected):
    assert sentences(" ".join(expected)) == expected


def test_sentences_inside_one_pair_of_quotes_come_apart():
    assert sentences('He said: "The boat is old. We need another. Sell it." Nobody spoke.') == [
        'He said: "The boat is old.',
        "We need another.",
        'Sell it."',
        "Nobody spoke.",
    ]


def test_an_abbreviation_inside_brackets_ends_nothing():
    assert sentences("Most crops failed (e.g. Barley and Dr. Hale's rye). Some grew.") == [
        "Most crops failed (e.g. Barley and Dr. Hale's rye).",
        "Some grew.",
    ]


def test_a_blank_line_ends_a_sentence_without_a_full_stop():
    assert sentences("A heading\n\nThe text under it") == ["A heading", "The text under it"]
    assert sentences("a\r\n \r\nb") == ["a", "b"]


def test_a_number_stays_with_the_line_that_it_counts():
    assert sentences("2.1. Methods of the survey\n\n3. Results") == [
        "2.1. Methods of the survey",
        "3. Results",
    ]


def test_a_note_mark_stays_with_the_sentence_before_it():
    assert sentences("The mill burnt down. [6]\n\nIt was rebuilt.") == [
        "The mill burnt down. [6]",
        "It was rebuilt.",
    ]


def test_a_text_without_punctuation_is_one_sentence():
    assert sentences("  just some words in a row ") == ["just some words in a row"]


@pytest.mark.parametrize("text", ["", " ", "\n\n\t \r\n", "\u00a0\u2003"])
def test_a_text_of_white_space_has_no_sentence(text):
    assert Sentences().spans(text) == []


def test_nul_bytes_and_lone_surrogates_are_characters_like_others():
    assert sentences("One\x00two. Three \ud800 four.") == ["One\x00two.", "Three \ud800 four."]


def test_another_language_has_its_own_abbreviations():
    text = "Das gilt z.B. hier und usw. dort. Es ist gut."
    assert sentences(text, "de") == ["Das gilt z.B. hier und usw. dort.", "Es ist gut."]


@pytest.mark.parametrize("language", ["", "EN", "en-GB", "english"])
def test_something_that_is_no_language_code_is_refused(language):
    with pytest.raises(InputError, match="language"):
        Sentences(language)


def test_a_segmenter_is_a_value():
    assert Sentences("de") == Sentences("de") != Sentences()
    assert repr(Sentences()) == "Sentences(language='en')"
    assert len({Sentences(), Sentences("en")}) == 1


@pytest.mark.parametrize(
    "piece",
    ["word ", "a", "[", "(", '"A. B ', "[x] ", "\n", "1. ", "- a\n", "A. ", "?! "],
    ids=repr,
)
def test_time_grows_with_length_and_not_with_its_square(piece):
    """Sixteen times the text may cost up to sixty-four times: the square would cost 256."""

    def cost(length):
        text = piece * (length // len(piece))
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            Sentences().spans(text)
            best = min(best, time.process_time() - start)
        return best

    assert cost(1_000_000) < 64 * max(cost(62_500), 0.002)


def test_boundaries_of_a_hand_split_page_are_nearly_all_found():
    page = [
        ["Keeping bees on a roof"],
        ["A hive weighs up to 60 kg in Aug. and half that in spring.", "Ask a builder first."],
        ['"Will it sting me?" my neighbour asked.', "I said no.", "I was wrong!"],
        ["1. Choose a flat place, approx. 2 m wide.", "Keep it dry."],
        ["2. Face the entrance south-east (see Fig. 2).", "Wind from the north chills them."],
        ["Prof. A. B. Castell [3] counted 1,204.5 visits per hour on average.", "Others differ."],
        ["Costs: $350.00 vs. $95 second-hand.", "Is it worth it?", "For us it was..."],
    ]
    text, ends = "", set()
    for paragraph in page:
        text += "\n\n" if text else ""
        for i, sentence in enumerate(paragraph):
            text += (" " if i else "") + sentence
            ends.add(len(text))
    found = {end for _, end in Sentences().spans(text)}
    assert 2 * len(found & ends) / (len(found) + len(ends)) >= 0.9
