"""Quotas: so many accepted events in a calendar day or month, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


_FIRST_DAY = date(1970, 1, 1).toordinal()

NOTICE_AT = 80
"""Per cent of a quota at which its account is told that it runs out."""
USED_UP = 100


class Period(StrEnum):
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Used:
    """Events accepted in one period, named as `2026-11-22` or `2026-11`."""

    period: str
    events: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`remaining` is None where there is no limit."""

    allowed: bool
    remaining: int | None
    resets_at: datetime


def name_of(period: Period, now: datetime) -> str:
    """Return the name of the period that `now` lies in."""
    return now.astimezone(UTC).strftime("%Y-%m-%d" if period is Period.DAY else "%Y-%m")


def number_of(period: Period, now: datetime) -> int:
    """Return the number by which the scripts know a period: days since 1970, or months since the year 0."""
    day = now.astimezone(UTC)
    return day.toordinal() - _FIRST_DAY if period is Period.DAY else day.year * 12 + day.month - 1


def resets_at(period: Period, now: datetime) -> datetime:
    """Return the first instant of the next period."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period is Period.DAY:
        return midnight + timedelta(days=1)
    # The 1st plus 32 days always lies in the next month.
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def current(period: Period, used: Used | None, now: datetime) -> Used:
    """Return what counts now: nothing yet, when what we know is of another period."""
    name = name_of(period, now)
    return used if used is not None and used.period == name else Used(name, 0)


def test(period: Period, used: Used | None, *, cost: int, limit: int | None, now: datetime) -> Verdict:
    """Say whether `cost` more events fit, without counting them."""
    events = current(period, used, now).events
    fits = limit is None or events + cost <= limit
    remaining = None if limit is None else max(limit - events, 0)
    return Verdict(allowed=fits, remaining=remaining, resets_at=resets_at(period, now))


def hit(period: Period, used: Used | None, *, cost: int, limit: int | None, now: datetime) -> tuple[Used, Verdict]:
    """Count `cost` events when they fit; a refusal counts nothing."""
    verdict = test(period, used, cost=cost, limit=limit, now=now)
    before = current(period, used, now)
    if not verdict.allowed:
        return before, verdict
    remaining = None if verdict.remaining is None else verdict.remaining - cost
    return Used(before.period, before.events + cost), Verdict(
        allowed=True, remaining=remaining, resets_at=verdict.resets_at
    )


def threshold(used: int, limit: int | None) -> int:
    """Return the highest threshold, in per cent, that is reached; 0 below them all, and without a limit."""
    if limit is None or used * 100 < limit * NOTICE_AT:
        return 0
    return USED_UP if used >= limit else NOTICE_AT
