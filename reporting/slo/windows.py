"""The span over which a promise holds: rolling, or by a calendar; anchored in time it is a compliance period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.domain.calendar import Unit

if TYPE_CHECKING:
    from app.domain.calendar import Calendar

_NOMINAL = {
    Unit.DAY: timedelta(days=1),
    Unit.WEEK: timedelta(days=7),
    Unit.MONTH: timedelta(days=30),
    Unit.QUARTER: timedelta(days=90),
    Unit.YEAR: timedelta(days=365),
}
MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minute_of(instant: datetime) -> int:
    """Return the minute that an instant lies in, in minutes since 1970."""
    return (instant - _EPOCH) // MINUTE


def instant_of(minute: int) -> datetime:
    """Return the instant (UTC) at which a minute since 1970 begins."""
    return _EPOCH + minute * MINUTE


@dataclass(frozen=True, slots=True)
class CompliancePeriod:
    """`[start, end)` in UTC; in whole minutes, because that is what is counted."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start > self.end:
            raise ValueError(f"[{self.start}, {self.end}) is no period")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def minutes(self) -> tuple[int, int]:
        """The same, in minutes since 1970."""
        return minute_of(self.start), minute_of(self.end)

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def split(self, at: datetime) -> tuple[CompliancePeriod, CompliancePeriod]:
        """Cut it in two at an instant inside it or on its edge."""
        return CompliancePeriod(self.start, at), CompliancePeriod(at, self.end)


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """The time up to now, always equally long; it ends with the minute that now is in, so that every minute counts whole."""

    length: timedelta

    def __post_init__(self) -> None:
        if self.length < MINUTE or self.length % MINUTE:
            raise ValueError(f"a window is some whole minutes long, and not {self.length}")

    @property
    def nominal_length(self) -> timedelta:
        return self.length

    def at(self, now: datetime) -> CompliancePeriod:
        end = instant_of(minute_of(now) + 1)
        return CompliancePeriod(end - self.length, end)

    def elapsed(self, now: datetime) -> CompliancePeriod:
        """Return what has passed of the period: all of it."""
        return self.at(now)


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """The period of a calendar that now is in; its budget begins anew with each of them."""

    calendar: Calendar

    @property
    def nominal_length(self) -> timedelta:
        """How long a period is about, where none in particular is meant: a month counts 30 days."""
        return self.calendar.count * _NOMINAL[self.calendar.unit]

    def at(self, now: datetime) -> CompliancePeriod:
        period = self.calendar.at(now)
        return CompliancePeriod(period.start, period.end)

    def elapsed(self, now: datetime) -> CompliancePeriod:
        """Return what has passed of the period, up to the end of the minute that now is in."""
        period = self.at(now)
        return CompliancePeriod(period.start, min(period.end, instant_of(minute_of(now) + 1)))


Window = RollingWindow | CalendarWindow
