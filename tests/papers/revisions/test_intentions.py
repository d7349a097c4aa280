"""Guesses of intentions by rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain_papers.revisions.intentions import guess, letters_apart


@pytest.mark.parametrize(
    ("old", "new", "intention"),
    [
        (", ", "; ", "format"),
        ("Bees", "bees", "format"),
        ("recieve", "receive", "typo or grammar"),
        ("method", "methods", "typo or grammar"),
        ("", "the ", "typo or grammar"),
        ("81.2", "83.5", "numbers changed"),
        ("three of 81 bees", "many of the 83 wasps", "numbers changed"),
        ("shows", "may suggest", "claim weakened"),
        ("may ", "", "claim strengthened"),
        ("", "significantly ", "claim strengthened"),
        ("always ", "often ", "claim weakened"),
        ("", "Nobody knows how bees count flowers.", "content added"),
        ("Nobody knows how bees count flowers.", "", "content removed"),
        ("", "honey ", "content added"),
        ("use a tiny camera", "film the garden", "rephrased"),
    ],
)
def test_each_rule_guesses_its_intention(old, new, intention):
    assert guess(old, new) == intention


def test_letters_apart_are_counted_with_swaps():
    assert letters_apart("recieve", "receive") == 1
    assert letters_apart("bees", "") == 4
    assert letters_apart("kitten", "sitting") == 3
    assert letters_apart("", "") == 0


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_letters_apart_are_a_distance(one, other):
    apart = letters_apart(one, other)
    assert apart == letters_apart(other, one)
    assert (apart == 0) == (one == other)
    assert abs(len(one) - len(other)) <= apart <= max(len(one), len(other))
