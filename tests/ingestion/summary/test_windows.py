"""Windows: where they begin and end, and the buckets that make them up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.summary.windows import BucketRange, Window, bounds, bucket_ranges

MINUTE = timedelta(minutes=1)
minutes = st.integers(0, 60 * 24 * 40).map(lambda count: datetime(2026, 2, 20, tzinfo=UTC) + count * MINUTE)
instants = st.datetimes(timezones=st.just(UTC))


@given(st.sampled_from(Window), instants)
def test_a_window_ends_with_the_minute_that_is_running(window: Window, as_of: datetime) -> None:
    start, end = bounds(window, as_of)

    assert timedelta(0) < end - as_of <= MINUTE
    assert (end.second, end.microsecond) == (0, 0)
    assert end - start == window.length


def test_on_the_full_minute_the_window_ends_with_the_minute_that_begins() -> None:
    start, end = bounds(Window.HOUR, datetime(2026, 3, 1, 0, 0, tzinfo=UTC))

    assert (start, end) == (datetime(2026, 2, 28, 23, 1, tzinfo=UTC), datetime(2026, 3, 1, 0, 1, tzinfo=UTC))


@given(minutes, minutes)
def test_the_buckets_of_a_window_cover_it_without_gap_or_overlap(one: datetime, other: datetime) -> None:
    start, end = sorted((one, other))

    ranges = bucket_ranges(start, end)

    at = start
    for part in ranges:
        assert part.start == at
        assert part.start < part.end
        at = part.end
    assert at == end or not ranges
    assert bool(ranges) == (start < end)


@given(minutes, minutes)
def test_every_bucket_is_whole_and_as_wide_as_it_can_be(one: datetime, other: datetime) -> None:
    ranges = bucket_ranges(*sorted((one, other)))

    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    for part in ranges:
        for edge in (part.start, part.end):
            assert (edge - midnight) % timedelta(minutes=part.width) == timedelta(0)
    widths = [part.width for part in ranges]
    assert (
        widths[: widths.index(max(widths)) + 1] == sorted(set(widths[: widths.index(max(widths)) + 1]))
        if widths
        else True
    )
    assert len(ranges) <= 5
    assert sum((part.end - part.start) // timedelta(minutes=part.width) for part in ranges) <= 118 + 46 + 40


def test_thirty_days_are_minutes_hours_days_hours_minutes() -> None:
    def at(day: int, hour: int, minute: int, month: int = 3) -> datetime:
        return datetime(2026, month, day, hour, minute, tzinfo=UTC)

    assert bucket_ranges(at(3, 5, 7), at(2, 5, 7, month=4)) == (
        BucketRange(1, at(3, 5, 7), at(3, 6, 0)),
        BucketRange(60, at(3, 6, 0), at(4, 0, 0)),
        BucketRange(1_440, at(4, 0, 0), at(2, 0, 0, month=4)),
        BucketRange(60, at(2, 0, 0, month=4), at(2, 5, 0, month=4)),
        BucketRange(1, at(2, 5, 0, month=4), at(2, 5, 7, month=4)),
    )


@pytest.mark.parametrize("hours", [-9.5, 5.75])
def test_buckets_are_those_of_utc_wherever_the_time_was_written(hours: float) -> None:
    zone = timezone(timedelta(hours=hours))
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)

    assert bucket_ranges(start.astimezone(zone), end.astimezone(zone)) == (BucketRange(1_440, start, end),)
