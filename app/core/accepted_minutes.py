"""How many events were accepted in each minute: what admission counts in Valkey, kept for good in PostgreSQL.

A minute's number only grows, until the minute is over. So it may be copied at any time and by anybody, and the larger
number is the truth. What is not copied yet is read from Valkey: while no worker runs, nobody copies.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core import accepted_minutes_store
from app.core.keyspace import accepted_minutes
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.valkey import Valkey

KEPT = timedelta(days=40)
"""As long as Valkey has minutes one by one."""
_OVERLAP = 5
"""Minutes that are looked at again: those that were not over when they were copied."""
_MARKED_EVERY = 60
"""Minutes without events after which one is kept with a count of 0, so that nobody looks back any further."""
_AT_ONCE = 5_000


class AcceptedMinutes:
    """Thread-safe. Methods raise `DependencyError`."""

    def __init__(self, database: Database, valkey: Valkey) -> None:
        self._database = database
        self._valkey = valkey

    def keep(self, now: datetime) -> int:
        """Copy what PostgreSQL does not have yet; return the number of counts written."""
        with self._database.begin() as connection:
            since = self.kept_until(connection, now)
        counts = self._counted(range(since, _minute(now) + 1))
        latest = max((minute for _, minute in counts), default=since)
        mark = {(0, _minute(now)): 0} if latest < _minute(now) - _MARKED_EVERY else {}
        with self._database.begin() as connection:
            accepted_minutes_store.put(connection, counts | mark)
        return len(counts)

    def accepted(self, connection: Connection, spans: Sequence[tuple[int, int]], now: datetime) -> Mapping[int, int]:
        """Return events accepted by minute since 1970, in spans `[start, end)`; minutes without any may be left out."""
        accepted = accepted_minutes_store.accepted(connection, spans)
        since = self.kept_until(connection, now)
        minutes = [minute for start, end in spans for minute in range(max(start, since), min(end, _minute(now) + 1))]
        live: Counter[int] = Counter()
        for (_, minute), events in self._counted(sorted(set(minutes))).items():
            live[minute] += events
        return {**accepted, **{minute: max(events, accepted.get(minute, 0)) for minute, events in live.items()}}

    def kept_until(self, connection: Connection, now: datetime) -> int:
        """Return the first minute (since 1970) that Valkey has to be asked for."""
        oldest = _minute(now - KEPT)
        latest = accepted_minutes_store.latest(connection)
        return oldest if latest is None else max(oldest, latest - _OVERLAP)

    def _counted(self, minutes: Sequence[int]) -> dict[tuple[int, int], int]:
        """Return what Valkey has counted, by shard and minute."""
        counts: dict[tuple[int, int], int] = {}
        for start in range(0, len(minutes), _AT_ONCE):
            some = minutes[start : start + _AT_ONCE]
            replies = self._valkey.pipeline([("HMGET", accepted_minutes(shard), *some) for shard in range(SHARDS)])
            for shard, values in enumerate(replies):
                counts.update(
                    {(shard, minute): int(events) for minute, events in zip(some, values, strict=True) if events}
                )
        return counts


def _minute(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(minutes=1)
