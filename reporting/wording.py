"""Numbers, times and names from outside as people read them: in reports, mail, charts and pages alike.

No ratio says more than is true (see `reporting.slo.presentation`), and none stands for few: below `FEW` counts are shown.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from app.domain.calendar import zone_named
from reporting.slo.presentation import DECIMALS, decimals_for, percent_down, percent_up

if TYPE_CHECKING:
    from datetime import datetime

FEW = 1_000
"""Below it a percentage would say more than so few can: counts are shown."""
NO_DATA = "no data"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_SECOND_MS = 1_000
_TEN = 10
# Control characters, halves of surrogate pairs, non-characters, and marks that turn the direction of what follows.
_ILLEGIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_BLANKS = re.compile(r"\s+")


def legible(text: str) -> str:
    """Return a text from outside without what would break a document or mislead its reader; what was there shows as �."""
    return _ILLEGIBLE.sub("\ufffd", text)


def short(text: str, most: int = 60) -> str:
    """Return a name from outside in one line of at most `most` characters."""
    line = _BLANKS.sub(" ", legible(text)).strip()
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def number(value: Decimal | int | None) -> str:
    """Return a count with thousands separated; a fraction of one (of an allowance) rounded down."""
    return NO_DATA if value is None else f"{int(value // 1):,}"


def counted(value: int, one: str, many: str = "") -> str:
    """Return `1 incident`, `4 incidents`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def percent(ratio: Decimal | None, *, target: Decimal | None = None, decimals: int = DECIMALS) -> str:
    """Return a good ratio in per cent, rounded down, with as many digits as tell it from the target."""
    shown = percent_down(ratio, decimals if target is None else decimals_for(target, decimals))
    return NO_DATA if shown is None else f"{shown:,f} %"


def bad_percent(ratio: Decimal | None, decimals: int = DECIMALS) -> str:
    """Return a bad ratio in per cent, rounded up."""
    shown = percent_up(ratio, decimals)
    return NO_DATA if shown is None else f"{shown:,f} %"


def share(ratio: Decimal | None, decimals: int = 1) -> str:
    """Return a part of a whole in per cent; parts that were made to add up stay so."""
    return NO_DATA if ratio is None else f"{(ratio * 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,f} %"


def target_percent(target: Decimal | None) -> str:
    """Return a target as it was written: 99.9 %."""
    return "none" if target is None else f"{(target * 100).normalize():f} %"


def points(change: Decimal | None, target: Decimal | None = None) -> str:
    """Return a difference of two ratios in percentage points, with its sign; a loss is never rounded away."""
    places = DECIMALS if target is None else decimals_for(target)
    shown = percent_down(change, places)
    return NO_DATA if shown is None else f"{shown:+,f}".replace("-", "\u2212")


def milliseconds(value: Decimal | None) -> str:
    """Return a duration: 0.4 ms, 468 ms, 1.91 s."""
    if value is None:
        return NO_DATA
    if value >= _SECOND_MS:
        return f"{(value / _SECOND_MS).quantize(Decimal('0.01'), ROUND_HALF_UP).normalize():,f} s"
    return f"{value.quantize(Decimal(1) if value >= _TEN else Decimal('0.1'), ROUND_HALF_UP):f} ms"


def span(seconds: int | None, otherwise: str = "not yet") -> str:
    """Return a stretch of time in its two largest units: 48 s, 7 min, 5 h 40 min, 2 d 3 h."""
    if seconds is None:
        return otherwise
    if seconds < _MINUTE_S:
        return f"{seconds} s"
    if seconds < _HOUR_S:
        return _two(seconds // _MINUTE_S, "min", seconds % _MINUTE_S if seconds < _TEN * _MINUTE_S else 0, "s")
    if seconds < _DAY_S:
        return _two(seconds // _HOUR_S, "h", seconds % _HOUR_S // _MINUTE_S, "min")
    return _two(seconds // _DAY_S, "d", seconds % _DAY_S // _HOUR_S, "h")


def day_and_time(at: datetime, zone: str) -> str:
    """Return a moment on the clock of a place: 13 Oct 10:12."""
    return f"{at.astimezone(zone_named(zone)):%-d %b %H:%M}"


def date_and_time(at: datetime, zone: str, from_utc: bool = True) -> str:  # noqa: FBT001, FBT002 - A filter of templates.
    """Return a moment with its year and its distance from UTC: 13 Oct 2026 10:12 (UTC+02:00)."""
    local = at.astimezone(zone_named(zone))
    if not from_utc:
        return f"{local:%-d %b %Y %H:%M}"
    offset = f"{local:%z}"
    return f"{local:%-d %b %Y %H:%M} (UTC{offset[:3]}:{offset[3:5]})"


def _two(large: int, unit: str, small: int, lesser: str) -> str:
    return f"{large} {unit} {small} {lesser}" if small else f"{large} {unit}"
