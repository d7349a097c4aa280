"""What waits is sent once, whatever servers answer."""

import threading
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest

from everygrain.errors import InputError, LockedError
from everygrain_papers.digest import outbox
from everygrain_papers.digest.delivery import send_waiting
from everygrain_papers.digest.issue import Digest
from everygrain_papers.digest.message import digest_mail, message_id
from everygrain_papers.digest.outbox import issues, put, resolve
from everygrain_papers.digest.schedule import Schedule
from everygrain_papers.digest.settings import MailServer, Settings
from everygrain_papers.digest.subscriptions import enrol, stop, subscription
from everygrain_papers.digest.tables import reading

from .made import NOW, digest, papers, pick
from .servers import PASSWORD, USER, FaultyServer, Mailbox, mail_server

MINUTE = timedelta(minutes=1)


def settings_for(port, **fields):
    server = MailServer("127.0.0.1", port, "none", timeout=0.5)
    return Settings(sender="digest@example.org", server=server, **fields)


@pytest.fixture
def readers(people):
    users = [people.single()]
    users += [people.add_user(name, "a long enough password") for name in ("Bob", "Eve")]
    for user in users:
        enrol(people, user.id, f"{user.name.lower()}@example.org", NOW - timedelta(days=9))
    return users


def compose_for(people, user, slot="2026-11-21", now=NOW):
    """Put a digest of one paper into the outbox, as `send_due` does."""
    base = digest(pick(papers(1, 1, "retrieval")[0]))
    made = Digest(
        user.id, user.name, base.zone, base.since, base.until, base.sections, base.considered
    )
    identity, to = message_id("digest", "digest@example.org"), f"{user.name.lower()}@example.org"
    settings = Settings(sender="digest@example.org")
    mail = digest_mail(made, Schedule(), settings, to, None, identity, now)
    return put(people, made, slot, "composed", now, to, identity, mail)


def spent(people, user):
    with reading(people) as connection:
        return outbox.spent(connection, user.id)


def identities(mails):
    return [BytesParser(policy=policy.default).parsebytes(mail)["message-id"] for mail in mails]


def test_a_slot_is_kept_once(people, readers):
    assert compose_for(people, readers[0]) is not None
    assert compose_for(people, readers[0]) is None
    assert len(issues(people)) == 1


def test_each_waiting_mail_goes_out_once_to_its_reader(people, readers):
    made = [compose_for(people, user) for user in readers]
    box = Mailbox()
    with mail_server(box) as port:
        told = send_waiting(people, settings_for(port), NOW)
        assert send_waiting(people, settings_for(port), NOW + timedelta(days=2)) == []
    assert [(each.state, each.note) for each in told] == [("sent", "250 kept")] * 3
    assert [to for _, to, _ in box.mails] == [each.recipient for each in made]
    assert identities(mail for _, _, mail in box.mails) == [each.message_id for each in made]


@pytest.mark.parametrize("answer", ["451 later", "421 closing"])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "half", "end"])
def test_a_mail_put_off_by_4xx_is_tried_after_its_wait_and_then_taken(
    people, readers, step, answer
):
    first = compose_for(people, readers[0])
    with FaultyServer({step: answer}) as server:
        settings = settings_for(server.port)
        (told,) = send_waiting(people, settings, NOW)
        assert (told.state, told.note.count(answer)) == ("composed", 1)
        server.answers = {}
        assert send_waiting(people, settings, NOW + 5 * MINUTE - timedelta(seconds=1)) == []
        (told,) = send_waiting(people, settings, NOW + 5 * MINUTE)
        assert told.state == "sent"
        assert identities(server.taken) == [first.message_id]


def test_waits_grow_and_a_mail_is_given_up_after_the_last_attempt(people, readers):
    compose_for(people, readers[0])
    with FaultyServer({"rcpt": "450 greylisted"}) as server:
        settings, now, waits = settings_for(server.port, attempts=4), NOW, []
        for _ in range(3):
            assert send_waiting(people, settings, now)[0].state == "composed"
            (waiting,) = issues(people)
            waits.append((waiting.due - now) / MINUTE)
            now = waiting.due
        (told,) = send_waiting(people, settings, now)
        assert waits == [5, 10, 20]
        assert told.state == "refused"
        assert told.note.startswith("given up after 4 attempts")
        assert send_waiting(people, settings, now + timedelta(days=30)) == []
        assert server.connections == 4
    assert spent(people, readers[0]) == set()


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "end"])
def test_what_is_refused_for_good_is_noted_and_never_tried_again(people, readers, step):
    compose_for(people, readers[0])
    with FaultyServer({step: "550 no"}) as server:
        (told,) = send_waiting(people, settings_for(server.port), NOW)
        assert told.state == "refused"
        assert "550 no" in told.note
        assert send_waiting(people, settings_for(server.port), NOW + timedelta(days=9)) == []
        assert server.connections == 1
    assert spent(people, readers[0]) == set()  # its papers are free for the next digest


def test_one_refused_recipient_keeps_no_other_from_a_mail(people, readers):
    for user in readers:
        compose_for(people, user)
    with FaultyServer({"rcpt": iter(["250 x", "550 nobody", "250 x"]).__next__}) as server:
        told = send_waiting(people, settings_for(server.port), NOW)
        assert [each.state for each in told] == ["sent", "refused", "sent"]
        assert len(server.taken) == 2


