"""Numbers and times as people read them. A good ratio is rounded down, and what was not measured is a dash, never a nought."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from markupsafe import Markup

from reporting.slo.presentation import decimals_for, percent_down, percent_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

NOTHING = "\u2013"
"""Stands for what is not known."""
_THIN = "\u202f"
_MINUS = "\u2212"
_TIMES = "\u00d7"
_HUNDRED = 100
_SECOND_MS = 1_000
_TELLING = 10
"""From so many of a unit on, the next one says little."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_BIG = ((995 * 10**9, "T"), (995 * 10**6, "G"), (995 * 10**3, "M"), (10**4, "k"))
"""From where a unit is used: just below its thousand, which three figures would write as 1e+03."""
_DIVISORS = {"T": 10**12, "G": 10**9, "M": 10**6, "k": 10**3}


def count(number: float | None) -> str:
    """Return a whole number in groups of three."""
    return NOTHING if number is None else f"{number:,.0f}".replace(",", _THIN).replace("-", _MINUS)


def short(number: float | None) -> str:
    """Return a number in three figures: 41.2 M."""
    if number is None:
        return NOTHING
    for size, unit in _BIG:
        if abs(number) >= size:
            return f"{number / _DIVISORS[unit]:.3g}{_THIN}{unit}".replace("-", _MINUS)
    return count(number)


def ratio(good: float, total: float, target: float | None = None) -> str:
    """Return good ÷ total in per cent, rounded down, with the decimals that the target needs."""
    if not total:
        return NOTHING
    decimals = 2 if target is None else decimals_for(Decimal(str(target)))
    return f"{percent_down(Fraction(good) / Fraction(total), decimals)}{_THIN}%"


def percent(value: float | None, decimals: int = 0) -> str:
    """Return a ratio in per cent, rounded down."""
    if value is None:
        return NOTHING
    return f"{percent_down(Decimal(str(value)), decimals)}{_THIN}%".replace("-", _MINUS)


def share_up(value: float | None) -> str:
    """Return a bad ratio in per cent, rounded up to one decimal."""
    return NOTHING if value is None else f"{percent_up(Decimal(str(value)), 1)}{_THIN}%"


def target_text(value: float) -> str:
    """Return a target in per cent without noughts behind it: 99.9 %."""
    return f"{(Decimal(str(value)) * 100).normalize():f}{_THIN}%"


def burn(rate: float | None) -> str:
    """Return a burn rate in two or three figures: 14.4 times."""
    if rate is None:
        return NOTHING
    if rate >= _HUNDRED:
        return f"{rate:.0f}{_TIMES}"
    return f"{rate:.3g}{_TIMES}" if rate >= 1 else f"{rate:.2f}{_TIMES}"


def milliseconds(value: float | None) -> str:
    """Return a duration of a request: 87 ms, 1.42 s."""
    if value is None:
        return NOTHING
    if value >= _SECOND_MS:
        return f"{value / 1_000:.3g}{_THIN}s"
    return f"{value:.3g}{_THIN}ms"


def span(value: timedelta | float | None) -> str:
    """Return a stretch of time in its two greatest units: 6 d 4 h."""
    if value is None:
        return NOTHING
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds <= 0:
        return f"0{_THIN}s"
    parts = []
    for place, (length, unit) in enumerate(_UNITS):
        whole, seconds = divmod(seconds, length)
        if whole:
            parts.append(f"{whole}{_THIN}{unit}")
            following = _UNITS[place + 1] if place + 1 < len(_UNITS) else None
            if following and seconds >= following[0] and whole < _TELLING:
                parts.append(f"{seconds // following[0]}{_THIN}{following[1]}")
            break
    return " ".join(parts)


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was, or how long until it is."""
    if at is None:
        return NOTHING
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def clock_of(zone: ZoneInfo) -> Callable[[datetime | None, str], str]:
    """Return what shows an instant in a zone, with the instant itself for machines and for whoever points at it."""

    def clock(at: datetime | None, style: str = "%-d %b %H:%M") -> str:
        if at is None:
            return NOTHING
        local = at.astimezone(zone)
        text = local.strftime(style)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(timespec="seconds"), local.strftime("%Y-%m-%d %H:%M:%S %Z"), text
        )

    return clock
