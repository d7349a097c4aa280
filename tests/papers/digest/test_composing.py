"""What goes into a digest: what arrived, by interest, with reasons, and nothing twice."""

from datetime import datetime, timedelta

import pytest

from everygrain.errors import InputError
from everygrain_papers.digest import outbox
from everygrain_papers.digest.composing import compose
from everygrain_papers.digest.rendering import render_html, render_text
from everygrain_papers.digest.subscriptions import choose
from everygrain_papers.paper import Paper

from .made import NOW, papers

DAY = timedelta(days=1)


def ids(digest):
    return {pick.paper.id for _, pick in digest.picks()}


def by_interest(digest):
    return {section.name: [pick.paper.id for pick in section.picks] for section in digest.sections}


def keep(people, digest, slot="2026-11-21", state="sent", now=NOW):
    return outbox.put(people, digest, slot, state, now)


def test_an_unknown_reader_and_a_time_without_a_zone_are_refused(shared_room, people, reader):
    with pytest.raises(InputError):
        compose(shared_room, people, type(reader)("nobody", "Nobody"), NOW)
    with pytest.raises(InputError, match="zone"):
        compose(shared_room, people, reader, datetime(2026, 11, 21))


def test_only_what_arrived_since_the_last_digest_is_looked_at(shared_room, people, reader):
    found = compose(shared_room, people, reader, NOW)
    assert found.considered == 20
    assert (found.since, found.until) == (NOW - 7 * DAY, NOW)
    assert ids(found)
    assert all(int(paper.partition(":")[2]) >= 50 for paper in ids(found))


def test_each_interest_has_its_own_papers_with_reasons(shared_room, people, reader):
    found = compose(shared_room, people, reader, NOW)
    listed = by_interest(found)
    assert list(listed) == ["Dense retrieval", "Forest birds"]
    assert {paper.partition(":")[0] for paper in listed["Dense retrieval"]} == {"retrieval"}
    assert {paper.partition(":")[0] for paper in listed["Forest birds"]} == {"birds"}
    for section, pick in found.picks():
        liked = section.name == "Dense retrieval"
        assert ("which you liked" if liked else "which you began with") in pick.reasons[0]
        keyword = "retrieval" if liked else "birds"
        assert pick.reasons[1] == f"Holds your keywords: {keyword}."


def test_a_digest_holds_at_most_as_many_papers_as_its_reader_chose(shared_room, people, reader):
    choose(people, reader.id, papers=3)
    assert len(compose(shared_room, people, reader, NOW)) == 3


def test_what_was_sent_never_comes_back_and_the_next_digest_begins_there(
    shared_room, people, reader
):
    first = compose(shared_room, people, reader, NOW - timedelta(minutes=50))
    keep(people, first, now=NOW - timedelta(minutes=50))
    second = compose(shared_room, people, reader, NOW)
    assert second.since == first.until
    assert not ids(first) & ids(second)


@pytest.mark.parametrize(
    ("state", "comes_back"),
    [
        ("composed", False), ("sending", False), ("sent", False), ("uncertain", False),
        ("refused", True), ("withdrawn", True),
    ],
)  # fmt: skip
def test_papers_come_back_only_of_a_digest_that_nobody_can_have(
    shared_room, people, reader, state, comes_back
):
    first = compose(shared_room, people, reader, NOW)
    keep(people, first, state=state)
    again = compose(shared_room, people, reader, NOW + timedelta(minutes=5))
    assert (ids(again) == ids(first)) == comes_back
    assert comes_back or not ids(again) & ids(first)


def test_papers_seen_liked_or_disliked_never_come(shared_room, people, reader):
    known = sorted(ids(compose(shared_room, people, reader, NOW)))
    retrieval = people.interests(reader.id)[0]
    people.see(reader.id, known[:2])
    people.mark(reader.id, known[2], retrieval.id, "like")
    people.mark(reader.id, known[3], retrieval.id, "dislike")
    assert not ids(compose(shared_room, people, reader, NOW)) & set(known[:4])


