"""Keeps request minutes for a while, quarters of an hour for longer, and days for good.

1. A quarter whose minutes are old enough is made from them for the last time, and they are deleted in the same statement.
   Small steps: nobody who writes the minutes of today waits for one.
2. What comes later than that is late by weeks (an old log that is imported). It is added to its quarter and its day, never put
   in their place, and taken out of the minutes by the statement that adds it.
3. Whoever reads a minute that is gone gets its quarter at the quarter's first minute, and of a quarter that is gone the day: sums
   stay right but for the edges of a window.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core import detail_store
from app.core.detail_store import REQUESTS, whole_days
from app.core.restatements_store import Restated, Span, note_late, restated_since
from app.core.telemetry import rollup_store, thinning_store
from app.core.telemetry.rollup_store import DAY, QUARTER

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database

_QUARTER = timedelta(minutes=QUARTER)
_AT_ONCE = 5_000
_MINUTE = timedelta(minutes=1)


class _NotAddedUpError(Exception):
    """Some of a quarter came late, and is in its day only when that is made again: within a minute."""


class RequestThinning:
    """Thread-safe; of several that run at once one works. Methods raise `DependencyError`; what is done stays done."""

    def __init__(self, database: Database, *, minutes_kept: timedelta, quarters_kept: timedelta) -> None:
        self._database = database
        self._minutes_kept = minutes_kept
        self._quarters_kept = quarters_kept

    def run(self, now: datetime) -> int:
        """Thin out what is old enough, and take in what came late; return for how many quarters there was something to do."""
        steps = 0
        with suppress(_NotAddedUpError):
            while self._step(now):
                steps += 1
        return steps

    def purge_quarters(self, now: datetime) -> int:
        """Delete quarters of an hour that are old enough, of which the days stay; return how many."""
        with self._database.begin() as connection:
            reached = rollup_store.hold_progress(connection)
            if reached is None or reached.days_until is None:
                return 0
            minutes_from = detail_store.detail(connection, REQUESTS).minutes_from
            before = min(whole_days(now - self._quarters_kept), whole_days(minutes_from))
            # From here on what is late is added to its day alone.
            detail_store.raise_to(connection, REQUESTS, quarters_from=before)
        purged, step = 0, _AT_ONCE
        while step:
            with self._database.begin() as connection:
                step = thinning_store.purge_quarters(connection, before, most=_AT_ONCE)
            purged += step
        return purged

    def _step(self, now: datetime) -> bool:
        """Take out the oldest quarter; False when there is none, or somebody else is at it."""
        with self._database.begin() as connection:
            reached = rollup_store.hold_progress(connection)
            if reached is None or reached.days_until is None:
                return False
            until = min(whole_days(now - self._minutes_kept), reached.days_until)
            kept = detail_store.detail(connection, REQUESTS)
            services = rollup_store.services(connection)
            first = rollup_store.first_minute(connection, services)
            if first is None or first >= max(until, kept.minutes_from):
                detail_store.raise_to(connection, REQUESTS, minutes_from=until)
                return False
            since = first - (first - detail_store.LONG_AGO) % _QUARTER
            late = since < kept.minutes_from
            widths = [QUARTER] if not late else [DAY] if since < kept.quarters_from else [QUARTER, DAY]
            thinning_store.take(connection, services, since=since, until=since + _QUARTER, widths=widths, adding=late)
            if late:
                minute = (since - detail_store.LONG_AGO) // _MINUTE
                spans = [Span(service, minute, minute + QUARTER - 1) for service in services]
                note_late(connection, Restated.ROLLUPS, spans)
                return True
            noted, _ = restated_since(connection, reached.seen_xid, [Restated.REQUESTS])
            minute = (since - detail_store.LONG_AGO) // _MINUTE
            if any(each.first < minute + QUARTER and minute <= each.last for each in noted):
                raise _NotAddedUpError
            detail_store.raise_to(connection, REQUESTS, minutes_from=since + _QUARTER)
        return True
