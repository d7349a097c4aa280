"""Results that pages share: made once, made anew when papers come or time passes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from everygrain_papers.web.caches import LONGEST, MOST, Cache


class World:
    """Papers that come, time that passes, and a count of what was made."""

    def __init__(self) -> None:
        self.generation, self.now, self.made = 1, 100.0, 0
        self.cache = Cache(lambda: self.generation, lambda: self.now)

    def make(self) -> int:
        self.made += 1
        return self.made


@pytest.fixture
def world() -> World:
    return World()


def wait_for(holds: Callable[[], bool]) -> None:
    tick = threading.Event()
    while not holds():
        tick.wait(0.005)


def test_a_result_is_kept_until_papers_come_or_its_time_is_over(world: World) -> None:
    def get() -> int:
        return world.cache.get("key", world.make, seconds=10)

    assert [get(), get()] == [1, 1]
    world.generation = 2
    assert [get(), get()] == [2, 2]
    world.now += 10
    assert get() == 3


def test_what_may_be_late_is_answered_at_once_and_made_behind(world: World) -> None:
    def get() -> int:
        return world.cache.get("key", world.make, seconds=10, late=True)

    assert get() == 1
    world.generation = 2
    assert get() == 1  # ten seconds have not passed
    world.now += 10
    assert get() == 1
    wait_for(lambda: get() == 2)
    world.now += LONGEST - 1  # the same papers: it is as good as new
    assert get() == 2


def test_soon_never_waits(world: World) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        go_on.wait(10)
        return world.make()

    assert world.cache.soon("key", slow, -1, seconds=10) == -1
    assert begun.wait(10)
    assert world.cache.soon("key", slow, -1, seconds=10) == -1
    go_on.set()
    wait_for(lambda: world.cache.soon("key", slow, -1, seconds=10) == 1)
    assert world.made == 1


def test_what_is_renewed_is_made_behind_and_only_once_at_a_time(world: World) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        go_on.wait(10)
        return world.make()

    world.cache.renew("key", slow)  # nothing is kept: nothing is made anew
    assert world.cache.get("key", world.make, seconds=10, late=True) == 1
    world.cache.renew("key", slow)
    assert begun.wait(10)
    world.cache.renew("key", slow)
    assert world.cache.get("key", slow, seconds=10, late=True) == 1
    go_on.set()
    wait_for(lambda: world.cache.get("key", slow, seconds=10, late=True) == 2)
    assert world.made == 2


def test_many_readers_at_once_have_a_result_made_once(world: World) -> None:
    together = threading.Barrier(10)

    def ask(_: int) -> int:
        together.wait(10)
        return world.cache.get("key", world.make, seconds=10)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(10))) == [1] * 10


def test_an_error_is_kept_for_nobody(world: World) -> None:
    def fail() -> int:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        world.cache.get("key", fail, seconds=10)
    assert world.cache.get("key", world.make, seconds=10) == 1


def test_the_cache_stays_small(world: World) -> None:
    for key in range(MOST + 50):
        world.cache.get(key, world.make, seconds=10)
    made = world.made
    world.cache.get(MOST + 49, world.make, seconds=10)
    assert world.made == made
    world.cache.get(0, world.make, seconds=10)
    assert world.made == made + 1
