"""A reading room with papers that arrived at known times, and readers."""

import shutil
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from everygrain_papers.people import People
from everygrain_papers.people.passwords import Passwords
from everygrain_papers.room import ReadingRoom

from .made import NOW, papers


@pytest.fixture(scope="session")
def former_folder(tmp_path_factory):
    """A closed room with the 40 papers that came a month ago."""
    folder = tmp_path_factory.mktemp("former") / "room"
    with ReadingRoom(folder, encoder="latent") as room:
        former = papers(0, 20, "retrieval") + papers(0, 20, "birds")
        room.papers.put(former, NOW - timedelta(days=30))
        room.index_waiting()
    return folder


@pytest.fixture(scope="session")
def shared_room(former_folder, tmp_path_factory):
    """The same, and 20 papers of two subjects that came an hour ago; nobody changes it."""
    folder = tmp_path_factory.mktemp("shared") / "room"
    shutil.copytree(former_folder, folder)
    with ReadingRoom(folder) as room:
        new = papers(50, 10, "retrieval") + papers(50, 10, "birds")
        room.papers.put(new, NOW - timedelta(hours=1))
        room.index_waiting()
        yield room


@pytest.fixture
def room(former_folder, tmp_path):
    """A room of one test's own."""
    shutil.copytree(former_folder, tmp_path / "room")
    with ReadingRoom(tmp_path / "room") as room:
        yield room


@pytest.fixture
def people(tmp_path):
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with People(tmp_path / "people.db", passwords=quick) as people:
        yield people


@pytest.fixture
def reader(people):
    """A reader with two interests that are as different as can be."""
    user = people.single()
    people.add_interest(
        user.id, "Dense retrieval", liked=["retrieval:1", "retrieval:2"], keywords=["retrieval"]
    )
    people.add_interest(
        user.id, "Forest birds", seeds=["birds:3"], disliked=["birds:4"], keywords=["birds"]
    )
    return user
