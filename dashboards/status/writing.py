"""Numbers and times of the page as people read them, in the page's zone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.slo.presentation import decimals_for, percent_down

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal
    from fractions import Fraction
    from zoneinfo import ZoneInfo

_THIN, _TO = "\u202f", "\u2013"
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_DAY = timedelta(days=1)


def percent(ratio: Fraction | None, target: Decimal) -> str:
    """Return a good ratio rounded down, with as many decimals as its target needs."""
    return "no data" if ratio is None else f"{percent_down(ratio, decimals_for(target))}{_THIN}%"


def target_text(target: Decimal) -> str:
    """Return a target without noughts behind it: 99.9 %."""
    return f"{(target * 100).normalize():f}{_THIN}%"


def day_text(on: date) -> str:
    return f"{on.day} {on:%B %Y}"


def short_day(on: date) -> str:
    return f"{on.day} {on:%b}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant to the minute with its zone."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M} {zone_text(at, zone)}"


def clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def zone_text(at: datetime, zone: ZoneInfo) -> str:
    """Return what the zone is called at an instant: CET, or UTC+05:30 where it has no letters."""
    name = at.astimezone(zone).tzname() or "UTC"
    return name if name[:1].isalpha() else f"UTC{name[:3]}:{name[3:] or '00'}"


def span_text(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return from when until when; the day once where it is the same."""
    same = start.astimezone(zone).date() == end.astimezone(zone).date()
    ended = f"{clock(end, zone)} {zone_text(end, zone)}" if same else moment(end, zone)
    return f"{moment(start, zone).rpartition(' ')[0]} {_TO} {ended}"


def length_text(length: timedelta) -> str:
    """Return a length in its two largest units: 2 h 5 min."""
    if length < _MINUTE:
        return "less than a minute"
    if length < _HOUR:
        return f"{length // _MINUTE} min"
    large, small, units = (_HOUR, _MINUTE, ("h", "min")) if length < _DAY else (_DAY, _HOUR, ("d", "h"))
    whole, rest = length // large, length % large // small
    return f"{whole} {units[0]} {rest} {units[1]}" if rest else f"{whole} {units[0]}"
