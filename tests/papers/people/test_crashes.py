"""Threads and processes write at once; a process killed at any moment loses nothing."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from everygrain_papers.people import People
from everygrain_papers.people.passwords import Passwords
from tests.papers.people import state
from tests.papers.people.conftest import Clock

MARKING = """
import sys
from everygrain_papers.people import People
people = People(sys.argv[1])
for number in range(int(sys.argv[5])):
    people.mark(sys.argv[2], f"{sys.argv[4]} {number}", sys.argv[3], "like")
    print(number, flush=True)
"""


def marking(path, user_id, interest_id, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", MARKING, str(path), user_id, interest_id, name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_threads_and_a_second_process_lose_none_of_their_marks(people, ann):
    interest = people.add_interest(ann.id, "Ranking")
    other = marking(people.path, ann.id, interest.id, "process", 60)

    def mark(thread):
        for number in range(20):
            people.mark(ann.id, f"thread {thread} {number}", interest.id, "like")

    threads = [threading.Thread(target=mark, args=(each,)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.communicate(timeout=60)
    assert other.returncode == 0
    liked = people.interest(ann.id, interest.id).liked
    expected = {f"thread {thread} {number}" for thread in range(6) for number in range(20)}
    assert set(liked) == expected | {f"process {number}" for number in range(60)}
    assert len(liked) == len(set(liked))
    for name in ("process", *(f"thread {thread}" for thread in range(6))):
        mine = [paper for paper in liked if paper.startswith(name)]
        assert mine == [f"{name} {number}" for number in range(len(mine))]


def test_what_a_killed_process_was_told_is_stored_is_stored(people, ann):
    interest = people.add_interest(ann.id, "Ranking")
    for name, acknowledged in (("first", 3), ("second", 17)):
        process = marking(people.path, ann.id, interest.id, name, 100_000)
        for _ in range(acknowledged):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        told = acknowledged + len(process.communicate(timeout=60)[0].splitlines())
        liked = people.interest(ann.id, interest.id).liked
        stored = [paper for paper in liked if paper.startswith(name)]
        assert stored == [f"{name} {number}" for number in range(len(stored))]
        assert told <= len(stored) <= told + 1
        assert people.database.problems() == []


def opened(path):
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return People(path, clock=Clock(), passwords=Passwords(hasher))


def prepared(path):
    with opened(path) as people:
        for name in ("Ann", "Bob"):
            user = people.add_user(name, "a few words nobody guesses", f"{name}@example.org")
            for interest in ("Ranking", "Encoders"):
                made = people.add_interest(user.id, interest, keywords=["word"], liked=["x", "y"])
                people.mark(user.id, "z", made.id, "dislike")
            people.see(user.id, ["x", "y"])
            people.judge(user.id, "late interaction", "x", 2)


def move_a_mark(people, ann):
    people.mark(ann.id, "x", people.interests(ann.id)[0].id, "dislike")


def save_an_interest(people, ann):
    interest = people.interests(ann.id)[1]
    people.save_interest(
        ann.id, replace(interest, name="Other", liked=("v", "y"), disliked=("w", "x"))
    )


def add_an_interest(people, ann):
    people.add_interest(ann.id, "New", liked=["1", "2"], disliked=["3"])


def turn_the_order(people, ann):
    people.order_interests(ann.id, [each.id for each in people.interests(ann.id)][::-1])


def delete_the_user(people, ann):
    people.delete_user(ann.id)


def add_a_user(people, ann):
    people.add_user("Cid", "a few words nobody guesses")


def see_papers(people, ann):
    people.see(ann.id, ["a", "b", "c"])


def killed_before_statement(number, act):
    """Run `act` in a process that kills itself before its so manieth statement; whether it did."""
    child = os.fork()
    if child == 0:
        try:
            count = 0

            def at_statement(_):
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            connect = sqlite3.connect

            def traced(*arguments, **options):
                connection = connect(*arguments, **options)
                connection.set_trace_callback(at_statement)
                return connection

            sqlite3.connect = traced
            act()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


@pytest.mark.parametrize(
    "act",
    [
        move_a_mark, save_an_interest, add_an_interest, turn_the_order, delete_the_user,
        add_a_user, see_papers,
    ],
    ids=lambda act: act.__name__,
)  # fmt: skip
def test_a_kill_before_any_statement_leaves_the_state_before_or_after(tmp_path, act):
    prepared(tmp_path / "before.db")
    shutil.copy(tmp_path / "before.db", tmp_path / "after.db")
    with opened(tmp_path / "before.db") as people:
        before = state.of_file(people)
    with opened(tmp_path / "after.db") as people:
        act(people, people.users()[[user.name for user in people.users()].index("Ann")])
        after = state.of_file(people)
    assert before != after
    path, found, number = tmp_path / "killed.db", [], 0

    def run():
        with opened(path) as people:
            act(people, next(user for user in people.users() if user.name == "Ann"))

    going_on = True
    while going_on:
        number += 1
        for name in ("killed.db", "killed.db-wal", "killed.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        shutil.copy(tmp_path / "before.db", path)
        going_on = killed_before_statement(number, run)
        with opened(path) as people:
            found.append(state.of_file(people))
            assert people.database.problems() == []
    assert all(each in (before, after) for each in found)
    assert found[0] == before
    assert found[-1] == after
    assert number > 10


def test_a_kill_while_the_file_is_made_leaves_none_or_a_whole_one(tmp_path):
    number, going_on = 0, True
    while going_on:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        going_on = killed_before_statement(number, lambda path=folder: opened(path / "people.db"))
        if (folder / "people.db").exists():
            with closing(sqlite3.connect(folder / "people.db")) as connection:
                assert connection.execute("SELECT count(*) FROM settings").fetchone() == (1,)
        with opened(folder / "people.db") as people:
            assert people.users() == []
        assert [each.name for each in folder.iterdir()] == ["people.db"]
    assert number > 10
