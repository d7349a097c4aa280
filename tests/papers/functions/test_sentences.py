"""Sentences are offsets, and nothing but white space lies outside."""

from hypothesis import given
from hypothesis import strategies as st

from everygrain_papers.functions.sentences import split


def texts(text):
    return [text[start:end] for start, end in split(text)]


def test_marks_after_abbreviations_and_initials_end_no_sentence():
    text = 'We use bees, e.g. Apis, as in Fig. 2 by J. Doe et al. (2019). It "works." Does it? Yes'
    assert texts(text) == [
        "We use bees, e.g. Apis, as in Fig. 2 by J. Doe et al. (2019).",
        'It "works."',
        "Does it?",
        "Yes",
    ]


def test_a_blank_line_ends_a_sentence_and_a_decimal_does_not():
    assert texts("A share of 3.5 is low\n\nIt rose to 4.1 later.") == [
        "A share of 3.5 is low",
        "It rose to 4.1 later.",
    ]


@given(st.text(alphabet="aB.!? \n(\t1é", max_size=80))
def test_every_character_that_is_no_space_lies_in_one_sentence(text):
    covered = [i for start, end in split(text) for i in range(start, end)]
    assert len(covered) == len(set(covered))
    assert {i for i, c in enumerate(text) if not c.isspace()} <= set(covered)
    assert all(part == part.strip() and part for part in texts(text))


def test_a_sentence_without_end_is_cut_and_nothing_is_lost():
    text = "bee " * 5000
    assert "".join(texts(text)).replace(" ", "") == "bee" * 5000
    assert max(len(part) for part in texts(text)) <= 2000
