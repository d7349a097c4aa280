"""The calendar of trends: which window a paper's date falls into.

A date is a number of eight digits, YYYYMMDD; months and days that are not known are 00.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError
from everygrain_papers.paper import Paper

Unit: TypeAlias = Literal["day", "week", "month", "year"]
Integers: TypeAlias = npt.NDArray[np.int64]

UNITS: tuple[Unit, ...] = ("day", "week", "month", "year")
PAST: dict[Unit, int] = {"day": 28, "week": 26, "month": 24, "year": 8}  # windows that are compared
FEWEST_PAST = 3  # windows; a spread cannot be told from fewer
KNOWN_SHARE = 0.9  # of the papers must be dated as finely as a window
UNDATED, COARSE, FUTURE, NEW, OLD = -1, -2, -3, -4, -5  # windows of papers that are in none


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many papers no window holds, and why.

    undated   neither a date nor a year
    coarse    dated less finely than the windows, such as a year alone among months
    future    dated after today
    new       recent, of venues without a past
    """

    undated: int = 0
    coarse: int = 0
    future: int = 0
    new: int = 0

    def __str__(self) -> str:
        told = (
            (self.undated, "without a date"),
            (self.coarse, "with too coarse a date"),
            (self.future, "with a date to come"),
            (self.new, "of venues without a past"),
        )
        parts = [f"{count:,} {why}" for count, why in told if count]
        return f"left out: {', '.join(parts)}" if parts else "none left out"


@dataclass(frozen=True, eq=False)
class Calendar:
    """Windows in order, the newest last, and the window of each paper.

    labels   one for each window, such as "2024", "2024-05", "2024-W07" or "2024-05-31"
    places   (papers,) int64: the window of each, or UNDATED, COARSE, FUTURE, NEW or OLD
    totals   (windows,) int64: papers of each window
    recent   how many of the newest windows are asked about; the others are their past
    """

    unit: Unit
    labels: tuple[str, ...]
    places: Integers
    totals: Integers
    recent: int

    @property
    def left_out(self) -> LeftOut:
        told = [int((self.places == why).sum()) for why in (UNDATED, COARSE, FUTURE, NEW)]
        return LeftOut(*told)

    def spoken(self, first: int, last: int) -> str:
        """Return the name of the windows from first to last."""
        one = self.labels[first]
        return one if first == last else f"{one} to {self.labels[last]}"


def number_of(paper: Paper) -> int:
    """Return the date of a paper as YYYYMMDD with zeros for what is not known; 0 without one."""
    if paper.date is not None:
        return int(paper.date.replace("-", "").ljust(8, "0"))
    return 0 if paper.year is None else paper.year * 10_000


def calendar(
    dates: Integers,
    today: date,
    unit: Unit | Literal["auto"] = "auto",
    past: int | None = None,
    recent: int | None = None,
) -> Calendar:
    """Return the windows that end with today's, and the window of each date.

    dates    (papers,) as `number_of` tells them
    unit     "auto" takes months where nine of ten papers of the last three years have one, else
             years; days and weeks must be asked for
    past     how many windows are compared with; None for 28 days, 26 weeks, 24 months or 8 years
    recent   how many windows are asked about; None for today's, and as many before it as it takes
             to hold half of the papers of a usual window: rates are of papers, so a window that
             has only begun is none the worse, but a few papers tell nothing

    Windows before the oldest date are left away, so there may be fewer than asked for.
    Raises InputError for an unknown unit, or for numbers below 1 or 3.
    """
    if unit != "auto" and unit not in UNITS:
        raise InputError(f"'{unit}' is no window.", f"Choose auto, {', '.join(UNITS)}.")
    if past is not None and past < FEWEST_PAST:
        raise InputError(
            f"{past} past windows tell no usual spread.", f"Compare with at least {FEWEST_PAST}."
        )
    if recent is not None and recent < 1:
        raise InputError(f"{recent} recent windows hold nothing.", "Ask about at least 1.")
    chosen = _unit_of(dates, today) if unit == "auto" else unit
    behind, why = _windows_behind(dates, today, chosen)
    inside = why == 0
    count = int(np.bincount(behind[inside]).size) if inside.any() else 1
    wanted = PAST[chosen] if past is None else past
    newest = recent or _enough(np.bincount(behind[inside], minlength=count), wanted)
    count = min(count, wanted + newest)
    why[inside & (behind >= count)] = OLD
    places = np.where(why == 0, count - 1 - behind, why)
    totals = np.bincount(places[places >= 0], minlength=count).astype(np.int64)
    labels = tuple(_label(today, chosen, each) for each in range(count - 1, -1, -1))
    return Calendar(chosen, labels, places, totals, min(newest, count))


def _enough(totals: Integers, past: int) -> int:
    """Return how many windows, the newest first, hold half of a usual one's papers."""
    usual = float(np.median(totals[1 : 1 + past])) if totals.size > 1 else 0.0
    held = np.cumsum(totals)
    return min(int(np.searchsorted(held, usual / 2)) + 1, totals.size)


def _unit_of(dates: Integers, today: date) -> Unit:
    years = dates // 10_000
    late = (years > today.year - 3) & (years <= today.year)
    known = dates[late] // 100 % 100 > 0
    return "month" if known.size and known.mean() >= KNOWN_SHARE else "year"


def _windows_behind(dates: Integers, today: date, unit: Unit) -> tuple[Integers, Integers]:
    """Return how many windows before today's each date lies, and 0 or why it lies in none."""
    years, months, days = dates // 10_000, dates // 100 % 100, dates % 100
    now = today.year * 10_000 + today.month * 100 + today.day
    # A year alone is to come if the year is; a month alone, if the month is.
    floor = np.where(
        months == 0, now // 10_000 * 10_000, np.where(days == 0, now // 100 * 100, now)
    )
    why = np.zeros(dates.size, dtype=np.int64)
    if unit == "year":
        behind = today.year - years
    elif unit == "month":
        behind = (today.year - years) * 12 + today.month - months
        why[months == 0] = COARSE
    else:
        behind = np.zeros(dates.size, dtype=np.int64)
        why[days == 0] = COARSE
        start = today - timedelta(days=today.weekday()) if unit == "week" else today
        length = 7 if unit == "week" else 1
        told, where = np.unique(dates, return_inverse=True)
        each = np.array([_days_before(int(day), start) for day in told], dtype=np.int64)
        behind = -(-each[where] // length)
    why[dates > floor] = FUTURE
    why[dates == 0] = UNDATED
    return np.where(why == 0, behind, 0), why


def _days_before(number: int, start: date) -> int:
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    if not day:
        return 0
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return (start - date(year, month, min(day, last))).days  # the 31st of a month of 30


def _label(today: date, unit: Unit, behind: int) -> str:
    if unit == "year":
        return f"{today.year - behind}"
    if unit == "month":
        months = today.year * 12 + today.month - 1 - behind
        return f"{months // 12}-{months % 12 + 1:02d}"
    if unit == "day":
        return (today - timedelta(days=behind)).isoformat()
    year, week, _ = (today - timedelta(weeks=behind)).isocalendar()
    return f"{year}-W{week:02d}"


def dates_of(papers: Sequence[Paper]) -> Integers:
    """Return (papers,) int64 dates as `number_of` tells them."""
    return np.array([number_of(paper) for paper in papers], dtype=np.int64)
