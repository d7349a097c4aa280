"""A reader's own labels fit the papers that are like their examples, and are kept."""

from datetime import date

import pytest

from everygrain.errors import InputError
from everygrain_papers.outlook import make, outlook_of
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources.cards import Cards
from everygrain_papers.tags import MOST_LABELS, add_label, labels_of, remove_label, tagged

from .collection import papers

TODAY = date(2026, 6, 1)


@pytest.fixture
def room(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as made:
        made.papers.put(papers(20))
        made.index_waiting()
        yield made


def test_papers_like_the_examples_get_the_label_far_more_often_than_others(tmp_path):
    with ReadingRoom(tmp_path / "cards", encoder="latent") as cards:
        cards.ingest(Cards())
        every = list(cards.papers.papers())
        areas = ("vision", "rag", "entity-linking-matching", "text-embedding")
        examples = {area: [p.id for p in every if p.keywords[0] == area][:4] for area in areas}
        for area, known in examples.items():
            add_label(cards, area, known)
        notes = []
        tags = tagged(cards, every, notes)
        given = {i for known in examples.values() for i in known}
        right = wrong = 0
        for paper in every:
            for name in tags.get(paper.id, ()) if paper.id not in given else ():
                right += paper.keywords[0] == name
                wrong += paper.keywords[0] != name
        usual = sum(p.keywords[0] in areas and p.id not in given for p in every) / 4 / len(every)
        assert right >= 5
        assert right / (right + wrong) > 4 * usual
        assert "4 labels" in notes[0]


def test_an_example_has_its_label_and_a_paper_may_have_several(room):
    add_label(room, "odd", ["bread-3"])
    add_label(room, "even odder", ["bread-3", "clocks-3"])
    tags = tagged(room, list(room.papers.papers()), [])
    assert set(tags["bread-3"]) >= {"odd", "even odder"}


def test_labels_are_part_of_the_outlook_which_is_due_when_they_change(room):
    first = make(room, TODAY)
    assert first.tags == {}
    add_label(room, "water", ["rivers-0", "rivers-1"])
    second = outlook_of(room, first.made.date())
    assert second.labels == {"water": ["rivers-0", "rivers-1"]}
    assert second.tags["rivers-0"] == ("water",)
    assert outlook_of(room, first.made.date()) == second
    remove_label(room, "water")
    assert outlook_of(room, first.made.date()).tags == {}


def test_labels_that_make_no_sense_are_refused(room):
    for name in ("", "   ", "x" * 81):
        with pytest.raises(InputError, match="label"):
            add_label(room, name)
    with pytest.raises(InputError, match="no paper 'nobody'"):
        add_label(room, "water", ["nobody"])
    with pytest.raises(InputError, match="no label 'fire'"):
        remove_label(room, "fire")
    assert labels_of(room) == {}
    for number in range(MOST_LABELS):
        add_label(room, f"label {number}")
    with pytest.raises(InputError, match="more than"):
        add_label(room, "one more")
    assert len(labels_of(room)) == MOST_LABELS


def test_an_example_that_was_withdrawn_is_passed_over(room):
    from everygrain_papers.sources import Deleted

    add_label(room, "water", ["rivers-0", "rivers-1"])
    room.papers.put([Deleted("rivers-0")])
    room.index_waiting()
    tags = tagged(room, list(room.papers.papers()), [])
    assert "rivers-0" not in tags
    assert tags["rivers-1"] == ("water",)
