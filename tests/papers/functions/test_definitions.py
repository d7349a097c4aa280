"""Definitions: which are found, which are not, and exact offsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain import Document
from everygrain.errors import InputError
from everygrain_papers.functions.abbreviations import abbreviations
from everygrain_papers.functions.definitions import find


def pairs(text):
    document = Document("a", text)
    return [(found.form, *found.of(document)) for found in find(document)]


@pytest.mark.parametrize(
    ("text", "form", "term", "definition"),
    [
        ("We use a bee colony network (BCN) here.", "abbreviation", "BCN", "bee colony network"),
        ("We count with BCN (bee colony network).", "abbreviation", "BCN", "bee colony network"),
        ("Flows of colony networks (CNs) differ.", "abbreviation", "CNs", "colony networks"),
        ("The center of flight (CoF) moves.", "abbreviation", "CoF", "center of flight"),
        ("Use an extensible hive (XH) now.", None, "", ""),
        (
            "We define swarm drift as the mean distance of bees from their hive.",
            "defined", "swarm drift", "the mean distance of bees from their hive",
        ),
        (
            "Swarm drift refers to the mean distance of bees, but nobody has measured it.",
            "defined", "Swarm drift", "the mean distance of bees",
        ),
        (
            "We propose a counter of bees at the door, called HiveEye, for beginners.",
            "named", "HiveEye", "a counter of bees at the door",
        ),
        (
            "We present HiveEye, a camera that counts bees in the dark.",
            "introduced", "HiveEye", "a camera that counts bees in the dark",
        ),
        (
            "Bee dancing is a language of movements that tells where food lies.",
            "is a", "Bee dancing", "a language of movements that tells where food lies",
        ),
    ],
)  # fmt: skip
def test_each_form_gives_its_term_and_definition(text, form, term, definition):
    wanted = [(form, term, definition)] if form else []
    assert pairs(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "It is a camera that counts bees.",  # a pronoun
        "Our method is a camera that counts bees.",  # a word that only points
        "Counting bees is an important task for farmers.",  # an appraisal
        "A bee camera is a bee camera that counts.",  # in a circle
        "Please refer to the appendix for more about bees.",
        "The hive (see Figure 2) is small.",
        "The hive (2019) and others (ABC) stand here.",
        "We present results, a few of them new.",
    ],
)
def test_what_only_looks_like_a_definition_is_left_out(text):
    assert pairs(text) == []


def test_spans_point_into_the_text_as_it_came():
    text = "  Bees fly.\n\nWe use\tgraph  colony network (GCN).  HiveEye is a camera that counts."
    document = Document("a", text)
    first, second = find(document)
    assert first.of(document) == ("GCN", "graph  colony network")
    assert text[second.term.start : second.term.end] == "HiveEye"
    assert second.definition.of(document) == "a camera that counts"
    with pytest.raises(InputError):
        first.of(Document("b", text))


def test_initials_win_over_letters_and_small_words_are_passed_over():
    text = "an Attitude and Heading Reference System (AHRS)"
    ((short, long),) = abbreviations(text)
    assert (text[slice(*short)], text[slice(*long)]) == (
        "AHRS",
        "Attitude and Heading Reference System",
    )


def by_letters(short, words):
    """Every run of words up to the end whose letters hold the abbreviation, in order."""
    for first in range(len(words) - 1, -1, -1):
        letters = iter("".join(words[first:]).casefold())
        if words[first][0].casefold() == short[0].casefold() and all(
            c in letters for c in short.casefold()
        ):
            return " ".join(words[first:])
    return None


@given(st.lists(st.text("abcd", min_size=1, max_size=4), min_size=1, max_size=5))
def test_a_long_form_found_always_holds_the_letters_in_order(words):
    text = f"{' '.join(words)} (ABC)"
    for short, long in abbreviations(text):
        assert text[slice(*short)] == "ABC"
        assert by_letters("ABC", text[slice(*long)].split()) == text[slice(*long)]


@pytest.mark.parametrize(
    "text", ["", "(" * 20_000, "is a " * 20_000, "(AB) " * 20_000, "a" * 10**6]
)
def test_hostile_texts_end_and_give_nothing(text):
    assert pairs(text) == []
