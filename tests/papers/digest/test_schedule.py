"""When a digest is due, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.digest.schedule import Schedule, Slot, zone_of

# Zones whose clocks jump at different hours, by half an hour, and one that skipped a whole day.
ZONES = [
    "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
    "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "UTC", "Pacific/Kiritimati",
]  # fmt: skip


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"frequency": "hourly"},
        {"hour": 24},
        {"hour": -1},
        {"hour": 7.5},
        {"hour": True},
        {"weekday": 7},
        {"zone": "Europe/Lisboa"},
        {"zone": "../../etc/passwd"},
        {"zone": ""},
        {"zone": "Europe/Lisbon\0"},
    ],
)
def test_what_is_no_schedule_is_refused(fields):
    with pytest.raises(InputError):
        Schedule(**fields)


def test_a_zone_that_is_none_names_what_is_near():
    with pytest.raises(InputError, match="Europe/Lisbon"):
        zone_of("Europe/Lisbonn")


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(InputError, match="zone"):
        Schedule().latest(datetime(2026, 1, 1))


def test_an_hour_that_the_clocks_skip_is_due_after_the_jump():
    lisbon = Schedule("daily", 1, zone="Europe/Lisbon")  # 01:00 is 02:00 on 29 March 2026
    slot = lisbon.slot(date(2026, 3, 29))
    assert slot == Slot("2026-03-29", utc(2026, 3, 29, 1))
    assert slot.instant.astimezone(ZoneInfo("Europe/Lisbon")).hour == 2


def test_an_hour_that_comes_twice_is_due_at_the_first():
    new_york = Schedule("daily", 1, zone="America/New_York")  # 01:00 comes twice on 1 November
    assert new_york.slot(date(2026, 11, 1)).instant == utc(2026, 11, 1, 5)
    first = new_york.latest(utc(2026, 11, 1, 5, 10))
    assert new_york.latest(utc(2026, 11, 1, 6, 10)) == first


def test_a_week_is_named_once_and_begins_on_the_chosen_day():
    weekly = Schedule("weekly", 9, weekday=4, zone="Asia/Kathmandu")  # Friday 09:00 = 03:15 UTC
    assert weekly.latest(utc(2026, 11, 20, 3, 14)) == Slot("2026-W46", utc(2026, 11, 13, 3, 15))
    assert weekly.latest(utc(2026, 11, 20, 3, 15)) == Slot("2026-W47", utc(2026, 11, 20, 3, 15))
    assert str(weekly) == "weekly on Friday at 09:00, Asia/Kathmandu"


def test_a_day_that_a_zone_skipped_is_due_once_with_the_next():
    apia = Schedule("daily", 7, zone="Pacific/Apia")  # there was no 30 December 2011
    names = [
        apia.latest(utc(2011, 12, 29) + timedelta(minutes=30 * step)).name for step in range(150)
    ]
    assert list(dict.fromkeys(names))[1:3] == ["2011-12-29", "2011-12-31"]


@settings(max_examples=60)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.sampled_from(["daily", "weekly"]),
    st.integers(0, 6),
    st.dates(date(2005, 1, 1), date(2035, 1, 1)),
    st.integers(20, 90),
)
def test_whoever_asks_often_finds_each_day_or_week_exactly_once(
    zone, hour, frequency, weekday, begin, minutes
):
    schedule = Schedule(frequency, hour, weekday, zone)
    start = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
    found = []
    for step in range(int(24 * 60 * 22 / minutes)):
        slot = schedule.latest(start + timedelta(minutes=minutes * step))
        assert slot.instant <= start + timedelta(minutes=minutes * step)
        if not found or found[-1] != slot:
            found.append(slot)
    instants = [slot.instant for slot in found]
    assert instants == sorted(instants)
    assert len({slot.name for slot in found}) == len(found)  # no day or week twice
    local = [slot.instant.astimezone(ZoneInfo(zone)) for slot in found]
    for one, other in pairwise(found):
        gap = (other.instant - one.instant) / timedelta(days=1)
        length = 1 if frequency == "daily" else 7
        # An hour more or less where the clocks jump; a day where the calendar does.
        assert abs(gap - length) <= 1.1 / 24 or zone == "Pacific/Apia"
    for moment in local:
        named = schedule.slot(moment.date())
        skipped = named.instant.astimezone(ZoneInfo(zone)).hour != hour
        assert moment.hour == hour or skipped
        assert frequency == "daily" or moment.weekday() == weekday or zone == "Pacific/Apia"


@given(st.sampled_from(ZONES), st.integers(0, 23), st.sampled_from(["daily", "weekly"]),
       st.integers(0, 6), st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)))  # fmt: skip
def test_the_next_slot_is_the_latest_when_its_time_has_come(zone, hour, frequency, weekday, now):
    schedule = Schedule(frequency, hour, weekday, zone)
    following = schedule.next(now.replace(tzinfo=UTC))
    assert following.instant > now.replace(tzinfo=UTC)
    assert schedule.latest(following.instant).instant == following.instant
    assert schedule.latest(following.instant - timedelta(seconds=1)).instant < following.instant
