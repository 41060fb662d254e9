"""Days, weeks, months, quarters and years as people in a place live them: half-open, without gap or overlap.

A calendar cuts all of time into periods; a period is one of them. Boundaries are wall-clock times of an IANA zone, so
a day has 23, 24 or 25 hours, and a month is as long as it is.
"""

from __future__ import annotations

import calendar as gregorian
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_DAYS = {Unit.DAY: 1, Unit.WEEK: 7}
_MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
_MONTHS_OF_A_YEAR = 12
_MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - Wall-clock time; the zone comes with the calendar.
_FIRST = datetime(1970, 1, 1)  # noqa: DTZ001
_NAMES = (
    (Unit.DAY, re.compile(r"(\d{4})-(\d\d)-(\d\d)")),
    (Unit.WEEK, re.compile(r"(\d{4})-W(\d\d)")),
    (Unit.QUARTER, re.compile(r"(\d{4})-Q([1-4])")),
    (Unit.MONTH, re.compile(r"(\d{4})-(\d\d)")),
    (Unit.YEAR, re.compile(r"(\d{4})")),
)


class UnknownZoneError(ValueError):
    """Not a zone of the IANA database."""


class UnknownPeriodError(ValueError):
    """Not the name of a period."""


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone of that name; raises `UnknownZoneError`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        # An OSError is what the name of a directory of zones ends in ("Europe").
        raise UnknownZoneError(f"there is no time zone {name!r}; it is a name like Europe/Berlin") from error


@dataclass(frozen=True, slots=True)
class Calendar:
    """Periods of `count` units, of which one begins at `anchor`, a wall-clock time of `zone` without a zone of its own.

    Without an anchor they begin where everybody expects it: at midnight, weeks on Monday (ISO 8601), years on the
    first of January. A month that is too short for the anchor's day begins on its last one.
    """

    unit: Unit
    zone: str = "UTC"
    count: int = 1
    anchor: datetime | None = None

    def __post_init__(self) -> None:
        zone_named(self.zone)
        if self.count < 1:
            raise ValueError(f"a period has at least one {self.unit}, not {self.count}")
        if self.anchor is not None and self.anchor.tzinfo is not None:
            raise ValueError("the anchor of a calendar is a time on the wall; its zone is the calendar's")

    def at(self, instant: datetime) -> Period:
        """Return the period that an instant lies in."""
        wall = instant.astimezone(zone_named(self.zone)).replace(tzinfo=None)
        period = Period(self, self._estimate(wall))
        # Near a boundary where clocks are set back the wall does not say on which side an instant is.
        while instant < period.start:
            period = period.previous()
        while instant >= period.end:
            period = period.next()
        return period

    def boundary(self, number: int) -> datetime:
        """Return the instant (UTC) at which the period of that number, counted from the anchor's, begins.

        A wall-clock time that occurs twice counts the first time; one that clocks skip is where they skip it.
        """
        return self._wall(number).replace(tzinfo=zone_named(self.zone)).astimezone(UTC)

    def _wall(self, number: int) -> datetime:
        anchor = self._anchor()
        if self.unit in _DAYS:
            return anchor + timedelta(days=number * self.count * _DAYS[self.unit])
        months = anchor.year * _MONTHS_OF_A_YEAR + anchor.month - 1 + number * self.count * _MONTHS[self.unit]
        year, month = divmod(months, _MONTHS_OF_A_YEAR)
        last = gregorian.monthrange(year, month + 1)[1]
        return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last))

    def _anchor(self) -> datetime:
        return self.anchor or (_MONDAY if self.unit is Unit.WEEK else _FIRST)

    def _estimate(self, wall: datetime) -> int:
        anchor = self._anchor()
        if self.unit in _DAYS:
            return (wall - anchor) // timedelta(days=self.count * _DAYS[self.unit])
        months = (wall.year - anchor.year) * _MONTHS_OF_A_YEAR + wall.month - anchor.month
        return months // (self.count * _MONTHS[self.unit])


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a calendar: `[start, end)`, both in UTC."""

    calendar: Calendar
    number: int

    @property
    def start(self) -> datetime:
        return self.calendar.boundary(self.number)

    @property
    def end(self) -> datetime:
        return self.calendar.boundary(self.number + 1)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def next(self) -> Period:
        return Period(self.calendar, self.number + 1)

    def previous(self) -> Period:
        return Period(self.calendar, self.number - 1)

    @property
    def name(self) -> str:
        """The name people write: `2026-10-25`, `2026-W43`, `2026-10`, `2026-Q4`, `2026`; else its first day."""
        first = self.start.astimezone(zone_named(self.calendar.zone))
        plain = self.calendar.count == 1 and self.calendar.anchor is None
        if not plain or self.calendar.unit is Unit.DAY:
            return f"{first:%Y-%m-%d}"
        if self.calendar.unit is Unit.WEEK:
            year, week, _ = first.isocalendar()
            return f"{year:04}-W{week:02}"
        if self.calendar.unit is Unit.QUARTER:
            return f"{first:%Y}-Q{(first.month + 2) // 3}"
        return f"{first:%Y-%m}" if self.calendar.unit is Unit.MONTH else f"{first:%Y}"


def period_named(name: str, zone: str = "UTC") -> Period:
    """Return the period of a name as `Period.name` writes it, in a zone.

    Raises `UnknownPeriodError` and `UnknownZoneError`.
    """
    for unit, pattern in _NAMES:
        if found := pattern.fullmatch(name):
            numbers = [int(number) for number in found.groups()]
            try:
                return Calendar(unit, zone).at(_first_day(unit, numbers).replace(tzinfo=zone_named(zone)))
            except UnknownZoneError:
                raise
            except (ValueError, OverflowError) as error:
                raise UnknownPeriodError(f"there is no {unit} {name}: {error}") from error
    raise UnknownPeriodError(f"{name!r} is not a period; write it like 2026-10, 2026-W43, 2026-Q4, 2026 or 2026-10-25")


def _first_day(unit: Unit, numbers: list[int]) -> datetime:
    year, part, day = [*numbers, 1, 1][:3]
    if unit is Unit.WEEK:
        return datetime.fromisocalendar(year, part, 1)
    month = 3 * part - 2 if unit is Unit.QUARTER else part
    return datetime(year, month, day)  # noqa: DTZ001 - The caller gives it its zone.
