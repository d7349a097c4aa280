"""Nobody acts more often than allowed, however many ask, and memory stays bounded."""

import math
import threading
import tracemalloc
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.people.limits import Limits, Rate


class Clock:
    def __init__(self, now=0.0):
        self.now = now

    def __call__(self):
        return self.now


def limits(burst, seconds, clock, **options):
    return Limits({"login": Rate(burst, seconds), "search": Rate(1, 1)}, clock=clock, **options)


@pytest.mark.parametrize(("burst", "seconds"), [(0, 1), (-1, 1), (1, 0), (1, -1), (1, math.nan)])
def test_a_rate_that_lets_nobody_in_is_refused(burst, seconds):
    with pytest.raises(InputError):
        Rate(burst, seconds)


def test_a_purpose_without_a_rate_is_told():
    with pytest.raises(InputError, match="no rate for 'upload'"):
        limits(1, 1, Clock()).take("upload", "::1")


def test_a_rate_prints_as_it_is_said():
    assert str(Rate(10, 60)) == "10 in 60 s"


def test_of_ten_thousand_requests_at_once_the_burst_is_let_in():
    clock = Clock(1000.0)
    counted = limits(10, 60, clock)
    waits = [counted.take("login", "192.0.2.1") for _ in range(10_000)]
    assert waits[:10] == [0.0] * 10
    assert waits[10:] == [6.0] * 9990  # one token comes every 60 / 10 seconds
    assert len(counted) == 1


def test_of_ten_thousand_requests_in_an_hour_the_burst_and_the_rate_are_let_in():
    clock = Clock()
    counted = limits(10, 60, clock)
    allowed = 0
    for number in range(10_000):
        clock.now = number * 0.375  # up to 3,749.625 s
        allowed += counted.take("login", "192.0.2.1") == 0
    assert allowed == 10 + int(3749.625 // 6)


@given(
    st.integers(1, 5),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab")), max_size=60),
)
def test_decisions_and_waits_equal_buckets_of_tokens_counted_in_fractions(burst, seconds, steps):
    clock = Clock()
    counted = limits(burst, seconds / 4, clock)
    tokens = dict.fromkeys("ab", Fraction(burst))
    gain = Fraction(burst * 4, seconds)  # tokens a second
    for quarters, address in steps:
        clock.now += quarters / 4
        for each in tokens:
            tokens[each] = min(Fraction(burst), tokens[each] + gain * Fraction(quarters, 4))
        wait = counted.take("login", address)
        if tokens[address] >= 1:
            tokens[address] -= 1
            assert wait == 0
        else:
            assert wait == pytest.approx(float((1 - tokens[address]) / gain))


@given(st.integers(1, 7), st.floats(0.01, 1000), st.floats(0, 2e9), st.integers(1, 30))
def test_who_waits_as_long_as_told_is_let_in(burst, seconds, start, times):
    clock = Clock(start)
    counted = limits(burst, seconds, clock)
    for _ in range(times):
        wait = counted.take("login", "a")
        if wait:
            clock.now += wait
            assert counted.take("login", "a") == 0


def test_addresses_and_purposes_do_not_count_for_each_other():
    clock = Clock()
    counted = limits(1, 60, clock)
    assert counted.take("login", "192.0.2.1") == 0
    assert counted.take("login", "192.0.2.1") > 0
    assert counted.take("login", "192.0.2.2") == 0
    assert counted.take("search", "192.0.2.1") == 0


def test_of_a_hundred_thousand_addresses_so_many_are_remembered_and_who_goes_on_stays_refused():
    counted = limits(2, 3600, Clock(), most=20_000)
    assert [counted.take("login", "192.0.2.1") == 0 for _ in range(3)] == [True, True, False]
    for number in range(100_000):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        assert counted.take("login", address) == 0
        if number % 10_000 == 0:
            assert counted.take("login", "192.0.2.1") > 0
        assert len(counted) <= 20_000
    assert len(counted) == 20_000


def test_an_address_takes_at_most_400_bytes_however_long_it_is():
    counted = limits(1, 3600, Clock(), most=1000)
    tracemalloc.start()
    try:
        for number in range(2000):
            counted.take("login", f"{number:04}{'x' * 10_000}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(counted) == 1000
    assert kept < 400 * 1000


def test_addresses_of_one_purpose_push_out_none_of_another():
    counted = limits(1, 3600, Clock(), most=100)
    counted.take("login", "192.0.2.1")
    for number in range(1000):
        counted.take("search", f"host {number}")
    assert counted.take("login", "192.0.2.1") > 0


def test_buckets_that_are_full_again_are_forgotten():
    clock = Clock()
    counted = limits(2, 10, clock)
    for number in range(1000):
        counted.take("login", f"host {number}")
    assert len(counted) == 1000
    clock.now = 10.0
    counted.take("login", "another")
    assert len(counted) == 1


def test_one_line_of_ipv6_is_one_address_and_ipv4_is_itself_however_written():
    counted = limits(1, 60, Clock())
    assert counted.take("login", "2001:db8:1:2::1") == 0
    assert counted.take("login", "2001:db8:1:2:ffff::9") > 0
    assert counted.take("login", "2001:DB8:1:2::5") > 0
    assert counted.take("login", "2001:db8:1:3::1") == 0
    assert counted.take("login", "192.0.2.7") == 0
    assert counted.take("login", "::ffff:192.0.2.7") > 0
    assert counted.take("login", "::ffff:192.0.2.8") == 0


@pytest.mark.parametrize(
    "address", ["", "x" * 1_000_000, "\ud800", "\x00", "testclient", "::1%eth0"]
)
def test_any_text_stands_for_an_address(address):
    counted = limits(1, 60, Clock())
    assert counted.take("login", address) == 0
    assert counted.take("login", address) == pytest.approx(60)


def test_threads_together_are_let_in_no_more_often_than_one():
    counted = limits(50, 3600, Clock())
    allowed = []

    def ask():
        allowed.extend(counted.take("login", "192.0.2.1") == 0 for _ in range(500))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 50


def test_an_act_that_is_forgiven_counts_nothing():
    limits = Limits({"login": Rate(2, 60.0)}, clock=lambda: 0.0)
    for _ in range(50):
        assert limits.take("login", "1.2.3.4") == 0
        limits.forgive("login", "1.2.3.4")
    assert limits.take("login", "1.2.3.4") == 0
    assert limits.take("login", "1.2.3.4") == 0
    assert limits.take("login", "1.2.3.4") > 0
    limits.forgive("login", "never heard of")
