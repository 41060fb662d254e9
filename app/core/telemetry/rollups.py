"""Adds up request minutes as they become over, and again what was written to later.

1. Quarters of an hour that ended `SETTLED` ago, and of them the days that are whole, are added up once.
2. What writers have noted as late (`app.core.restatements_store`) is added up again, and noted in turn, because somebody may
   have read a quarter between the late write and this.

Until it gets there readers take the minutes themselves, so that nothing is wrong while no worker runs, only slower.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core import detail_store, restatements_store
from app.core.detail_store import REQUESTS
from app.core.restatements_store import SETTLED, Restated, Span, note_late, restated_since
from app.core.telemetry import rollup_store
from app.core.telemetry.rollup_store import DAY, QUARTER, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.restatements_store import Restatement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=QUARTER)
_PURGED_AT_ONCE = 5_000


class Rollups:
    """Thread-safe; of several that run at once one works. Methods raise `DependencyError`; what is done stays done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_up(self, now: datetime) -> int:
        """Add up what is over and what was late; return for how many days there was something to do."""
        with self._database.begin() as connection:
            rollup_store.begin(connection)
        days = self._repeat()
        while self._next_day(now):
            days += 1
        return days

    def purge_restatements(self, now: datetime) -> int:
        """Delete notes that nobody asks for any more; return how many."""
        purged, step = 0, _PURGED_AT_ONCE
        while step == _PURGED_AT_ONCE:
            with self._database.begin() as connection:
                step = restatements_store.purge(connection, now, limit=_PURGED_AT_ONCE)
            purged += step
        return purged

    def _next_day(self, now: datetime) -> bool:
        """Add up the next day, or what of it is over; False when that was nothing, or somebody else is at it."""
        with self._database.begin() as connection:
            reached = rollup_store.hold_progress(connection)
            if reached is None:
                return False
            services = rollup_store.services(connection)
            since = reached.quarters_until or rollup_store.first_minute(connection, services)
            if since is None:
                return False
            since = _floor(since, _QUARTER)
            until = min(_floor(since, _DAY) + _DAY, _floor(now - SETTLED, _QUARTER))
            if since >= until:
                return False
            rollup_store.add_up(connection, services, width=QUARTER, since=since, until=until)
            days_until = _floor(until, _DAY)
            days_since = reached.days_until or _floor(since, _DAY)
            if days_since < days_until:
                rollup_store.add_up(connection, services, width=DAY, since=days_since, until=days_until)
            rollup_store.move(connection, Progress(until, max(days_since, days_until), reached.seen_xid))
        return True

    def _repeat(self) -> int:
        """Add up again what was late, each day in a transaction of its own; return for how many days."""
        with self._database.begin() as connection:
            reached = rollup_store.hold_progress(connection)
            if reached is None:
                return 0
            noted, seen_xid = restated_since(connection, reached.seen_xid, [Restated.REQUESTS])
        days = _by_day(noted, reached)
        for day, spans in sorted(days.items()):
            with self._database.begin() as connection:
                reached = rollup_store.hold_progress(connection)
                if reached is None:
                    return 0
                self._repeat_day(connection, _EPOCH + day * _DAY, {span.scope for span in spans}, reached)
                note_late(connection, Restated.ROLLUPS, spans)
        with self._database.begin() as connection:
            reached = rollup_store.hold_progress(connection)
            if reached is not None:
                rollup_store.move(connection, reached._replace(seen_xid=max(reached.seen_xid, seen_xid)))
        return len(days)

    @staticmethod
    def _repeat_day(connection: Connection, day: datetime, services: set[str], reached: Progress) -> None:
        """Make it again of its minutes, as far as they are kept; what is late of others `RequestThinning` adds to it."""
        since = max(day, detail_store.detail(connection, REQUESTS).minutes_from)
        until = min(day + _DAY, reached.quarters_until or day)
        if since >= day + _DAY:
            return
        if since < until:
            rollup_store.add_up(connection, sorted(services), width=QUARTER, since=since, until=until)
        if reached.days_until is not None and day < reached.days_until:
            rollup_store.add_up(connection, sorted(services), width=DAY, since=day, until=day + _DAY)


def _by_day(noted: Iterable[Restatement], reached: Progress) -> dict[int, set[Span]]:
    """Return what was written to of the days that are added up, by days since 1970."""
    days: dict[int, set[Span]] = {}
    until = 0 if reached.quarters_until is None else _minute(reached.quarters_until)
    for each in noted:
        for day in range(each.first // DAY, min(each.last, until - 1) // DAY + 1):
            span = Span(each.scope, max(each.first, day * DAY), min(each.last, day * DAY + DAY - 1))
            days.setdefault(day, set()).add(span)
    return days


def _minute(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(minutes=1)


def _floor(instant: datetime, width: timedelta) -> datetime:
    return _EPOCH + (instant - _EPOCH) // width * width
