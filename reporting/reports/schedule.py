"""When reports of a subscription are due. Pure; what a day is, a place's clocks say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from app.domain.calendar import zone_named
from reporting.reports.archive import ReportOrder, last_period

if TYPE_CHECKING:
    from app.domain.calendar import Period
    from reporting.reports.model import Kind, Scope

SETTLES = timedelta(minutes=15)
"""No report is made sooner after its period: by then its last requests have been written and added up."""
MOST_CAUGHT_UP = 4
"""Reports that are made of the periods which went by while nothing ran; of more, the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Which reports somebody gets, and at which hour of the day after their period, by the clocks of `timezone`."""

    kind: Kind
    timezone: str
    hour: int
    scope: Scope

    def order(self, period: str) -> ReportOrder:
        return ReportOrder(kind=self.kind, period=period, timezone=self.timezone, scope=self.scope)

    def due_at(self, period: Period) -> datetime:
        """Return when the report of a period is due, in UTC.

        An hour that clocks strike twice is the first; one that they skip is where they skip it.
        """
        zone = zone_named(self.timezone)
        day = period.end.astimezone(zone).date()
        return max(datetime.combine(day, time(self.hour), zone).astimezone(UTC), period.end + SETTLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The periods whose reports are due, the first first; how many older ones are left out, and which comes next, when."""

    periods: tuple[Period, ...]
    skipped: int
    following: Period
    following_at: datetime


def first_period(rhythm: Rhythm, now: datetime) -> Period:
    """Return the first period that a new subscription gets a report of: the one that is going on, or whose hour is to come."""
    period = last_period(rhythm.kind, rhythm.timezone, now)
    return period if rhythm.due_at(period) > now else period.next()


def due(rhythm: Rhythm, following: str, now: datetime) -> Due:
    """Return what is due now, where `following` is the first period whose report was not ordered yet."""
    period = rhythm.order(following).span
    last = last_period(rhythm.kind, rhythm.timezone, now)
    if rhythm.due_at(last) > now:
        last = last.previous()
    missed = max(0, last.number - period.number + 1)
    taken = min(missed, MOST_CAUGHT_UP)
    periods = [last]
    while len(periods) < taken:
        periods.insert(0, periods[0].previous())
    upcoming = last.next() if missed else period
    return Due(
        periods=tuple(periods) if taken else (),
        skipped=missed - taken,
        following=upcoming,
        following_at=rhythm.due_at(upcoming),
    )
