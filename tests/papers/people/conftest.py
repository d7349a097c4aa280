"""A file of people with two readers, whose passwords cost little to hash."""

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from everygrain_papers.people import People
from everygrain_papers.people.passwords import Passwords

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "a few words nobody guesses"


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.now

    def pass_by(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def people(tmp_path, clock):
    with People(tmp_path / "people.db", clock=clock, passwords=Passwords(CHEAP)) as opened:
        yield opened


@pytest.fixture
def ann(people):
    return people.add_user("Ann", PASSWORD, "ann@example.org")


@pytest.fixture
def bob(people):
    return people.add_user("Bob", PASSWORD)
