"""The windows of a summary, and how each is put together from whole minutes, hours and days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_WIDTHS = (1_440, 60, 1)
"""Minutes in a bucket of the rollups, widest first; in UTC every day has 1,440."""


class Window(StrEnum):
    """How far back a summary looks."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]


_LENGTHS = {
    Window.HOUR: timedelta(hours=1),
    Window.DAY: timedelta(hours=24),
    Window.WEEK: timedelta(days=7),
    Window.MONTH: timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class BucketRange:
    """The buckets of one width (in minutes) that begin in `[start, end)`, both full multiples of the width."""

    width: int
    start: datetime
    end: datetime


def bounds(window: Window, as_of: datetime) -> tuple[datetime, datetime]:
    """Return the window's `[start, end)`: it ends with the minute that `as_of` is in, so that every minute counts whole."""
    end = _floor(as_of, 1) + timedelta(minutes=1)
    return end - window.length, end


def bucket_ranges(start: datetime, end: datetime) -> tuple[BucketRange, ...]:
    """Cut `[start, end)`, of whole minutes, into the fewest buckets that cover it exactly: no gap, no overlap.

    At most five ranges: minutes, hours, days, hours, minutes. So at most 118 + 46 + 30 buckets make 30 days.
    """
    return _ranges(start, end, _WIDTHS)


def _ranges(start: datetime, end: datetime, widths: tuple[int, ...]) -> tuple[BucketRange, ...]:
    if start >= end:
        return ()
    width, *narrower = widths
    first, last = _ceiling(start, width), _floor(end, width)
    if first >= last:
        return _ranges(start, end, tuple(narrower))
    middle = BucketRange(width, first, last)
    return (*_ranges(start, first, tuple(narrower)), middle, *_ranges(last, end, tuple(narrower)))


def _floor(instant: datetime, width: int) -> datetime:
    """Return the last full multiple of `width` minutes, counted from midnight in UTC, that is not after the instant."""
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    step = timedelta(minutes=width)
    return midnight + (instant - midnight) // step * step


def _ceiling(instant: datetime, width: int) -> datetime:
    floor = _floor(instant, width)
    return floor if floor == instant else floor + timedelta(minutes=width)
