"""When a digest is due: an hour of the reader's own day, once, whatever the clocks do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from everygrain.errors import InputError

Frequency = Literal["daily", "weekly"]
FREQUENCIES = ("daily", "weekly")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Slot:
    """One time at which a digest is due.

    name      says it once and for all: "2026-03-29" of a day, "2026-W13" of a week
    instant   when it begins, in UTC
    """

    name: str
    instant: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """Daily or weekly, at an hour of the reader's day.

    frequency   "daily" or "weekly"
    hour        0 to 23, by the clock of the zone
    weekday     0 (Monday) to 6 (Sunday); only of a weekly digest
    zone        name of the IANA data, such as "Europe/Lisbon"

    An hour that the clocks skip is due at the same distance after the jump (02:00 at 03:00); one
    that comes twice is due at the first. A slot is named by its day on the calendar, so that
    neither can be due twice.

    Raises InputError for what is no frequency, hour, weekday or zone.
    """

    frequency: Frequency = "daily"
    hour: int = 7
    weekday: int = 0
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.frequency not in FREQUENCIES:
            raise InputError(
                f"A digest cannot come {self.frequency!r}.", "Choose 'daily' or 'weekly'."
            )
        if type(self.hour) is not int or not 0 <= self.hour <= 23:
            raise InputError(f"{self.hour!r} is no hour of the day.", "Choose 0 to 23.")
        if type(self.weekday) is not int or not 0 <= self.weekday <= 6:
            raise InputError(
                f"{self.weekday!r} is no day of the week.", "Choose 0 (Monday) to 6 (Sunday)."
            )
        zone_of(self.zone)

    def __str__(self) -> str:
        day = f"weekly on {WEEKDAYS[self.weekday]}" if self.frequency == "weekly" else "daily"
        return f"{day} at {self.hour:02d}:00, {self.zone}"

    def slot(self, day: date) -> Slot:
        """Return the slot of a day on the calendar."""
        local = datetime.combine(day, time(self.hour), zone_of(self.zone))
        name = day.isoformat()
        if self.frequency == "weekly":
            week = day.isocalendar()
            name = f"{week.year}-W{week.week:02d}"
        return Slot(name, local.astimezone(UTC))

    def latest(self, now: datetime) -> Slot:
        """Return the last slot that has begun, at `now` or before."""
        today = aware(now).astimezone(zone_of(self.zone)).date()
        if self.frequency == "weekly":
            first = today + timedelta(days=(self.weekday - today.weekday()) % 7)
            days = [first - timedelta(days=7 * back) for back in range(3)]
        else:
            days = [today + timedelta(days=1 - back) for back in range(4)]
        # The calendar of a zone may skip a day: two slots then begin together, the later counts.
        return next(slot for day in days if (slot := self.slot(day)).instant <= now)

    def next(self, now: datetime) -> Slot:
        """Return the first slot that begins after `now`."""
        today = aware(now).astimezone(zone_of(self.zone)).date()
        days = [today + timedelta(days=ahead) for ahead in range(-1, 15)]
        if self.frequency == "weekly":
            days = [day for day in days if day.weekday() == self.weekday]
        return next(slot for day in days if (slot := self.slot(day)).instant > now)


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of a name of the IANA data; InputError, with what is near, for others."""
    if isinstance(name, str) and name in available_zones():
        return ZoneInfo(name)
    near = get_close_matches(str(name)[:80], available_zones(), n=3, cutoff=0.5)
    said = f" Near to it: {', '.join(near)}." if near else ""
    raise InputError(
        f"{str(name)[:80]!r} is no time zone.", f"Write one such as 'Europe/Lisbon'.{said}"
    )


def available_zones() -> set[str]:
    """Return the names of all zones; they are read from disk once."""
    if not _ZONES:
        _ZONES.update(available_timezones())
    return _ZONES


_ZONES: set[str] = set()


def aware(moment: datetime) -> datetime:
    """Return the moment as it is; InputError where it does not say its zone."""
    if moment.tzinfo is None:
        raise InputError(
            f"The time {moment.isoformat()} does not say its zone.", "Give it with a zone."
        )
    return moment
