"""Rolling and calendar windows, anchored in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import Calendar, Unit
from reporting.slo.windows import CalendarWindow, CompliancePeriod, RollingWindow, instant_of, minute_of

instants = st.datetimes(
    datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-01-01"), timezones=st.just(UTC)
)
windows = st.one_of(
    st.integers(1, 100_000).map(lambda minutes: RollingWindow(timedelta(minutes=minutes))),
    st.builds(Calendar, st.sampled_from(list(Unit)), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])).map(
        CalendarWindow
    ),
)


@given(windows, instants)
def test_now_is_always_inside_and_never_before_what_has_passed(
    window: RollingWindow | CalendarWindow, now: datetime
) -> None:
    period, elapsed = window.at(now), window.elapsed(now)

    assert period.contains(now)
    assert elapsed.contains(now)
    assert elapsed.start == period.start
    assert elapsed.end <= period.end


@given(instants, st.integers(1, 100_000))
def test_a_rolling_window_is_always_equally_long_and_ends_with_the_minute(now: datetime, minutes: int) -> None:
    period = RollingWindow(timedelta(minutes=minutes)).at(now)

    first, last = period.minutes
    assert last - first == minutes
    assert last == minute_of(now) + 1


@given(instants)
def test_minutes_and_instants_are_the_same_thing(now: datetime) -> None:
    assert instant_of(minute_of(now)) == now.replace(second=0, microsecond=0)


def test_a_split_period_has_both_parts_and_nothing_twice() -> None:
    period = RollingWindow(timedelta(hours=2)).at(datetime(2026, 10, 25, 1, 0, tzinfo=UTC))
    cut = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    before, after = period.split(cut)

    assert (before.start, before.end, after.start, after.end) == (period.start, cut, cut, period.end)
    assert not before.contains(cut)


def test_a_period_of_no_order_or_no_zone_is_refused() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    with pytest.raises(ValueError, match="no period"):
        CompliancePeriod(start, start - timedelta(minutes=1))
    with pytest.raises(ValueError, match="no period"):
        CompliancePeriod(start.replace(tzinfo=None), start)


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=30), timedelta(minutes=1, seconds=1)])
def test_a_window_that_is_no_whole_minutes_is_refused(length: timedelta) -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        RollingWindow(length)


def test_a_month_to_date_and_thirty_days_are_different_promises() -> None:
    """sloth #656: a rolling 30-day budget read as month to date is off by hundreds of per cent."""
    now = datetime(2026, 10, 2, 12, tzinfo=UTC)

    assert CalendarWindow(Calendar(Unit.MONTH)).elapsed(now).length == timedelta(days=1, hours=12, minutes=1)
    assert RollingWindow(timedelta(days=30)).elapsed(now).length == timedelta(days=30)


def test_a_period_has_a_nominal_length_where_none_in_particular_is_meant() -> None:
    assert CalendarWindow(Calendar(Unit.QUARTER)).nominal_length == timedelta(days=90)
    assert CalendarWindow(Calendar(Unit.MONTH, count=2)).nominal_length == timedelta(days=60)
    assert RollingWindow(timedelta(days=7)).nominal_length == timedelta(days=7)
