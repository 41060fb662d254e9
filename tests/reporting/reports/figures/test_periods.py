"""Months and weeks by name, in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from app.domain.calendar import UnknownPeriodError, UnknownZoneError
from reporting.reports.figures.periods import days_of, hours_of, periods_before, read_period
from reporting.reports.model import Kind

NOW = datetime(2026, 11, 22, 16, 30, 20, tzinfo=UTC)


def test_a_month_begins_at_midnight_of_its_zone() -> None:
    month = read_period("2026-10", "Europe/Berlin", NOW)

    assert (month.kind, month.title, month.complete) == (Kind.MONTHLY, "October 2026", True)
    assert (month.start, month.end) == (datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("2026-W43", "Week 43, 19\u201325 October 2026"),
        ("2026-W44", "Week 44, 26 October\u20131 November 2026"),
        ("2026-W01", "Week 1, 29 December 2025\u20134 January 2026"),
    ],
)
def test_a_week_is_named_as_iso_8601_does_and_says_its_days(name: str, title: str) -> None:
    week = read_period(name, "America/New_York", NOW)

    assert (week.kind, week.title) == (Kind.WEEKLY, title)
    assert week.end - week.start == timedelta(days=7, hours=1 if name == "2026-W44" else 0)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("last month", "2026-10"),
        ("last-month", "2026-10"),
        ("this-month", "2026-11"),
        ("this week", "2026-W47"),
        ("last-week", "2026-W46"),
    ],
)
def test_a_period_may_be_named_from_now(name: str, found: str) -> None:
    assert read_period(name, "UTC", NOW).name == found


def test_where_a_day_has_begun_already_this_month_is_the_next_one() -> None:
    late = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)

    assert read_period("this-month", "Asia/Kathmandu", late).name == "2026-12"


def test_a_period_that_is_not_over_ends_with_the_minute_that_now_is_in() -> None:
    month = read_period("2026-11", "UTC", NOW)

    assert not month.complete
    assert month.until == datetime(2026, 11, 22, 16, 31, tzinfo=UTC)
    assert days_of(month)[-1].day == date(2026, 11, 22)
    assert len(days_of(month)) == 22


@pytest.mark.parametrize("name", ["2026", "2026-Q4", "2026-10-25", "2026-13", "2026-W54", "last-year", "October", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownPeriodError):
        read_period(name, "UTC", NOW)


def test_what_has_not_begun_or_is_of_another_kind_is_refused() -> None:
    with pytest.raises(UnknownPeriodError, match="has not begun"):
        read_period("2026-12", "UTC", NOW)
    with pytest.raises(UnknownPeriodError, match="a weekly report is of a week"):
        read_period("2026-10", "UTC", NOW, Kind.WEEKLY)
    with pytest.raises(UnknownZoneError):
        read_period("2026-10", "Mars/Phobos", NOW)


@pytest.mark.parametrize(
    ("name", "zone", "days", "hours"),
    [
        ("2026-10", "Europe/Berlin", 31, 31 * 24 + 1),
        ("2026-03", "America/New_York", 31, 31 * 24 - 1),
        ("2024-02", "UTC", 29, 29 * 24),
        ("2026-W14", "Pacific/Chatham", 7, 7 * 24 + 1),
        ("2026-04", "Australia/Lord_Howe", 30, 30 * 24 + 1),
    ],
)
def test_days_and_hours_follow_each_other_without_a_gap(name: str, zone: str, days: int, hours: int) -> None:
    period = read_period(name, zone, NOW)

    for cells, count in ((days_of(period), days), (hours_of(period), hours)):
        assert len(cells) == count
        assert all(one.end == other.start for one, other in pairwise(cells))
        assert (cells[-1].end - cells[0].start) * 60 == (period.end - period.start).total_seconds()


def test_periods_before_are_whole_and_oldest_first() -> None:
    before = periods_before(read_period("2026-11", "Europe/Berlin", NOW), 3)

    assert [each.name for each in before] == ["2026-08", "2026-09", "2026-10"]
    assert all(each.complete for each in before)
    assert before[-1].end == read_period("2026-11", "Europe/Berlin", NOW).start
