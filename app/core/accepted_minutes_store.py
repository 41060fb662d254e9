"""`accepted_minutes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.arrays import BigintArray, TimestampArray, binary_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

_MINUTE_US = 60_000_000

_PUT = """
INSERT INTO accepted_minutes AS kept (shard, minute, events) SELECT unnest(%b), unnest(%b), unnest(%b)
ON CONFLICT (shard, minute) DO UPDATE SET events = excluded.events WHERE excluded.events > kept.events
"""
# The latest of any shard: one step down the index of each.
_LATEST = text("""
    SELECT extract(epoch FROM max(latest))::bigint / 60
      FROM generate_series(0, 15) AS shards (shard)
     CROSS JOIN LATERAL (SELECT max(minute) AS latest FROM accepted_minutes WHERE shard = shards.shard) AS one
""")
_ACCEPTED = text("""
    SELECT extract(epoch FROM minute)::bigint / 60, sum(events)::bigint
      FROM unnest(CAST(:since AS bigint[]), CAST(:until AS bigint[])) AS span (since, until)
     CROSS JOIN generate_series(0, 15) AS shards (shard)
     CROSS JOIN LATERAL (
       SELECT minute, events FROM accepted_minutes
        WHERE shard = shards.shard
          AND minute >= to_timestamp(span.since * 60) AND minute < to_timestamp(span.until * 60)
     ) AS part
     GROUP BY minute
""")


def put(connection: Connection, counts: Mapping[tuple[int, int], int]) -> None:
    """Write counts by shard and minute since 1970; a smaller one than is there changes nothing."""
    keys = sorted(counts)
    if not keys:
        return
    parameters = (
        BigintArray([shard for shard, _ in keys]),
        TimestampArray(minute * _MINUTE_US for _, minute in keys),
        BigintArray([counts[key] for key in keys]),
    )
    binary_cursor(connection).execute(_PUT, parameters)


def latest(connection: Connection) -> int | None:
    """Return the latest minute that has a count."""
    found = connection.execute(_LATEST).scalar_one()
    return None if found is None else int(found)


def accepted(connection: Connection, spans: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return the counts of all shards by minute, in spans `[since, until)` that do not overlap."""
    parameters = {"since": [since for since, _ in spans], "until": [until for _, until in spans]}
    return {int(minute): int(events) for minute, events in connection.execute(_ACCEPTED, parameters)}
