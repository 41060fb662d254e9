"""OpenSLO's durations: a number and one of `m h d w M Q Y`, where `m` is minutes and `M` is months."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

_SHORTHAND = re.compile(r"([0-9]{1,9})([mhdwMQY])")
_LENGTHS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(days=7),
    "M": timedelta(days=30),
    "Q": timedelta(days=90),
    "Y": timedelta(days=365),
}
"""Lengths outside of a calendar; the same as in OpenSLO's SDK for Go."""


class DurationError(ValueError):
    """Not a duration."""


@dataclass(frozen=True, slots=True)
class Duration:
    value: int
    unit: str

    @property
    def length(self) -> timedelta:
        """How long it is where no calendar says otherwise: a month counts 30 days."""
        return self.value * _LENGTHS[self.unit]

    def __str__(self) -> str:
        return f"{self.value}{self.unit}"


def parse_duration(text: str) -> Duration:
    """Read a duration; raises `DurationError`."""
    found = _SHORTHAND.fullmatch(text)
    if not found:
        raise DurationError(f"{text!r} is not a duration; it is a number and one of m h d w M Q Y, like 30d")
    duration = Duration(int(found[1]), found[2])
    try:
        _ = duration.length
    except OverflowError as error:
        raise DurationError(f"{text!r} is longer than time is counted") from error
    return duration


def write_duration(length: timedelta) -> str:
    """Write a length of whole minutes in the widest unit it is a multiple of, up to days: 90m, 6h, 3d."""
    for unit in ("d", "h"):
        if length and length % _LENGTHS[unit] == timedelta(0):
            return f"{length // _LENGTHS[unit]}{unit}"
    return f"{length // _LENGTHS['m']}m"
