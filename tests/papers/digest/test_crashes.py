"""The sending process is killed at every step; afterwards nothing was delivered twice.

Each trial forks a process that composes and sends, lets SIGKILL strike it at one statement of SQL
that changes something or at one step of the server, and then sends on in this process, as the next
run would. The server counts what it was handed whole.
"""

import os
import shutil
import signal
import time
from collections import Counter
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest

from everygrain_papers.digest import MailServer, Settings, enrol, issues, send_due
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom

from .made import NOW, papers
from .servers import FaultyServer

READERS = ("ada", "bob")
MOST_STATEMENTS = 60


@pytest.fixture
def folder(room, people, tmp_path):
    """A room in which a digest is due to two readers; everything of this process closed."""
    room.papers.put(papers(50, 3, "retrieval"), NOW - timedelta(hours=1))
    room.index_waiting()
    for name in READERS:
        user = people.add_user(name, "a long enough password")
        people.add_interest(user.id, "Retrieval", liked=["retrieval:1"])
        enrol(people, user.id, f"{name}@example.org", NOW - timedelta(days=1))
    room.close()
    people.close()
    return tmp_path


def settings_for(port, **fields):
    server = MailServer("127.0.0.1", port, "none", timeout=5.0)
    return Settings(sender="digest@example.org", server=server, **fields)


def run(folder, settings, now, strike=None):
    """Compose and send what is due; `strike` is called at each statement that writes."""
    with People(folder / "people.db") as people, ReadingRoom(folder / "room") as room:
        if strike is not None:
            connect = people.database.connect

            def traced():
                connection = connect()
                connection.set_trace_callback(told(connection))
                return connection

            def told(connection):
                return lambda sql: strike() if changes(sql, connection) else None

            people.database.connect = traced
            people.database._free.clear()
        return send_due(room, people, settings, now)


def changes(sql, connection, inside=set()):  # noqa: B006 the connections that are writing
    """Whether a statement belongs to a transaction that writes, from its BEGIN to its COMMIT."""
    if sql == "BEGIN IMMEDIATE":
        inside.add(id(connection))
    writes = id(connection) in inside
    if sql == "COMMIT":
        inside.discard(id(connection))
    return writes


def killed(folder, settings, strike=None, pids=None):
    """Run in a process of its own. Returns whether a signal ended it."""
    child = os.fork()
    if child == 0:
        try:
            run(folder, settings, NOW, strike)
        finally:
            os._exit(0)
    if pids is not None:
        pids.append(child)
    for _ in range(3000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WIFSIGNALED(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the process did not end")


def finish(folder, settings):
    """Send on as later runs do, a day long; return the issues."""
    for hours in (0, 1, 3, 9, 20):
        run(folder, settings, NOW + timedelta(hours=hours))
    with People(folder / "people.db") as people:
        return issues(people)


def copies(server):
    server.wait()
    parser = BytesParser(policy=policy.default)
    return Counter(str(parser.parsebytes(mail)["message-id"]) for mail in server.kept)


def check(found, server, killed_after_the_end=False):
    """At most one copy of each; one exactly but where the server was asked and nobody knows."""
    kept = copies(server)
    assert max(kept.values(), default=0) <= 1
    assert sorted(each.recipient for each in found) == ["ada@example.org", "bob@example.org"]
    uncertain = [each for each in found if each.state == "uncertain"]
    assert len(uncertain) <= 1
    for each in found:
        assert each.state in ("sent", "uncertain")
        if each.state == "sent":
            assert kept[each.message_id] == 1
    assert set(kept) <= {each.message_id for each in found}
    if killed_after_the_end:
        assert all(kept[each.message_id] == 1 for each in uncertain)
    return uncertain


@pytest.mark.parametrize("step", ["connect", "ehlo", "mail", "rcpt", "data", "half"])
def test_killed_before_the_end_of_a_mail_it_is_sent_once_and_known(folder, step):
    pids = []
    with FaultyServer() as server:

        def kill():
            while not pids:
                time.sleep(0.001)
            os.kill(pids[0], signal.SIGKILL)

        server.before = {step: kill}
        if step == "half":
            server.answers = {"half": None}
        assert killed(folder, settings_for(server.port), pids=pids)
        server.before = server.answers = {}
        assert check(finish(folder, settings_for(server.port)), server) == []


def test_killed_between_the_end_and_the_answer_it_is_told_as_uncertain_and_not_sent_again(folder):
    pids = []
    with FaultyServer() as server:

        def kill():
            while not pids:
                time.sleep(0.001)
            os.kill(pids[0], signal.SIGKILL)

        server.before = {"end": kill}
        assert killed(folder, settings_for(server.port), pids=pids)
        server.before = {}
        found = finish(folder, settings_for(server.port))
        (uncertain,) = check(found, server, killed_after_the_end=True)
        assert "before its answer was kept" in uncertain.note


def test_whoever_chose_so_gets_the_uncertain_mail_again_under_one_identity(folder):
    pids = []
    with FaultyServer() as server:

        def kill():
            while not pids:
                time.sleep(0.001)
            os.kill(pids[0], signal.SIGKILL)

        server.before = {"end": kill}
        settings = settings_for(server.port, when_uncertain="resend")
        assert killed(folder, settings, pids=pids)
        server.before = {}
        found = finish(folder, settings)
        assert {each.state for each in found} == {"sent"}
        assert sorted(copies(server).values()) == [1, 2]


@pytest.mark.slow
def test_killed_at_any_change_of_the_outbox_nothing_is_delivered_twice(folder, tmp_path_factory):
    steps, doubts = 0, []
    for number in range(MOST_STATEMENTS):
        trial = tmp_path_factory.mktemp("trial") / "folder"
        shutil.copytree(folder, trial)
        left = [number]

        def strike(left=left):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        with FaultyServer() as server:
            settings = settings_for(server.port)
            struck = killed(trial, settings, strike)
            doubts += check(finish(trial, settings), server, killed_after_the_end=True)
        if not struck:
            break
        steps += 1
    assert 15 <= steps < MOST_STATEMENTS  # every one was reached, up to the last
    # Of each mail the three that keep the server's answer: BEGIN, UPDATE and COMMIT.
    assert len(doubts) == 3 * len(READERS)
