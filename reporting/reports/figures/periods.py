"""The month or week that a report is of, in a time zone, and those before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from app.domain.calendar import Calendar, Unit, UnknownPeriodError, period_named, zone_named
from reporting.reports.model import Kind, Period
from reporting.slo.windows import instant_of, minute_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from app.domain import calendar

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_UNITS = {Kind.MONTHLY: Unit.MONTH, Kind.WEEKLY: Unit.WEEK}
_KINDS = {unit: kind for kind, unit in _UNITS.items()}
_BACK = {"this": 0, "last": 1}
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a period, `[start, end)` in minutes since 1970, on a day of its time zone."""

    day: date
    start: int
    end: int


def read_period(name: str, zone: str, now: datetime, kind: Kind | None = None) -> Period:
    """Return the period of a name: `2026-10`, `2026-W43`, `last month`, `this-week`.

    Raises `UnknownPeriodError` for another name, one of another kind, and one that has not begun; `UnknownZoneError`.
    """
    found = _named(name, zone, now)
    if kind is not None and _KINDS.get(found.calendar.unit) is not kind:
        raise UnknownPeriodError(f"{name!r} is no {_UNITS[kind]}; a {kind} report is of a {_UNITS[kind]}")
    if found.start > now:
        raise UnknownPeriodError(f"{name} has not begun")
    return _period(found, now)


def periods_before(period: Period, count: int) -> list[Period]:
    """Return so many periods before one, oldest first; all are over."""
    found: list[Period] = []
    one = period_named(period.name, period.timezone)
    for _ in range(count):
        one = one.previous()
        found.append(_period(one, one.end))
    return found[::-1]


def minutes_of(period: Period) -> tuple[int, int]:
    """Return from where until where figures of a period are, in minutes since 1970."""
    return minute_of(period.start), minute_of(period.until)


def days_of(period: Period) -> list[Cell]:
    """Return the days of a period that have begun, in its time zone; the last may not be over."""
    return list(_cells(period, period.start))


def hours_of(period: Period) -> list[Cell]:
    """Return the same, hour by hour."""
    cells: list[Cell] = []
    for day in days_of(period):
        edges = [*range(day.start, day.end, _HOUR // timedelta(minutes=1)), day.end]
        cells += (Cell(day.day, start, end) for start, end in pairwise(edges))
    return cells


def day_text(moment: datetime, zone: str) -> str:
    """Return a day as people write it, `24 November`."""
    local = moment.astimezone(zone_named(zone))
    return f"{local.day} {MONTHS[local.month - 1]}"


def _cells(period: Period, since: datetime) -> Iterator[Cell]:
    zone = zone_named(period.timezone)
    day = Calendar(Unit.DAY, period.timezone).at(since)
    while day.start < period.until:
        yield Cell(day.start.astimezone(zone).date(), minute_of(day.start), minute_of(min(day.end, period.until)))
        day = day.next()


def _named(name: str, zone: str, now: datetime) -> calendar.Period:
    which, _, unit = name.replace(" ", "-").partition("-")
    if which in _BACK:
        if unit not in {Unit.MONTH, Unit.WEEK}:
            raise UnknownPeriodError(f"{name!r} is not a period; write it like last-month or this-week")
        found = Calendar(Unit(unit), zone).at(now)
        return found.previous() if _BACK[which] else found
    found = period_named(name, zone)
    if found.calendar.unit not in _KINDS:
        raise UnknownPeriodError(f"a report is of a month or a week, like 2026-10 or 2026-W43, and not of {name}")
    return found


def _period(found: calendar.Period, now: datetime) -> Period:
    return Period(
        kind=_KINDS[found.calendar.unit],
        name=found.name,
        title=title_of_period(found),
        timezone=found.calendar.zone,
        start=found.start,
        end=found.end,
        # The minute that now is in counts whole.
        until=min(found.end, instant_of(minute_of(now) + 1)),
    )


def title_of_period(found: calendar.Period) -> str:
    zone = found.calendar.zone
    first = found.start.astimezone(zone_named(zone))
    if found.calendar.unit is Unit.MONTH:
        return f"{MONTHS[first.month - 1]} {first.year}"
    last = (found.end - timedelta(minutes=1)).astimezone(zone_named(zone))
    begins = str(first.day)
    if first.month != last.month:
        begins += f" {MONTHS[first.month - 1]}" + (f" {first.year}" if first.year != last.year else "")
    week = first.isocalendar().week
    return f"Week {week}, {begins}\u2013{last.day} {MONTHS[last.month - 1]} {last.year}"
