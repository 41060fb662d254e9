"""Calendar periods in the zones where people live, with their summer times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import (
    Calendar,
    Unit,
    UnknownPeriodError,
    UnknownZoneError,
    period_named,
    zone_named,
)

if TYPE_CHECKING:
    from app.domain.calendar import Period

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # Clocks changed a minute past midnight until 2011.
    "America/Sao_Paulo",  # Clocks skipped midnight itself until 2018.
    "America/Havana",  # Midnight occurs twice.
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",  # Half an hour of summer time.
    "Pacific/Apia",  # Had no 30 December 2011.
    "Pacific/Chatham",
)
calendars = st.builds(
    Calendar,
    st.sampled_from(list(Unit)),
    st.sampled_from(ZONES),
    st.integers(1, 5),
    st.none() | st.datetimes(datetime.fromisoformat("2000-01-01T00:00"), datetime.fromisoformat("2040-01-01T00:00")),
)
instants = st.datetimes(
    datetime.fromisoformat("1990-01-01T00:00"), datetime.fromisoformat("2037-01-01T00:00"), timezones=st.just(UTC)
)


@given(calendars, instants)
def test_every_instant_lies_in_exactly_one_period(calendar: Calendar, instant: datetime) -> None:
    period = calendar.at(instant)

    assert period.contains(instant)
    assert not period.next().contains(instant)
    assert not period.previous().contains(instant)


@given(calendars, instants)
def test_periods_follow_each_other_without_gap_or_overlap(calendar: Calendar, instant: datetime) -> None:
    period = calendar.at(instant)

    assert period.end == period.next().start
    assert period.next().previous() == period
    assert period.start.tzinfo is UTC


@given(calendars, instants)
def test_the_first_instant_is_inside_and_the_end_is_not(calendar: Calendar, instant: datetime) -> None:
    period = calendar.at(instant)

    assert calendar.at(period.start) == period
    assert not period.contains(period.end)
    assert calendar.at(period.end).start == period.end


@given(st.sampled_from(list(Unit)), st.sampled_from(ZONES), instants)
def test_a_period_is_found_again_by_its_name(unit: Unit, zone: str, instant: datetime) -> None:
    period = Calendar(unit, zone).at(instant)

    assert period_named(period.name, zone) == period


def berlin(year: int, month: int, day: int, hour: int = 12) -> Period:
    return Calendar(Unit.DAY, "Europe/Berlin").at(datetime(year, month, day, hour, tzinfo=ZoneInfo("Europe/Berlin")))


@pytest.mark.parametrize(
    ("month", "day", "hours"), [(3, 28, 24), (3, 29, 23), (3, 30, 24), (10, 24, 24), (10, 25, 25), (10, 26, 24)]
)
def test_the_days_of_2026_in_berlin_have_the_hours_they_have(month: int, day: int, hours: int) -> None:
    assert berlin(2026, month, day).length == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("name", "zone", "start", "end"),
    [
        ("2026-10", "Europe/Berlin", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("2026-10", "America/New_York", "2026-10-01T04:00", "2026-11-01T04:00"),
        ("2024-02", "UTC", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("2026-02", "Asia/Kathmandu", "2026-01-31T18:15", "2026-02-28T18:15"),
        ("2026-W01", "UTC", "2025-12-29T00:00", "2026-01-05T00:00"),
        ("2026-W53", "UTC", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("2026-Q2", "Europe/Berlin", "2026-03-31T22:00", "2026-06-30T22:00"),
        ("2026", "Pacific/Chatham", "2025-12-31T10:15", "2026-12-31T10:15"),
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"),
        # The first hour of the day was skipped: it begins at one o'clock, when there is one.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00", "2018-11-05T02:00"),
        # Midnight came twice, and counts the first time.
        ("2026-11-01", "America/Havana", "2026-11-01T04:00", "2026-11-02T05:00"),
    ],
)
def test_periods_by_example(name: str, zone: str, start: str, end: str) -> None:
    period = period_named(name, zone)

    assert (period.start, period.end) == tuple(datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (start, end))


def test_a_day_that_never_was_is_empty_and_contains_nothing() -> None:
    never = period_named("2011-12-29", "Pacific/Apia").next()

    assert never.length == timedelta(0)
    assert Calendar(Unit.DAY, "Pacific/Apia").at(never.start).name == "2011-12-31"


def test_a_month_begins_on_its_last_day_when_it_has_no_31st() -> None:
    calendar = Calendar(Unit.MONTH, "UTC", anchor=datetime.fromisoformat("2026-01-31T12:00"))

    period = calendar.at(datetime(2026, 3, 1, tzinfo=UTC))

    assert period.start == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert period.end == datetime(2026, 3, 31, 12, tzinfo=UTC)


def test_a_year_that_begins_on_leap_day_begins_on_the_28th_otherwise() -> None:
    calendar = Calendar(Unit.YEAR, "UTC", anchor=datetime.fromisoformat("2024-02-29T00:00"))

    assert calendar.at(datetime(2026, 6, 1, tzinfo=UTC)).start == datetime(2026, 2, 28, tzinfo=UTC)
    assert calendar.at(datetime(2028, 6, 1, tzinfo=UTC)).start == datetime(2028, 2, 29, tzinfo=UTC)


def test_periods_of_several_units_count_from_the_anchor() -> None:
    calendar = Calendar(Unit.WEEK, "UTC", 2, datetime.fromisoformat("2026-01-07T12:00"))

    assert calendar.at(datetime(2026, 1, 21, 11, 59, tzinfo=UTC)).start == datetime(2026, 1, 7, 12, tzinfo=UTC)
    assert calendar.at(datetime(2026, 1, 7, 11, 59, tzinfo=UTC)).start == datetime(2025, 12, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "", "../etc/passwd", "/etc/passwd", "a\0b", "CEST+2x"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnknownZoneError):
        zone_named(name)
    with pytest.raises(UnknownZoneError):
        period_named("2026-10", name)


@pytest.mark.parametrize(
    "name",
    ["2026-13", "2026-00", "2026-02-30", "2026-W54", "2025-W53", "2026-Q5", "26", "", "0000", "october", "2026-1"],
)
def test_a_period_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnknownPeriodError):
        period_named(name)


def test_a_calendar_without_units_or_with_a_zoned_anchor_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Calendar(Unit.DAY, count=0)
    with pytest.raises(ValueError, match="on the wall"):
        Calendar(Unit.DAY, anchor=datetime(2026, 1, 1, tzinfo=UTC))
