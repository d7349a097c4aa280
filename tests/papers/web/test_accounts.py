"""Readers with accounts: each sees what is their own, and nobody gets in by guessing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from everygrain_papers.people import People
from everygrain_papers.people.limits import Rate
from everygrain_papers.room import ReadingRoom
from everygrain_papers.tags import add_label, labels_of, remove_label
from everygrain_papers.web import Settings
from everygrain_papers.web.rendering import paper_address

from .reading_room import PREPRINT, Reader
from .test_pages import PAGES

PASSWORD = "a tail of dust and ice"
Visitors = Callable[[], Reader]


def log_in(reader: Reader, name: str, password: str = PASSWORD) -> Reader:
    reader.get("/login")
    reader.post("/login", {"name": name, "password": password})
    return reader


def test_nobody_reads_anything_without_logging_in(visitor: Visitors, people: People) -> None:
    people.add_user("ada", PASSWORD)
    reader = visitor()
    for path in (*PAGES, "/paper/rivers-1", "/bibtex/rivers-1", "/judge/qrels", "/account"):
        answer = reader.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?next=")
    page = reader.get("/login").text
    assert "rivers" not in page
    assert "/interests" not in page


def test_whoever_logs_in_comes_to_the_page_that_was_asked_for(
    visitor: Visitors, people: People
) -> None:
    people.add_user("ada", PASSWORD)
    reader = visitor()
    reader.get(reader.get("/paper/rivers-1?view=plain").headers["location"])
    wanted = re.search(r'name="next" value="([^"]+)"', reader.page)
    assert wanted is not None
    page = reader.post("/login", {"name": "Ada", "password": PASSWORD, "next": wanted[1]}).text
    assert "as-written" in page
    assert "You are logged in" in page


def test_a_wrong_password_and_an_unknown_name_look_the_same(
    visitor: Visitors, people: People
) -> None:
    people.add_user("ada", PASSWORD)
    pages = []
    for name in ("ada", "bea"):
        reader = visitor()
        reader.get("/login")
        answer = reader.post("/login", {"name": name, "password": "not this one"})
        assert answer.status_code == 401
        pages.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert pages[0] == pages[1]


def test_guessing_is_slowed_down_by_name_whatever_the_address(
    room: ReadingRoom, people: People
) -> None:
    people.add_user("ada", PASSWORD)
    reader = Reader(room, people, Settings(accounts=True, logins=Rate(3, 3600.0)))
    reader.get("/login")
    statuses = []
    for _ in range(6):
        form = {"name": "ada", "password": "a wrong password"}
        statuses.append(reader.client.post("/login", data={**form, "token": _token(reader)}))
    assert [each.status_code for each in statuses] == [401] * 3 + [429] * 3


def _token(reader: Reader) -> str:
    found = re.search(r'name="token" value="([^"]+)"', reader.page)
    assert found is not None
    return found[1]


def test_what_one_reader_has_is_as_unknown_to_another_as_if_it_were_not(
    visitor: Visitors, people: People
) -> None:
    ada, bea = people.add_user("ada", PASSWORD), people.add_user("bea", PASSWORD)
    secret = people.add_interest(ada.id, "Ada's own", liked=["rivers-1"])
    reader = log_in(visitor(), "bea")
    for path in ("/", "/interests", "/paper/rivers-1"):
        assert "Ada&#39;s own" not in reader.get(path).text
    assert reader.get(f"/interest/{secret.id}").status_code == 404
    reader.get("/interests")
    for path, form in (
        (f"/interest/{secret.id}", {"act": "delete"}),
        ("/mark", {"paper": "rivers-2", "mark": "like", "interest": secret.id}),
    ):
        assert reader.post(path, form).status_code == 404
        reader.get("/interests")
    assert people.interests(ada.id) == [secret]
    assert people.interests(bea.id) == []


def test_logging_out_ends_the_session_for_whoever_kept_its_cookie(
    visitor: Visitors, people: People
) -> None:
    people.add_user("ada", PASSWORD)
    reader = log_in(visitor(), "ada")
    stolen = dict(reader.client.cookies)
    reader.get("/help")
    reader.post("/logout")
    assert reader.get("/").status_code == 303
    thief = visitor()
    thief.client.cookies.update(stolen)
    assert thief.get("/").status_code == 303


def test_a_form_of_before_logging_in_is_worthless_after(visitor: Visitors, people: People) -> None:
    people.add_user("ada", PASSWORD)
    reader = visitor()
    reader.get("/login")
    before = _token(reader)
    log_in(reader, "ada")
    answer = reader.post("/mark", {"paper": "rivers-1", "mark": "like"}, token=before)
    assert answer.status_code == 403


def test_a_changed_password_ends_other_sessions(visitor: Visitors, people: People) -> None:
    people.add_user("ada", PASSWORD)
    here, elsewhere = log_in(visitor(), "ada"), log_in(visitor(), "ada")
    here.get("/account")
    wrong = here.post("/account", {"present": "no", "password": "another tail of dust"})
    assert wrong.status_code == 401
    short = here.post("/account", {"present": PASSWORD, "password": "short"})
    assert short.status_code == 400
    page = here.post("/account", {"present": PASSWORD, "password": "another tail of dust"}).text
    assert "Your password is changed" in page
    assert elsewhere.get("/").status_code == 303
    assert here.get("/").status_code == 200


def test_a_reader_who_is_no_keeper_sees_why_papers_were_joined_and_cannot_part_them(
    visitor: Visitors, room: ReadingRoom, people: People
) -> None:
    ada = people.add_user("ada", PASSWORD)
    bea = people.add_user("bea", PASSWORD)
    people.appoint_keeper(ada.id)
    keeper, reader = log_in(visitor(), "ada"), log_in(visitor(), "bea")
    path = paper_address(PREPRINT.id)
    shown = keeper.get(path).text
    decision = re.search(r'name="decision" value="(\w+)"', shown)
    assert decision is not None
    page = reader.get(path).text
    assert "Why they are one" in page
    assert "is the same work as" in page
    assert 'action="/merge"' not in page
    for act in ("undo", "redo"):
        answer = reader.post("/merge", {"decision": decision[1], "act": act, "back": path})
        assert answer.status_code == 403
        assert "Only a keeper" in answer.text
        reader.get(path)
        assert len(room.papers.versions(PREPRINT.id)) == 2
    try:
        keeper.post("/merge", {"decision": decision[1], "act": "undo", "back": path})
        assert len(room.papers.versions(PREPRINT.id)) == 1
        assert "was kept apart from" in reader.get(path).text
    finally:
        keeper.get(path)
        keeper.post("/merge", {"decision": decision[1], "act": "redo", "back": path})
    assert len(room.papers.versions(PREPRINT.id)) == 2
    people.appoint_keeper(bea.id)
    assert 'action="/merge"' in reader.get(path).text


def test_a_label_with_examples_is_removed_by_a_keeper_alone(
    visitor: Visitors, room: ReadingRoom, people: People
) -> None:
    ada = people.add_user("ada", PASSWORD)
    people.add_user("bea", PASSWORD)
    people.appoint_keeper(ada.id)
    keeper, reader = log_in(visitor(), "ada"), log_in(visitor(), "bea")
    try:
        add_label(room, "water", ["rivers-0"])
        add_label(room, "mistyped")
        page = reader.get("/topics").text
        assert page.count("Remove it for good") == 1
        answer = reader.post("/labels", {"act": "remove", "label": "water"})
        assert answer.status_code == 403
        assert "Only a keeper" in answer.text
        reader.get("/topics")
        assert reader.post("/labels", {"act": "remove", "label": "mistyped"}).status_code == 200
        assert labels_of(room) == {"water": ["rivers-0"]}
        keeper.get("/topics")
        assert keeper.post("/labels", {"act": "remove", "label": "water"}).status_code == 200
        assert labels_of(room) == {}
    finally:
        for name in labels_of(room):
            remove_label(room, name)


def test_a_room_without_accounts_has_no_login(reader: Reader) -> None:
    assert reader.get("/login").headers["location"] == "/"
    assert reader.get("/account").status_code == 404


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example", "/\\evil"])
def test_logging_in_leads_to_no_other_site(
    visitor: Visitors, people: People, next_page: str
) -> None:
    people.add_user("ada", PASSWORD)
    reader = visitor()
    reader.get("/login")
    token = _token(reader)
    form = {"name": "ada", "password": PASSWORD, "next": next_page, "token": token}
    answer = reader.client.post("/login", data=form)
    assert answer.headers["location"] == "/?said=in"