def test_what_is_no_nearer_than_ordinary_papers_makes_no_digest(room, people):
    user = people.single()
    people.add_interest(user.id, "Dense retrieval", liked=["retrieval:1", "retrieval:2"])
    room.papers.put(papers(50, 5, "birds"), NOW - DAY)
    room.index_waiting()
    found = compose(room, people, user, NOW)
    assert (len(found), found.considered) == (0, 5)


def test_an_interest_without_a_near_paper_takes_none_from_another(room, people, reader):
    new = papers(50, 6, "retrieval")
    room.papers.put(new, NOW - DAY)
    room.index_waiting()
    found = compose(room, people, reader, NOW)
    assert [section.name for section in found.sections] == ["Dense retrieval"]
    assert ids(found) == {paper.id for paper in new}
    scores = [pick.score for _, pick in found.picks()]
    assert scores == sorted(scores, reverse=True)


def test_a_reader_without_interests_gets_nothing(shared_room, people):
    found = compose(shared_room, people, people.single(), NOW)
    assert (len(found), found.considered, found.sections) == (0, 20, ())
    assert "You follow nothing yet" in render_text(found)
    assert "You follow nothing yet" in render_html(found)


def test_what_came_before_the_first_interest_is_in_the_first_digest_with_one(shared_room, people):
    user = people.single()
    keep(people, compose(shared_room, people, user, NOW), state="empty")
    people.add_interest(user.id, "Birds", keywords=["birds"])
    later = compose(shared_room, people, user, NOW + DAY)
    assert later.considered == 20
    assert len(ids(later)) == 10


def test_a_clock_that_was_wrong_once_does_not_stop_digests(shared_room, people, reader):
    future = compose(shared_room, people, reader, NOW + 3650 * DAY)
    keep(people, future, "2036-11-18", "empty", NOW + 3650 * DAY)
    assert len(compose(shared_room, people, reader, NOW)) > 0


def test_another_version_of_a_paper_that_was_sent_does_not_come(room, people, reader):
    room.papers.put(papers(50, 3, "retrieval"), NOW - DAY)
    room.index_waiting()
    first = compose(room, people, reader, NOW)
    preprint = next(pick.paper for _, pick in first.picks())
    keep(people, first)
    told = preprint.record() | {"id": "doi:10.1/x", "venue": "A Journal", "doi": "10.1/x"}
    published = Paper(**told | {k: tuple(told[k]) for k in ("authors",)})
    room.papers.put([published, *papers(60, 2, "retrieval")], NOW + DAY)
    room.index_waiting()
    assert room.papers.works([published.id])[published.id] == preprint.id
    second = compose(room, people, reader, NOW + 2 * DAY)
    assert second.considered == 3
    assert published.id not in ids(second)
    assert ids(second)


def test_a_paper_that_no_index_holds_yet_waits_for_the_next_digest(room, people, reader):
    room.papers.put(papers(50, 5, "retrieval"), NOW - timedelta(hours=5))
    room.index_waiting()
    room.papers.put(papers(60, 5, "retrieval"), NOW - timedelta(hours=2))
    first = compose(room, people, reader, NOW)
    keep(people, first)
    assert first.until == NOW - timedelta(hours=2)
    assert first.considered == 5
    room.index_waiting()
    second = compose(room, people, reader, NOW + timedelta(hours=1))
    assert second.since == first.until
    assert {f"retrieval:{n}" for n in range(60, 65)} & ids(second)


def test_a_paper_that_became_visible_after_the_last_look_is_not_lost(room, people, reader):
    keep(people, compose(room, people, reader, NOW), state="empty")
    room.papers.put(papers(50, 5, "retrieval"), NOW - timedelta(minutes=5))  # committed late
    room.index_waiting()
    assert ids(compose(room, people, reader, NOW + DAY))
