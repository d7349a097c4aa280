"""From what arrived to what is in the mailbox, at the reader's own hour, once."""

import re
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.parser import BytesParser
from zoneinfo import ZoneInfo

import pytest

from everygrain.errors import InputError
from everygrain_papers.digest import (
    MailServer,
    Settings,
    choose,
    confirm,
    dry_run,
    enrol,
    feed,
    feed_token,
    issues,
    mark_by_link,
    reader_of_feed,
    revoke_feed,
    send_due,
    send_waiting,
    subscribe,
    subscription,
    unsubscribe,
    write_file,
)
from everygrain_papers.digest.composing import compose
from everygrain_papers.digest.delivery import due_slot

from .made import NOW, papers
from .servers import FaultyServer, Mailbox, mail_server

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PAGES = "https://papers.example.org"


def settings_for(port, **fields):
    server = MailServer("127.0.0.1", port, "none", timeout=5.0)
    return Settings(pages=PAGES, sender="digest@example.org", server=server, **fields)


def parsed(mail):
    return BytesParser(policy=policy.default).parsebytes(mail)


def link(mail, kind):
    text = parsed(mail).get_body(("plain",)).get_content()
    return re.search(rf"{PAGES}/digest/{kind}/(\S+)", text)[1]


def test_a_reader_confirms_gets_a_digest_likes_a_paper_and_unsubscribes(
    shared_room, people, reader
):
    box = Mailbox()
    with mail_server(box) as port:
        settings = settings_for(port)
        choose(people, reader.id, hour=9, zone="Europe/Lisbon", papers=5)
        subscribe(people, settings, reader.id, "ada@example.org", NOW - 2 * HOUR)
        assert [each.kind for each in send_waiting(people, settings, NOW - 2 * HOUR)] == [
            "confirmation"
        ]
        assert send_due(shared_room, people, settings, NOW) == []  # not confirmed: nothing is due
        confirm(people, link(box.mails[0][2], "confirm"), NOW - HOUR)
        (told,) = send_due(shared_room, people, settings, NOW)
        assert (told.kind, told.slot, told.state, told.papers) == (
            "digest",
            "2026-11-21",
            "sent",
            5,
        )
        assert send_due(shared_room, people, settings, NOW + HOUR) == []
        mail = box.mails[1][2]
        user, paper, interest = mark_by_link(people, "like", link(mail, "like"), NOW)
        assert user == reader.id
        assert paper in people.interest(user, interest).liked
        one_click = re.search(
            r"<https://\S+/digest/unsubscribe/(\S+)>", parsed(mail)["list-unsubscribe"]
        )
        unsubscribe(people, one_click[1], NOW + HOUR)
        assert send_due(shared_room, people, settings, NOW + 9 * DAY) == []
    assert len(box.mails) == 2


def test_nothing_is_due_before_the_hour_nor_for_hours_before_it_was_confirmed(people, reader):
    server = settings_for(25)
    choose(people, reader.id, hour=9, zone="Asia/Kathmandu")  # 03:15 UTC
    enrol(people, reader.id, "ada@example.org", datetime(2026, 11, 20, 12, tzinfo=UTC))
    for minute, due in ((0, None), (194, None), (195, "2026-11-21"), (500, "2026-11-21")):
        now = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=minute)
        slot = due_slot(people, subscription(people, reader.id), server, now)
        assert (slot.name if slot else None) == due


