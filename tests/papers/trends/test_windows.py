"""Windows of dates, and the papers that are in none."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.windows import (
    COARSE,
    FUTURE,
    OLD,
    UNDATED,
    LeftOut,
    calendar,
    dates_of,
    number_of,
)

TODAY = date(2026, 3, 18)  # a Wednesday


def numbers(*dates):
    return np.array(dates, dtype=np.int64)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"unit": "decade"}, "no window"),
        ({"past": 2}, "no usual spread"),
        ({"recent": 0}, "hold nothing"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given, problem):
    with pytest.raises(InputError, match=problem):
        calendar(numbers(20260101), TODAY, **given)


def test_a_date_is_read_as_finely_as_it_is_known():
    papers = [
        Paper("a", "A", date="2024-05-06", year=2020),
        Paper("b", "B", date="2024-05"),
        Paper("c", "C", year=2024),
        Paper("d", "D"),
    ]
    assert dates_of(papers).tolist() == [20240506, 20240500, 20240000, 0]
    assert number_of(papers[0]) == 20240506


def test_papers_without_a_date_or_with_one_to_come_are_counted_and_in_no_window():
    dates = numbers(0, 20260318, 20260319, 20260300, 20260400, 20260000, 20270000, 20260101)
    told = calendar(dates, TODAY, "month", recent=1)
    assert told.places.tolist()[0] == UNDATED
    assert told.places.tolist()[2] == FUTURE  # tomorrow
    assert told.places.tolist()[4] == FUTURE  # next month
    assert told.places.tolist()[5] == COARSE  # a year alone among months
    assert told.places.tolist()[6] == FUTURE  # next year
    assert told.left_out == LeftOut(undated=1, coarse=1, future=3)
    assert str(told.left_out) == (
        "left out: 1 without a date, 1 with too coarse a date, 3 with a date to come"
    )
    assert told.totals.tolist() == [1, 0, 2]
    assert told.labels == ("2026-01", "2026-02", "2026-03")


def test_a_year_alone_is_enough_for_years():
    told = calendar(numbers(20260000, 20250101, 20200000), TODAY, "year", past=3, recent=1)
    assert told.labels == ("2023", "2024", "2025", "2026")
    assert told.places.tolist() == [3, 2, OLD]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.sampled_from(["day", "week"]))
def test_days_and_weeks_are_those_of_the_calendar(ago, unit):
    days = [TODAY - timedelta(days=each) for each in ago]
    dates = numbers(*(day.year * 10_000 + day.month * 100 + day.day for day in days))
    told = calendar(dates, TODAY, unit, past=100, recent=1)
    for place, day in zip(told.places.tolist(), days, strict=True):
        year, week, _ = day.isocalendar()
        name = day.isoformat() if unit == "day" else f"{year}-W{week:02d}"
        if place == OLD:
            assert name not in told.labels
        else:
            assert told.labels[place] == name
    assert told.totals.sum() == (told.places >= 0).sum()


def test_months_are_taken_where_nine_of_ten_recent_papers_have_one():
    months, years = [20260100] * 9, [20250000]
    assert calendar(numbers(*months, *years), TODAY).unit == "month"
    assert calendar(numbers(*months, *years, *years), TODAY).unit == "year"


def test_a_window_that_has_hardly_begun_takes_the_one_before_it_along():
    dates = numbers(*[20230000] * 10, *[20240000] * 10, *[20250000] * 10, *[20260000] * 2)
    assert calendar(dates, TODAY, "year").recent == 2
    assert calendar(np.append(dates, [20260000] * 3), TODAY, "year").recent == 1


def test_the_31st_of_a_month_of_30_days_is_its_last():
    told = calendar(numbers(20260231), TODAY, "day", recent=1)
    assert told.labels[told.places[0]] == "2026-02-28"


def test_no_papers_make_one_empty_window():
    told = calendar(numbers(), TODAY)
    assert told.totals.tolist() == [0]
