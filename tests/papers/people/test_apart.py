"""Whatever one reader does, another reads what was there before."""

import secrets
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.people import People, users
from tests.papers.people import state

ACTS = (
    "add", "save", "change", "order", "delete", "mark", "see", "judge", "rename", "sessions",
    "leave",
)  # fmt: skip


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    with People(tmp_path_factory.mktemp("people") / "people.db") as people:
        yield people


def newcomer(people):
    with people.database.writing() as connection:
        return users.add(connection, secrets.token_hex(8), "", None, "2026-01-01T00:00:00+00:00").id


def act(people, user, name, number, interests):
    """Let a user act, on interests of anybody."""
    paper, word = f"paper {number % 4}", f"word {number}"
    of_anybody = interests[number % len(interests)] if interests else "none"
    mark = ("like", "dislike", "none")[number % 3]
    if name == "add":
        interests.append(people.add_interest(user, word, liked=[paper], keywords=[word]).id)
    elif name == "save":
        mine = people.interests(user)
        some = mine[0] if mine else people.add_interest(user, word)
        people.save_interest(user, replace(some, id=of_anybody, name=word, liked=(), disliked=()))
    elif name == "change":
        people.change_interest(user, of_anybody, name=word, disliked=[], liked=[paper])
    elif name == "order":
        people.order_interests(user, [each.id for each in people.interests(user)][::-1])
        people.order_interests(user, interests)
    elif name == "delete":
        people.delete_interest(user, of_anybody)
    elif name == "mark":
        people.mark(user, paper, of_anybody, mark)
    elif name == "see":
        people.see(user, [paper])
    elif name == "judge":
        people.judge(user, f"query {number % 2}", paper, number % 6 if number % 7 else None)
    elif name == "rename":
        people.change_user(user, name=f"{user} {number}", email=f"a{number}@example.org")
    elif name == "sessions":
        token = people.open_session(user)
        assert people.session(people.rotate_session(token)).id == user
        people.close_session(token)
    else:
        people.delete_user(user)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(ACTS), st.integers(0, 1000)), max_size=25))
def test_acts_of_one_reader_never_change_what_another_reads(lasting, steps):
    readers = [newcomer(lasting), newcomer(lasting)]
    interests = [lasting.add_interest(reader, "First", liked=["paper 0"]).id for reader in readers]
    for second, name, number in steps:
        acting, other = readers[second], readers[not second]
        before = state.of_user(lasting, other)
        with suppress(InputError):  # what is another's, or unknown, is refused
            act(lasting, acting, name, number, interests)
        assert state.of_user(lasting, other) == before
        if name == "leave":
            readers[second] = newcomer(lasting)
    for reader in readers:
        lasting.delete_user(reader)
    with lasting.database.reading() as connection:
        for table in ("interests", "marks", "seen", "judgements", "sessions"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
