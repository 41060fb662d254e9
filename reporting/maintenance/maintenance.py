"""Maintenance: time that is excluded from budgets, once or again and again, with who said so and why."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.domain.calendar import zone_named
from app.domain.recurrence import parse_recurrence
from reporting.maintenance import maintenance_store
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=7)
_ID_BYTES = 9


def _new_id() -> str:
    return "m-" + secrets.token_hex(_ID_BYTES)


class MaintenanceError(ValueError):
    """A maintenance window that cannot be."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """`[starts_at, ends_at)` in whole minutes; with an `rrule` that is the first time. Without a service it is for all."""

    service: str | None
    starts_at: datetime
    ends_at: datetime
    rrule: str | None
    timezone: str
    author: str
    reason: str
    created_at: datetime
    maintenance_id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        """Raise `MaintenanceError`, `RecurrenceError` or `UnknownZoneError` for one that says nothing sensible."""
        for name, instant in (("starts_at", self.starts_at), ("ends_at", self.ends_at)):
            if instant.tzinfo is None or instant.second or instant.microsecond:
                raise MaintenanceError(name, "is a whole minute, with its zone: counts are kept by the minute")
        if self.starts_at >= self.ends_at:
            raise MaintenanceError("ends_at", "is after starts_at")
        if self.ends_at - self.starts_at > LONGEST:
            raise MaintenanceError("ends_at", f"is at most {LONGEST.days} days after starts_at")
        first = self.starts_at.astimezone(zone_named(self.timezone)).date()
        if self.rrule is not None and not parse_recurrence(self.rrule).falls_on(first, first):
            raise MaintenanceError("rrule", "does not fall on the day of starts_at, which is the first time")

    def concerns(self, service: str) -> bool:
        return self.service is None or self.service == service

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Give what lies in `[start, end)`, in minutes since 1970."""
        length = (self.ends_at - self.starts_at) // timedelta(minutes=1)
        for since in self._starts(start - length, end):
            until = since + length
            if since < end and start < until:
                yield max(since, start), min(until, end)

    def _starts(self, since: int, end: int) -> Iterator[int]:
        if self.rrule is None:
            yield minute_of(self.starts_at)
            return
        first = self.starts_at.astimezone(zone_named(self.timezone))
        for at in parse_recurrence(self.rrule).occurrences(first, _instant(first, end), _instant(first, since)):
            yield minute_of(at)


class MaintenanceCalendar:
    """Thread-safe. Methods raise `DependencyError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def every(self) -> list[Maintenance]:
        """Return all that were not removed, latest first."""
        with self._database.begin() as connection:
            return self.read(connection)

    @staticmethod
    def read(connection: Connection) -> list[Maintenance]:
        """Return all that were not removed. One that is not understood excludes nothing, and is logged."""
        found = []
        for row in maintenance_store.every(connection):
            try:
                found.append(Maintenance(**row))
            except (ArithmeticError, ValueError):
                log.exception("maintenance_not_understood", maintenance_id=row["maintenance_id"])
        return found

    def add(self, maintenance: Maintenance) -> None:
        with self._database.begin() as connection:
            maintenance_store.add(connection, {name: getattr(maintenance, name) for name in maintenance_store.COLUMNS})

    def remove(self, maintenance_id: str, now: datetime) -> bool:
        """Count its time again, also that of the past; False when there is none."""
        with self._database.begin() as connection:
            return maintenance_store.remove(connection, maintenance_id, now)


def excluded(windows: Iterable[Maintenance], service: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return what is excluded of `[start, end)` for a service: spans of minutes that ascend and do not overlap."""
    spans = sorted(span for window in windows if window.concerns(service) for span in window.spans(start, end))
    merged: list[tuple[int, int]] = []
    for since, until in spans:
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


def _instant(first: datetime, minute: int) -> datetime:
    return first + timedelta(minutes=minute - minute_of(first))