@pytest.mark.parametrize(
    ("zone", "hour", "begin"),
    [
        ("Europe/Lisbon", 1, (2026, 3, 28)),  # an hour that does not exist on the 29th
        ("America/New_York", 1, (2026, 10, 31)),  # and one that comes twice on 1 November
        ("Australia/Lord_Howe", 2, (2026, 10, 3)),  # half an hour of it does not exist
    ],
)
def test_each_day_sends_exactly_once_when_the_clocks_jump(room, people, reader, zone, hour, begin):
    box, start = Mailbox(), datetime(*begin, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    choose(people, reader.id, hour=hour, zone=zone, empty="tell")
    enrol(people, reader.id, "ada@example.org", start)
    with mail_server(box) as port:
        for step in range(3 * 24 * 2):
            send_due(room, people, settings_for(port), start + step * HOUR / 2)
    days = [str(parsed(mail)["date"].datetime.date()) for _, _, mail in box.mails]
    assert days == [str(date(*begin) + n * DAY) for n in range(3)]


def test_a_change_of_hour_or_zone_brings_no_second_digest_that_day(room, people, reader):
    box = Mailbox()
    choose(people, reader.id, hour=7, empty="tell")
    enrol(people, reader.id, "ada@example.org", NOW - 3 * DAY)
    with mail_server(box) as port:
        settings = settings_for(port)
        for zone, hour in [("UTC", 7), ("UTC", 9), ("Pacific/Honolulu", 20), ("Asia/Tokyo", 18)]:
            choose(people, reader.id, hour=hour, zone=zone)
            send_due(room, people, settings, NOW)
        assert len(box.mails) == 1
        choose(people, reader.id, hour=9, zone="UTC")
        send_due(room, people, settings, NOW + DAY)
    assert len(box.mails) == 2


def test_a_machine_that_was_off_sends_one_digest_of_all_that_came(room, people, reader):
    box = Mailbox()
    enrol(people, reader.id, "ada@example.org", NOW - 9 * DAY)
    for back in (6, 4, 2):
        room.papers.put(papers(50 + back, 1, "retrieval"), NOW - back * DAY)
    room.index_waiting()
    with mail_server(box) as port:
        (told,) = send_due(room, people, settings_for(port), NOW)
        assert (told.papers, told.slot) == (3, "2026-11-21")
    assert len(box.mails) == 1


def test_an_empty_digest_is_not_sent_unless_its_reader_wants_to_be_told(room, people, reader):
    box = Mailbox()
    enrol(people, reader.id, "ada@example.org", NOW - 3 * DAY)
    with mail_server(box) as port:
        settings = settings_for(port)
        assert [each.state for each in send_due(room, people, settings, NOW)] == ["empty"]
        assert send_due(room, people, settings, NOW + HOUR) == []
        assert box.mails == []
        choose(people, reader.id, empty="tell")
        assert [each.state for each in send_due(room, people, settings, NOW + DAY)] == ["sent"]
    assert "Nothing that arrived" in parsed(box.mails[0][2]).get_body(("plain",)).get_content()


def test_papers_of_a_refused_digest_come_with_the_next(room, people, reader):
    room.papers.put(papers(50, 3, "retrieval"), NOW - HOUR)
    room.index_waiting()
    enrol(people, reader.id, "ada@example.org", NOW - 3 * DAY)
    with FaultyServer({"end": "554 looks like spam"}) as server:
        settings = settings_for(server.port)
        (first,) = send_due(room, people, settings, NOW)
        server.answers = {}
        (second,) = send_due(room, people, settings, NOW + DAY)
    assert (first.state, second.state) == ("refused", "sent")
    assert second.papers == first.papers > 0


def test_while_a_mail_waits_no_second_one_piles_up(room, people, reader):
    room.papers.put(papers(50, 3, "retrieval"), NOW - HOUR)
    room.index_waiting()
    enrol(people, reader.id, "ada@example.org", NOW - 3 * DAY)
    with FaultyServer({"connect": None}) as server:
        settings = settings_for(server.port, first_wait=2 * 86400, longest_wait=2 * 86400)
        for day in range(2):
            send_due(room, people, settings, NOW + day * DAY)
        assert [each.state for each in issues(people)] == ["composed"]
        server.answers = {}
        send_due(room, people, settings, NOW + 2 * DAY)
        assert [each.state for each in issues(people)] == ["sent"]
        server.wait()
        assert len(server.taken) == 1


def test_one_reader_whose_digest_fails_keeps_no_other_from_theirs(
    room, people, reader, monkeypatch
):
    other = people.add_user("Bob", "a long enough password")
    people.add_interest(other.id, "Birds", liked=["birds:1"])
    room.papers.put(papers(50, 3, "birds"), NOW - HOUR)
    room.index_waiting()
    for user in (reader, other):
        enrol(people, user.id, f"{user.name.lower()}@example.org", NOW - DAY)
    with people.database.writing() as connection:
        connection.execute(
            "UPDATE interests SET keywords = '[' WHERE user = ?", (reader.id,)
        )  # damage of one reader's data
    box = Mailbox()
    with mail_server(box) as port:
        told = {each.user: each for each in send_due(room, people, settings_for(port), NOW)}
    assert told[reader.id].state == "failed"
    assert told[other.id].state == "sent"


def test_without_a_server_a_reader_of_mails_is_told_so_and_nothing_is_composed(
    shared_room, people, reader
):
    enrol(people, reader.id, "ada@example.org", NOW - DAY)
    (told,) = send_due(shared_room, people, Settings(), NOW)
    assert (told.state, told.user) == ("failed", reader.id)
    assert "No mail server" in told.note
    assert issues(people) == []


def test_a_feed_shows_what_was_composed_at_the_readers_hours(shared_room, people, reader):
    choose(people, reader.id, hour=9, papers=4)
    token = feed_token(people, reader.id, NOW - DAY)
    assert feed_token(people, reader.id, NOW) == token
    assert len(token) >= 43  # 32 random bytes
    first = feed(shared_room, people, Settings(pages=PAGES), token, NOW).decode()
    assert first.count("<entry>") == 4
    assert f'rel="self" type="application/atom+xml" href="{PAGES}/digest/feed/{token}"' in first
    again = feed(shared_room, people, Settings(pages=PAGES), token, NOW + HOUR).decode()
    assert again == first
    assert [each.state for each in issues(people)] == ["sent"]
    assert send_due(shared_room, people, settings_for(25), NOW) == []


def test_a_revoked_or_guessed_feed_opens_nothing(shared_room, people, reader):
    token = feed_token(people, reader.id, NOW)
    assert reader_of_feed(people, token) == reader
    revoke_feed(people, reader.id)
    other = feed_token(people, reader.id, NOW)
    assert other != token
    for wrong in (
        token,
        "",
        other[:-1],
        other + "A",
        "%",
        "\ud800",
        "a" * 10_000,
        None,
        other.lower(),
    ):
        with pytest.raises(InputError, match="no feed"):
            feed(shared_room, people, Settings(), wrong, NOW)


@pytest.mark.parametrize("form", [".html", ".txt", ".eml", ".atom"])
def test_a_file_holds_the_digest_and_its_papers_do_not_come_again(
    shared_room, people, reader, tmp_path, form
):
    made = compose(shared_room, people, reader, NOW)
    path = tmp_path / f"digest{form}"
    write_file(people, made, path, Settings(), NOW)
    content = path.read_bytes()
    if form == ".eml":
        content = parsed(content).get_body(("plain",)).get_content().encode()
    assert all(pick.paper.title.split()[0].encode() in content for _, pick in made.picks())
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith((".", "d"))] == [
        path.name
    ]
    again = compose(shared_room, people, reader, NOW + HOUR)
    assert len(made) > 0
    assert not {p.paper.id for _, p in made.picks()} & {p.paper.id for _, p in again.picks()}


def test_a_file_of_no_form_or_in_no_folder_keeps_the_papers_for_later(
    shared_room, people, reader, tmp_path
):
    from everygrain.errors import StorageError

    made = compose(shared_room, people, reader, NOW)
    with pytest.raises(InputError, match=r"\.html"):
        write_file(people, made, tmp_path / "digest.pdf", Settings(), NOW)
    with pytest.raises(StorageError):
        write_file(people, made, tmp_path / "nowhere" / "digest.html", Settings(), NOW)
    assert issues(people) == []


def test_a_dry_run_sends_nothing_and_keeps_nothing(shared_room, people, reader):
    shown = dry_run(compose(shared_room, people, reader, NOW), "daily at 07:00, UTC")
    assert "Dense retrieval" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert issues(people) == []
    assert people.seen(reader.id) == set()
