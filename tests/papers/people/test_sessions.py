"""A session opens with its token alone, which is stored nowhere, and is over in time."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from everygrain_papers.people.sessions import IDLE, LONGEST, MOST


@pytest.mark.parametrize(
    "token", [None, "", "x", "A" * 43, "A" * 1_000_000, "\x00" * 43, "é" * 43, 5, b"A" * 43]
)
def test_what_is_no_token_opens_nothing_and_closes_nothing(people, ann, token):
    open_one = people.open_session(ann.id)
    assert people.session(token) is None
    assert people.rotate_session(token) is None
    people.close_session(token)
    assert people.session(open_one) == ann


def test_a_token_is_256_random_bits_and_is_stored_nowhere(people, ann):
    tokens = {people.open_session(ann.id) for _ in range(10)}
    assert len(tokens) == 10
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    content = b"".join(each.read_bytes() for each in people.path.parent.iterdir())
    assert not any(token.encode() in content for token in tokens)


def test_what_is_stored_opens_nothing(people, ann):
    people.open_session(ann.id)
    with people.database.reading() as connection:
        (stored,) = connection.execute("SELECT hash FROM sessions").fetchone()
    assert people.session(stored.hex()) is None


def test_a_token_that_is_changed_in_one_place_opens_nothing(people, ann):
    token = people.open_session(ann.id)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert people.session(token[:place] + other + token[place + 1 :]) is None


def test_a_session_unused_for_two_weeks_is_over(people, ann, clock):
    token = people.open_session(ann.id)
    clock.pass_by(days=14, seconds=-1)
    assert people.session(token) == ann
    clock.pass_by(days=14, seconds=-1)
    assert people.session(token) == ann
    clock.pass_by(days=14)
    assert people.session(token) is None


def test_a_session_is_over_after_ninety_days_however_often_used_or_rotated(people, ann, clock):
    token, days = people.open_session(ann.id), 0
    while days < 89:
        clock.pass_by(days=1)
        days += 1
        assert people.session(token) == ann
        if days % 10 == 0:
            token = people.rotate_session(token)
    clock.pass_by(days=1)
    assert people.session(token) is None
    clock.pass_by(seconds=1)
    assert people.session(token) is None
    assert people.rotate_session(token) is None
    assert timedelta(days=days + 1) == LONGEST > IDLE


def test_use_is_noted_once_an_hour_and_not_at_every_read(people, ann, clock):
    def used():
        with people.database.reading() as connection:
            return connection.execute("SELECT used FROM sessions").fetchone()[0]

    token = people.open_session(ann.id)
    noted = [used()]
    for _ in range(5):
        clock.pass_by(minutes=20)
        assert people.session(token) == ann
        noted.append(used())
    assert [one != two for one, two in pairwise(noted)] == [
        False, False, True, False, False,
    ]  # fmt: skip


def test_rotating_ends_the_old_token_and_no_other_session(people, ann):
    old, other = people.open_session(ann.id), people.open_session(ann.id)
    new = people.rotate_session(old)
    assert people.session(old) is None
    assert people.rotate_session(old) is None
    assert people.session(new) == people.session(other) == ann


def test_closing_ends_one_session(people, ann):
    one, other = people.open_session(ann.id), people.open_session(ann.id)
    people.close_session(one)
    people.close_session(one)
    assert people.session(one) is None
    assert people.session(other) == ann


def test_too_many_sessions_end_the_one_unused_for_longest_of_the_same_user(people, ann, bob, clock):
    of_bob = people.open_session(bob.id)
    tokens = []
    for _ in range(MOST):
        clock.pass_by(minutes=1)
        tokens.append(people.open_session(ann.id))
    clock.pass_by(hours=2)
    assert people.session(tokens[0]) == ann  # used just now, so the second is the oldest
    tokens.append(people.open_session(ann.id))
    assert [people.session(token) == ann for token in tokens] == [True, False] + [True] * (MOST - 1)
    assert people.session(of_bob) == bob


def test_sessions_that_are_over_do_not_pile_up(people, ann, bob, clock):
    people.open_session(bob.id)
    clock.pass_by(days=30)
    people.open_session(ann.id)
    with people.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
