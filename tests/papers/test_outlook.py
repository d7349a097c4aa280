"""The outlook is made from the record, kept, made anew when enough came, and mends itself."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from everygrain_papers.outlook import LEAST_NEW, _newest, is_due, kept, make, outlook_of
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import Deleted

from .collection import SUBJECTS, papers

TODAY = date(2026, 6, 1)


def dated(given):
    """Return papers spread over 2020 to 2026, the subject "clocks" mostly in the last year."""
    found = []
    for n, paper in enumerate(given):
        late = paper.keywords == ("clocks",)
        year = 2026 if late and n % 8 else 2020 + n % 7
        found.append(replace(paper, year=year, date=None))
    return found


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with ReadingRoom(tmp_path_factory.mktemp("outlook") / "room", encoder="latent") as made:
        made.papers.put(dated(papers(60)))
        made.index_waiting()
        yield made


def test_what_rises_is_what_was_made_to_rise_and_its_papers_hold_it(room):
    outlook = make(room, TODAY)
    rising = " ".join(trend.name for trend in outlook.terms).lower()
    assert any(word in rising for word in ("clock", "mercury", "pendulum", "tower", "drift"))
    assert not any(word in rising for word in ("bread", "dough", "birds", "rivers"))
    for trend in outlook.terms:
        assert trend.low > 1
        assert {room.papers.get(i).keywords for i in trend.papers} == {("clocks",)}
    assert outlook.papers
    assert room.papers.get(outlook.papers[0].papers[0]).year == 2026
    assert "2026" in outlook.notes[0]


def test_topics_are_the_subjects(room):
    outlook = make(room, TODAY)
    inside = Counter(
        (number, room.papers.get(identity).keywords)
        for identity, number in outlook.topic_of.items()
    )
    largest = Counter(number for number, _ in inside.elements()).most_common(4)
    pure = sum(max(inside[number, (each,)] for each in SUBJECTS) for number, _ in largest)
    assert pure == sum(size for _, size in largest)
    assert len(set(outlook.names.values())) == len(outlook.names)


def test_an_outlook_is_kept_as_it_is_until_enough_came(room):
    first = make(room, TODAY)
    assert kept(room) == first
    assert outlook_of(room, first.made.date()) == first
    room.papers.put([Paper("one", "One more paper", date="2026-03-01")])
    room.index_waiting()
    assert not is_due(room, first, first.made.date())
    assert is_due(room, first, date(2099, 1, 1))
    room.papers.put([Paper(f"more{n}", f"Paper number {n}") for n in range(LEAST_NEW)])
    assert is_due(room, first, first.made.date())
    room.papers.put([Deleted("one"), *(Deleted(f"more{n}") for n in range(LEAST_NEW))])
    room.index_waiting()


def test_counting_what_changed_is_the_same_as_counting_all(room):
    make(room, TODAY)
    was = room.papers.get("bread-0")
    room.papers.put([replace(was, abstract="Quite another text on ovens."), Deleted("birds-1")])
    room.index_waiting()
    changed = make(room, TODAY)
    room.papers.set_value("outlook terms", None)
    assert make(room, TODAY).terms == changed.terms
    room.papers.put([was, papers(2)[5]])
    room.index_waiting()


def test_damaged_files_are_made_anew(room):
    whole = make(room, TODAY)
    folder = room.folder / "outlook"
    for path in folder.rglob("*.*"):
        if path.is_file():
            path.write_bytes(b"broken")
    assert kept(room) is None
    again = outlook_of(room, TODAY)
    assert (again.terms, again.names) == (whole.terms, whole.names)
    (folder / "outlook.json").write_text(json.dumps({"made": 3}), encoding="utf-8")
    assert kept(room) is None


def test_an_empty_room_has_an_outlook_that_says_so(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as empty:
        outlook = make(empty, TODAY)
        assert outlook.notes == ("The room is empty.",)
        assert outlook.terms == outlook.papers == ()


@pytest.mark.parametrize(
    ("odd", "newest"),
    [
        ({"date": "2026-02"}, date(2026, 2, 28)),
        ({"date": "2026-06"}, TODAY),
        ({"year": 2026}, TODAY),
        ({"date": "2099-01-01"}, date(2024, 5, 2)),
        ({"year": 2099}, date(2024, 5, 2)),
        ({"year": 2099, "date": "2099-01"}, date(2024, 5, 2)),
        ({}, date(2024, 5, 2)),
    ],
)
def test_no_date_of_the_future_or_of_no_calendar_moves_the_windows(tmp_path, odd, newest):
    old = Paper("old", "An old loaf", "We bake.", date="2024-05-02")
    strange = Paper("odd", "An odd loaf", "We bake.", **odd)
    assert _newest([strange, old], TODAY) == newest
    with ReadingRoom(tmp_path / "room", encoder="latent") as own:
        own.papers.put([strange, old])
        own.index_waiting()
        assert make(own, TODAY).notes


def test_papers_that_are_not_indexed_yet_have_an_outlook_without_topics(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as room:
        room.papers.put(dated(papers(20)))
        outlook = make(room, TODAY)
        assert outlook.names == {}
        assert "once papers are indexed" in " ".join(outlook.notes)
