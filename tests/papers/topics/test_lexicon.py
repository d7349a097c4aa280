"""Terms of texts as rows: what loops over the words find, in the same columns."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain_papers.topics.lexicon import Lexicon
from everygrain_papers.topics.terms import split
from tests.papers.topics.groups import grouped

TEXTS = [f"{paper.title}. {paper.abstract}" for paper in grouped()[0]] + [
    "LiDAR scans of bees. lidar scans, LiDAR scans of ships; the ports of ships.",
    "", "the of and", "Bread's crusts / warm-hearted kitchens $x$ \\emph{bees}",
]  # fmt: skip


def terms_of(text):
    """Return the terms of one text by its own tokens: stems, and pairs of neighbours."""
    tokens = split([text])
    _, numbers, _ = tokens.grams
    return {" ".join(tokens.stems_of(int(number))) for number in numbers}


def loops(lexicon, texts):
    table = np.zeros((len(texts), len(lexicon.terms)))
    for row, text in enumerate(texts):
        held = terms_of(text)
        table[row] = [term in held for term in lexicon.terms]
    return table


def test_rows_hold_what_loops_over_the_words_find():
    lexicon, fitted = Lexicon.fit(TEXTS)
    assert len(lexicon.terms) > 30
    assert any(" " in term for term in lexicon.terms)
    assert (lexicon.held(TEXTS).toarray() == loops(lexicon, TEXTS)).all()
    assert (fitted.toarray() == loops(lexicon, TEXTS)).all()
    strangers = ["ships of bread cross bees", "nothing known", ""]
    assert (lexicon.held(strangers).toarray() == loops(lexicon, strangers)).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(
    ["bees", "Bees", "ship", "ships", "the", "LiDAR", "bread", ",", "9", "bee's"]
), max_size=8).map(" ".join), max_size=6))  # fmt: skip
def test_rows_of_any_texts_are_those_of_loops(texts):
    lexicon, fitted = Lexicon.fit(texts)
    assert (fitted.toarray() == loops(lexicon, texts)).all()
    assert (lexicon.held(texts[::-1]).toarray() == loops(lexicon, texts[::-1])).all()


def test_a_lexicon_without_terms_has_rows_without_columns():
    lexicon, _ = Lexicon.fit([])
    assert lexicon.held(["some bees"]).shape == (1, 0)
    assert lexicon.rows(["some bees"]).shape == (1, 0)


def test_a_term_is_shown_as_it_is_mostly_written_and_of_equals_as_it_was_first():
    lexicon, _ = Lexicon.fit(["LiDAR scans", "lidar scans", "LiDAR scan", "Scan depth", "depth"])
    shown = dict(zip(lexicon.terms, lexicon.written, strict=True))
    assert shown == {
        "lidar": "LiDAR", "scan": "scans", "lidar scan": "LiDAR scans", "depth": "depth",
    }  # fmt: skip


def test_terms_are_written_as_the_most_frequent_of_their_phrases():
    lexicon, _ = Lexicon.fit(TEXTS)
    tokens = split(TEXTS)
    for term, shown in zip(lexicon.terms, lexicon.written, strict=True):
        number = tokens.number(tuple(term.split(" ")))
        size = len(term.split(" "))
        forms = tokens.phrase(tokens.occurrences(number), size, longest=size)
        assert shown == " ".join(tokens.forms[form] for form in forms)


def test_rows_have_length_one_and_the_rarities_of_their_terms():
    lexicon, _ = Lexicon.fit(TEXTS)
    rows = lexicon.rows(TEXTS).toarray()
    for row, text in zip(rows, TEXTS, strict=True):
        wanted = np.array([
            rarity if term in terms_of(text) else 0
            for term, rarity in zip(lexicon.terms, lexicon.rarity, strict=True)
        ])  # fmt: skip
        length = np.sqrt((wanted**2).sum())
        assert row == pytest.approx(wanted / length if length else wanted)
    assert not re.search(r"[A-Z]", "".join(lexicon.terms))
