"""What happens again and again, after RFC 5545 (`RRULE`): the parts of it that people use for maintenance.

`FREQ` of `DAILY`, `WEEKLY`, `MONTHLY` or `YEARLY`; `INTERVAL`, `COUNT`, `UNTIL`, `BYDAY` (with a number by the month:
`1SU`, `-1FR`), `BYMONTHDAY` and `BYMONTH`. Weeks begin on Monday. Anything else is refused by name. Occurrences are
found by walking over the days of a year, each of which is remembered, so that no rule, however odd or old, takes longer
than the days it is asked for; only one with `COUNT` is walked over from its beginning, once.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BY_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z)?")
_WEEK = 7
_MONTHS = 12
_MOST_DAYS_OF_A_MONTH = 31
_LONGEST_INTERVAL = 1_000
_MOST_COUNT = 100_000
_DAY = timedelta(days=1)


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class RecurrenceError(ValueError):
    """Not a rule that we understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """`weekdays` are pairs of a number in the month (0: every one) and a day from 0, Monday."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    weekdays: frozenset[tuple[int, int]] = frozenset()
    month_days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()

    def falls_on(self, day: date, first: date) -> bool:
        """Say whether it happens on a day, when it begins on the day `first`."""
        return day >= first and self._is_turn(day, first) and self._is_day(day, first)

    def occurrences(self, first: datetime, before: datetime, since: datetime | None = None) -> Iterator[datetime]:
        """Give every occurrence that begins before an instant, in UTC, at the wall-clock time of `first` in its zone.

        Those that begin before `since` are left out.

        A time that clocks skip is where they skip it, and one that occurs twice counts the first time.
        """
        begun, last = first.date(), before.astimezone(first.tzinfo).date()
        # A day more, for clocks that are set back at midnight.
        earliest = begun if since is None else max(begun, since.astimezone(first.tzinfo).date() - _DAY)
        left = self.count
        for year in range(earliest.year if left is None else begun.year, last.year + 1):
            days = _days_of(self, begun, year)[:left]
            left = None if left is None else left - len(days)
            for day in days[bisect_left(days, earliest) :]:
                at = datetime.combine(day, first.time(), first.tzinfo).astimezone(UTC)
                if at >= before or (self.until is not None and at > self.until):
                    return
                if since is None or at >= since:
                    yield at

    def _is_turn(self, day: date, first: date) -> bool:
        if self.frequency is Frequency.DAILY:
            passed = (day - first).days
        elif self.frequency is Frequency.WEEKLY:
            passed = (_monday(day) - _monday(first)).days // _WEEK
        elif self.frequency is Frequency.MONTHLY:
            passed = (day.year - first.year) * _MONTHS + day.month - first.month
        else:
            passed = day.year - first.year
        return passed % self.interval == 0

    def _is_day(self, day: date, first: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not self.month_days.intersection({day.day, day.day - length - 1}):
            return False
        if self.weekdays:
            from_start, from_end = (day.day - 1) // _WEEK + 1, -((length - day.day) // _WEEK + 1)
            return any((number, day.weekday()) in self.weekdays for number in (0, from_start, from_end))
        if self.month_days or self.frequency is Frequency.DAILY:
            return True
        if self.frequency is Frequency.WEEKLY:
            return day.weekday() == first.weekday()
        same_month = self.frequency is Frequency.MONTHLY or bool(self.months) or day.month == first.month
        return day.day == first.day and same_month


@lru_cache(maxsize=2_048)
def _days_of(rule: Recurrence, first: date, year: int) -> tuple[date, ...]:
    """Return the days of a year that a rule falls on."""
    days = range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
    return tuple(day for day in map(date.fromordinal, days) if rule.falls_on(day, first))


def parse_recurrence(text: str) -> Recurrence:
    """Read a rule such as `FREQ=MONTHLY;BYDAY=1SU`, with or without `RRULE:`; raises `RecurrenceError`."""
    parts: dict[str, str] = {}
    for part in text.strip().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise RecurrenceError(f"{part!r} is not a part of a rule, like FREQ=WEEKLY, or is there twice")
        parts[name] = value
    unknown = parts.keys() - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH"}
    if unknown:
        raise RecurrenceError(f"{', '.join(sorted(unknown))} is not supported")
    if parts.get("FREQ") not in set(Frequency):
        raise RecurrenceError(f"FREQ is one of {', '.join(Frequency)}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceError("a rule has COUNT or UNTIL, not both")
    rule = Recurrence(
        frequency=Frequency(parts["FREQ"]),
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), 1, _LONGEST_INTERVAL),
        count=_number("COUNT", parts["COUNT"], 1, _MOST_COUNT) if "COUNT" in parts else None,
        until=_instant(parts["UNTIL"]) if "UNTIL" in parts else None,
        weekdays=_weekdays(parts["BYDAY"]) if "BYDAY" in parts else frozenset(),
        month_days=_numbers("BYMONTHDAY", parts.get("BYMONTHDAY"), _MOST_DAYS_OF_A_MONTH, negative=True),
        months=_numbers("BYMONTH", parts.get("BYMONTH"), _MONTHS),
    )
    numbered = any(number for number, _ in rule.weekdays)
    by_month = rule.frequency is Frequency.MONTHLY or (rule.frequency is Frequency.YEARLY and rule.months)
    if numbered and not by_month:
        raise RecurrenceError("a number in BYDAY counts days of a month: it goes with FREQ=MONTHLY or with BYMONTH")
    return rule


def _weekdays(text: str) -> frozenset[tuple[int, int]]:
    days = set()
    for part in text.split(","):
        found = _BY_DAY.fullmatch(part)
        if found is None:
            raise RecurrenceError(f"BYDAY is a list like MO,WE or 1SU, and {part!r} is no such day")
        days.add((int(found[1] or 0), _WEEKDAYS.index(found[2])))
    return frozenset(days)


def _numbers(name: str, text: str | None, most: int, *, negative: bool = False) -> frozenset[int]:
    if text is None:
        return frozenset()
    found = frozenset(_number(name, part, -most if negative else 1, most) for part in text.split(","))
    if 0 in found:
        raise RecurrenceError(f"{name} has no 0")
    return found


def _number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise RecurrenceError(f"{name} is a number from {least} to {most}, not {text!r}")
    return int(text)


def _instant(text: str) -> datetime:
    """Read an UNTIL; a date alone is the whole of that day (UTC)."""
    found = _UNTIL.fullmatch(text)
    if found is None:
        raise RecurrenceError(f"UNTIL is written like 20261231T235959Z, not {text!r}")
    try:
        year, month, day, hour, minute, second = (int(number or 0) for number in found.groups())
        until = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise RecurrenceError(f"UNTIL is no date: {text!r}") from error
    return until if found[4] is not None else until + _DAY - timedelta(microseconds=1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
