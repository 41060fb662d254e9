"""Folds the minutes of ingestion that are old enough: a quarter of an hour into its first minute, and later a day into its.

Nothing is deleted but what is added to another row by the same statement, so sums stay right but for the edges of a window. What
comes later than that is folded with the next run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.core import minute_folding_store
from app.core.detail_store import DAY, whole_days

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database

_QUARTER = timedelta(minutes=15)


class MinuteFolding:
    """Thread-safe. Methods raise `DependencyError`; what is done stays done."""

    def __init__(self, database: Database, *, minutes_kept: timedelta, quarters_kept: timedelta) -> None:
        self._database = database
        self._kept = ((minutes_kept, _QUARTER), (quarters_kept, DAY))

    def run(self, now: datetime) -> int:
        """Fold what is old enough, an hour or a day of a table at a time; return how many rows went into others."""
        folded = 0
        for kept, width in self._kept:
            until = whole_days(now - kept)
            for table in minute_folding_store.TABLES:
                since: datetime | None = None
                while True:
                    with self._database.begin() as connection:
                        since = minute_folding_store.next_loose(connection, table, width, since=since, until=until)
                        if since is None:
                            break
                        folded += minute_folding_store.fold(connection, table, width, since=since, until=since + DAY)
                    since += DAY
        return folded
