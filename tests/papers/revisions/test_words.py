"""Changed words within sentences."""

from everygrain_papers.revisions.words import parts, words_of


def told(old, new):
    found = parts(old, new, 0, len(old), 0, len(new))
    return [(p.kind, old[p.old_start : p.old_end], p.inserted) for p in found if p.kind != "same"]


def test_words_are_replaced_inserted_and_deleted_as_a_whole():
    assert told("the bees fly home", "the wasps fly home") == [("replace", "bees", "wasps")]
    assert told("bees fly home", "bees fly straight home") == [("insert", "", "straight ")]
    assert told("bees always fly home", "bees fly home") == [("delete", " always", "")]


def test_a_short_word_between_two_changes_is_read_with_them():
    assert told("red bees of summer days", "blue wasps of winter days") == [
        ("replace", "red bees of summer", "blue wasps of winter")
    ]
    assert len(told("red bees gather summer honey", "blue wasps gather winter honey")) == 2


def test_offsets_start_where_the_stretches_start():
    old, new = "xx bees fly", "y wasps fly"
    found = parts(old, new, 3, len(old), 2, len(new))
    assert [(p.old_start, p.old_end, p.new_start, p.new_end) for p in found] == [
        (3, 7, 2, 7), (7, 11, 7, 11),
    ]  # fmt: skip


def test_numbers_and_hyphens_stay_whole():
    assert words_of("81.2 % of 1,024 state-of-the-art sets, we'd say") == [
        "81.2", "of", "1,024", "state-of-the-art", "sets", "we'd", "say",
    ]  # fmt: skip
