import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import MeasureError
from everygrain.measure.keywords import (
    RULES,
    Keywords,
    Recall,
    characters,
    extract,
    lost_at,
    recall_in_answer,
    recall_in_chunks,
    stems,
    words,
)

ASKED = Keywords(("Curie",), (("Nobel Prize", "1903"), ("physics",), ("radium", "polonium")))
CHUNKS = [
    "Marie Curie won the Nobel prize in 1903.",
    "Radium and polonium glow.",  # holds no coarse keyword
    "Curie studied physics; she isolated radium.",
]


def test_a_small_case_is_worked_out_by_hand():
    found = recall_in_chunks(ASKED, CHUNKS, words)
    assert found == Recall(1.0, 4 / 5, 2 / 3, ("polonium",))
    assert not found.complete
    assert recall_in_chunks(ASKED, CHUNKS[:2], words) == Recall(
        1.0, 2 / 5, 1 / 3, ("physics", "radium", "polonium")
    )
    assert recall_in_chunks(ASKED, CHUNKS[1:2], words).coarse == 0
    assert recall_in_chunks(ASKED, [], words) == Recall(0.0, 0.0, 0.0, ASKED.fine)


def test_an_answer_need_not_hold_a_coarse_keyword():
    found = recall_in_answer(ASKED, "Radium, polonium and physics.", words)
    assert found == Recall(0.0, 3 / 5, 2 / 3, ("Nobel Prize", "1903"))


def test_without_coarse_keywords_every_chunk_counts():
    free = Keywords((), ASKED.points)
    assert recall_in_chunks(free, CHUNKS, words) == Recall(1.0, 1.0, 1.0, ())


@pytest.mark.parametrize(
    ("keyword", "text", "held"),
    [
        ("art", "start", {"characters"}),
        ("art", "Art.", {"words", "stems", "characters"}),
        ("cells divide", "The cell divided", {"stems"}),
        ("state-of-the-art", "state of the art", {"words", "stems", "characters"}),
        ("Nobel prize", "nobel peace prize", set()),
        ("prize Nobel", "Nobel prize", set()),
        ("Straße", "STRASSE", {"words", "stems", "characters"}),
        ("ﬁne", "a fine day", {"words", "stems", "characters"}),
    ],
)
def test_each_rule_matches_what_it_says(keyword, text, held):
    asked = Keywords((), ((keyword,),))
    assert {n for n, rule in RULES.items() if recall_in_answer(asked, text, rule).complete} == held


def joined(text):
    return re.sub(r"[^\w\u4e00-\u9fa5]+", "", text).lower()


def as_in_the_source(keywords, chunks):
    """Score as the source's program does: chunks with a coarse keyword joined, then points."""
    kept = "".join(
        joined(chunk)
        for chunk in chunks
        if any(joined(keyword) in joined(chunk) for keyword in keywords.coarse)
    )
    hits = [all(joined(keyword) in kept for keyword in point) for point in keywords.points]
    return sum(hits) / len(hits)


WORD = st.sampled_from(["red", "blue", "car", "Sea-side", "x1"])
TEXT = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
POINTS = st.lists(st.lists(WORD, min_size=1, max_size=2), min_size=1, max_size=3)


@given(st.lists(WORD, min_size=1, max_size=2), POINTS, st.lists(TEXT, max_size=4))
@settings(max_examples=200, deadline=None)
def test_points_by_characters_equal_the_program_of_the_source(coarse, points, chunks):
    # None of these words can arise where two chunks are joined.
    keywords = Keywords(tuple(coarse), tuple(tuple(point) for point in points))
    found = recall_in_chunks(keywords, chunks, characters)
    assert found.points == pytest.approx(as_in_the_source(keywords, chunks))


def test_a_score_holds_however_the_chunks_are_cut_between_keywords():
    pieces = ["Curie won the Nobel prize", "Curie in 1903", "Curie: physics", "Curie: radium"]
    whole = recall_in_chunks(ASKED, [" ".join(pieces)])
    for cuts in itertools.product((False, True), repeat=3):
        chunks = [pieces[0]]
        for piece, cut in zip(pieces[1:], cuts, strict=True):
            chunks = [*chunks, piece] if cut else [*chunks[:-1], f"{chunks[-1]} {piece}"]
        assert recall_in_chunks(ASKED, chunks) == whole


def test_the_first_stage_that_lacks_a_keyword_lost_it_unless_it_came_back():
    stages = {
        "retrieved": recall_in_chunks(ASKED, CHUNKS),
        "reranked": recall_in_chunks(ASKED, CHUNKS[:1]),
        "answer": recall_in_answer(ASKED, "In 1903, for work on physics."),
    }
    assert lost_at(stages) == {
        "Nobel Prize": "answer", "radium": "reranked", "polonium": "retrieved",
    }  # fmt: skip
    with pytest.raises(MeasureError, match="no stage"):
        lost_at({})


def test_extracted_keywords_are_the_content_words_that_are_new():
    found = extract(
        "When did Curie win the prize?", "Curie won it in 1903. The prizes honoured radiation."
    )
    assert found == Keywords(
        ("curie", "win", "prize"), (("won", "1903"), ("honoured", "radiation"))
    )
    assert recall_in_chunks(found, ["In 1903 Curie won."], stems) == Recall(
        1 / 3, 2 / 4, 1 / 2, ("honoured", "radiation")
    )


def test_an_answer_without_a_word_of_its_own_gives_no_keywords():
    with pytest.raises(MeasureError, match="no word of its own"):
        extract("Does it rain?", "It rains.")


@pytest.mark.parametrize(
    ("coarse", "points", "said"),
    [
        ((), (), "no point"),
        ((), ((),), "no point"),
        ("Curie", (("x",),), "no tuple"),
        ((), ("x",), "no tuple"),
        ((), (("!",),), "no letter"),
        (("?",), (("x",),), "no letter"),
    ],
)
def test_keywords_that_cannot_be_looked_for_are_an_error(coarse, points, said):
    with pytest.raises(MeasureError, match=said):
        Keywords(coarse, points)


def test_one_string_is_no_list_of_chunks():
    with pytest.raises(MeasureError, match="One string"):
        recall_in_chunks(ASKED, "Curie")