def test_an_address_that_refuses_several_digests_pauses_its_reader(people, readers):
    user = readers[0]
    with FaultyServer({"rcpt": "550 nobody of this name"}) as server:
        for number in range(3):
            assert subscription(people, user.id).state == "confirmed"
            compose_for(people, user, f"slot {number}")
            send_waiting(people, settings_for(server.port), NOW)
    paused = subscription(people, user.id)
    assert paused.state == "paused"
    assert "550 nobody" in paused.note
    assert enrol(people, user.id, paused.address, NOW).state == "confirmed"


def test_a_server_that_refuses_the_sender_pauses_no_reader(people, readers):
    with FaultyServer({"mail": "553 not this sender"}) as server:
        for number in range(5):
            compose_for(people, readers[0], f"slot {number}")
            send_waiting(people, settings_for(server.port), NOW)
    assert subscription(people, readers[0].id).state == "confirmed"


@pytest.mark.parametrize("step", ["connect", "auth"])
def test_a_server_that_lets_nobody_in_is_asked_once_for_all(people, readers, step):
    for user in readers:
        compose_for(people, user)
    with FaultyServer({step: "535 wrong password" if step == "auth" else None}) as server:
        entry = MailServer("127.0.0.1", server.port, "none", USER, PASSWORD, 0.5)
        settings = Settings(sender="digest@example.org", server=entry)
        told = send_waiting(people, settings, NOW)
        assert [each.state for each in told] == ["composed"] * 3
        assert server.connections == 1
        server.answers = {}
        told = send_waiting(people, settings, NOW + 5 * MINUTE)
        assert [each.state for each in told] == ["sent"] * 3
    with reading(people) as connection:
        dump = "\n".join(connection.iterdump())
    assert PASSWORD not in dump


@pytest.mark.parametrize("answer", [None, "silence"])
def test_a_lost_answer_leaves_a_doubt_and_no_second_copy(people, readers, answer):
    compose_for(people, readers[0])
    with FaultyServer({"end": answer}) as server:
        (told,) = send_waiting(people, settings_for(server.port), NOW)
        assert told.state == "uncertain"
        server.answers = {}
        assert send_waiting(people, settings_for(server.port), NOW + timedelta(days=9)) == []
        server.wait()
        assert len(server.kept) == 1
    assert spent(people, readers[0]) == {"retrieval:1"}


def test_a_doubt_is_resolved_by_choice(people, readers):
    made = [compose_for(people, user) for user in readers[:2]]
    with FaultyServer({"end": None}) as server:
        send_waiting(people, settings_for(server.port), NOW)
        send_waiting(people, settings_for(server.port), NOW)
        with pytest.raises(InputError, match="choice"):
            resolve(people, made[0].id, "perhaps", NOW)
        assert resolve(people, made[0].id, "sent", NOW).state == "sent"
        assert resolve(people, made[1].id, "again", NOW).state == "composed"
        with pytest.raises(InputError, match="composed"):
            resolve(people, made[1].id, "again", NOW)
        server.answers = {}
        (told,) = send_waiting(people, settings_for(server.port), NOW)
        assert told.state == "sent"
        assert identities(server.taken) == [made[1].message_id]


def test_whoever_chose_so_gets_an_uncertain_mail_again_under_the_same_identity(people, readers):
    made = compose_for(people, readers[0])
    with FaultyServer({"end": None}) as server:
        settings = settings_for(server.port, when_uncertain="resend")
        assert send_waiting(people, settings, NOW)[0].state == "composed"
        server.answers = {}
        assert send_waiting(people, settings, NOW + 5 * MINUTE)[0].state == "sent"
        server.wait()
        assert identities(server.kept) == [made.message_id] * 2


def test_whoever_unsubscribes_at_the_last_moment_gets_nothing(people, readers):
    compose_for(people, readers[0])
    with FaultyServer(before={"data": lambda: stop(people, readers[0].id, NOW)}) as server:
        (told,) = send_waiting(people, settings_for(server.port), NOW)
        server.wait()
        assert told.state == "withdrawn"
        assert server.kept == []


def test_a_reader_deleted_at_the_last_moment_gets_nothing(people, readers):
    compose_for(people, readers[1])
    compose_for(people, readers[2])
    removed = threading.Event()

    def remove():
        if not removed.is_set():
            removed.set()
            people.delete_user(readers[1].id)

    with FaultyServer(before={"data": remove}) as server:
        (told,) = send_waiting(people, settings_for(server.port), NOW)
        server.wait()
        assert told.user == readers[2].id
        assert len(server.kept) == 1


def test_two_senders_at_once_are_one_too_many(people, readers):
    compose_for(people, readers[0])
    refused = []

    def second():
        try:
            send_waiting(people, settings_for(1), NOW)
        except LockedError as error:
            refused.append(error)

    def begin_second():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    with FaultyServer(before={"data": begin_second}) as server:
        assert send_waiting(people, settings_for(server.port), NOW)[0].state == "sent"
    assert len(refused) == 1


def test_without_a_server_what_waits_is_told_and_kept(people, readers):
    compose_for(people, readers[0])
    (told,) = send_waiting(people, Settings(), NOW)
    assert (told.state, told.user) == ("failed", readers[0].id)
    assert "No mail server" in told.note
    assert issues(people)[0].state == "composed"
