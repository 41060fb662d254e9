"""`accepted_minutes` and `outcome_minutes`, as far as they are folded into wider spans of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

_KEYS = {"accepted_minutes": "shard, minute", "outcome_minutes": "shard, minute, outcome, delay_s"}
TABLES = tuple(_KEYS)
# The latest accepted minute says from where on Valkey is asked for more, so its day stays as it is.
_NEXT = """
    SELECT date_bin('1 day', min(found.minute), 'epoch') FROM generate_series(0, 15) AS shards (shard)
     CROSS JOIN LATERAL (
       SELECT minute FROM {table}
        WHERE shard = shards.shard AND minute < :until AND (CAST(:since AS timestamptz) IS NULL OR minute >= :since)
          AND minute <> date_bin(:width, minute, 'epoch')
          AND minute < (SELECT max(minute) - interval '1 day' FROM accepted_minutes)
        ORDER BY minute LIMIT 1
     ) AS found
"""
_FOLD = """
    WITH gone AS (
      DELETE FROM {table}
       WHERE shard BETWEEN 0 AND 15 AND minute >= :since AND minute < :until AND minute <> date_bin(:width, minute, 'epoch')
      RETURNING *
    ), folded AS (
      INSERT INTO {table} AS kept ({keys}, events)
      SELECT {binned}, sum(events)::bigint FROM gone GROUP BY {binned}
      ON CONFLICT ({keys}) DO UPDATE SET events = kept.events + excluded.events
    )
    SELECT count(*) FROM gone
"""


def next_loose(
    connection: Connection, table: str, width: timedelta, *, since: datetime | None, until: datetime
) -> datetime | None:
    """Return the next day with minutes that are not yet folded to a width."""
    statement = text(_NEXT.format(table=table))
    found: datetime | None = connection.execute(statement, {"width": width, "since": since, "until": until}).scalar()
    return found


def fold(connection: Connection, table: str, width: timedelta, *, since: datetime, until: datetime) -> int:
    """Fold the minutes of `[since, until)`; return how many rows went into others."""
    keys = _KEYS[table]
    binned = keys.replace("minute", "date_bin(:width, minute, 'epoch')")
    statement = text(_FOLD.format(table=table, keys=keys, binned=binned))
    return int(connection.execute(statement, {"width": width, "since": since, "until": until}).scalar_one())
