"""A line end that was meant ends a sentence; one that only keeps a line short does not."""

from everygrain.segment.lines import meant_line_ends
from everygrain.segment.sentences import Sentences


def sentences(text):
    return [text[start:end] for start, end in Sentences().spans(text)]


def test_hard_wrapped_prose_stays_whole():
    text = "The ferry to the northern\nislands leaves at six and\nMrs. Vane waits for it."
    assert meant_line_ends(text) == []
    assert sentences(text) == [text]


def test_a_short_line_above_a_long_one_is_a_heading():
    assert sentences("Ferries\nThe boat leaves at six in the morning") == [
        "Ferries",
        "The boat leaves at six in the morning",
    ]


def test_list_items_are_sentences():
    text = "Bring:\n- a coat\n- two apples\n* string\n1. first\n2) second"
    assert sentences(text) == [
        "Bring:",
        "- a coat",
        "- two apples",
        "* string",
        "1. first",
        "2) second",
    ]


def test_a_line_that_goes_on_in_small_letters_is_no_end():
    assert meant_line_ends("Short\nand it goes on for a long while here") == []


def test_offsets_point_at_the_new_lines_first_place():
    text = "Head\n\nA first line of some width\nB"
    assert [text[end] for end in meant_line_ends(text)] == ["A"]
    assert meant_line_ends("no line end") == []
