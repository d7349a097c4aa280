"""Links of mails: looking at them does nothing, their button does what was signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from everygrain_papers.digest import Links, enrol, subscription
from everygrain_papers.people import People

from .reading_room import Reader

NOW = datetime.now(UTC)
PRESSED = {"List-Unsubscribe": "One-Click"}  # what the button of the page sends


def links_of(people: People, user: str, now: datetime = NOW) -> Links:
    return Links("http://localhost", people.secret, user, now)


def path_of(link: str) -> str:
    return urlsplit(link).path


@pytest.mark.parametrize("kind", ["like", "dislike"])
def test_a_scanner_of_mails_that_follows_a_link_marks_nothing(
    reader: Reader, people: People, kind: str
) -> None:
    user = people.single().id
    interest = people.add_interest(user, "Water")
    link = links_of(people, user).mark(kind, "rivers-1", interest.id)  # type: ignore[arg-type]
    answer = reader.get(path_of(link))
    assert answer.status_code == 200
    assert "On flooding of rivers, part 2" in answer.text
    assert people.interest(user, interest.id) == interest
    done = reader.client.post(path_of(link), data=PRESSED)
    assert done.status_code == 200
    found = people.interest(user, interest.id)
    assert {"like": found.liked, "dislike": found.disliked}[kind] == ("rivers-1",)


def test_a_link_of_another_purpose_forged_or_old_does_nothing(
    reader: Reader, people: People
) -> None:
    user = people.single().id
    interest = people.add_interest(user, "Water")
    good = path_of(links_of(people, user).mark("like", "rivers-1", interest.id))
    old = links_of(people, user, NOW - timedelta(days=400)).mark("like", "rivers-1", interest.id)
    token = good.rsplit("/", 1)[1]
    for path in (
        f"/digest/dislike/{token}", f"/digest/unsubscribe/{token}", good[:-1], good + "A",
        "/digest/like/x", path_of(old),
    ):  # fmt: skip
        for answer in (reader.get(path), reader.client.post(path, data=PRESSED)):
            assert answer.status_code == 400, path
            assert "link" in answer.text
    assert people.interest(user, interest.id) == interest


def test_one_post_of_a_mail_program_unsubscribes(reader: Reader, people: People) -> None:
    user = people.single().id
    enrol(people, user, "ada@example.org", NOW)
    path = path_of(links_of(people, user).unsubscribe("ada@example.org"))
    assert "Unsubscribe" in reader.get(path).text
    assert subscription(people, user).state == "confirmed"
    foreign = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
    assert reader.client.post(path, data=PRESSED, headers=foreign).status_code == 200
    assert subscription(people, user).state == "off"
    assert reader.client.post(path, data=PRESSED).status_code == 200


def test_a_mail_programs_post_may_be_of_several_parts(reader: Reader, people: People) -> None:
    user = people.single().id
    enrol(people, user, "ada@example.org", NOW)
    path = path_of(links_of(people, user).unsubscribe("ada@example.org"))
    answer = reader.client.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert subscription(people, user).state == "off"
