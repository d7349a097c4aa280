"""One room for all tests of the pages; its people are each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.web import Settings

from .reading_room import Reader, filled, people_of


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadingRoom]:
    with filled(tmp_path_factory.mktemp("room")) as made:
        yield made


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with people_of(tmp_path) as made:
        yield made


@pytest.fixture
def reader(room: ReadingRoom, people: People) -> Reader:
    """The one reader of a room without accounts."""
    return Reader(room, people)


@pytest.fixture
def visitor(room: ReadingRoom, people: People) -> Callable[[], Reader]:
    """Return browsers of people who come to a room with accounts."""
    return lambda: Reader(room, people, Settings(accounts=True))
