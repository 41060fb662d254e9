"""Reads what the platform has, by statements of its own: nothing here is shared with what is being checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.types.json import Jsonb
from sqlalchemy import exc, text

from app.cli.chaos.checker import DeadLetter, Evidence, Outcome
from app.core import keyspace
from app.core.database import Database, translate
from app.core.queue.keys import LOAD_FIELDS, lane_stream, load
from app.core.queue.lanes import LANES
from app.core.valkey import Valkey
from app.domain.shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_STORED = text("SELECT account_id, array_agg(event_id), count(*) FROM events GROUP BY account_id")
_OUTCOMES = text("SELECT batch_id, account_id, stored, duplicates, dead FROM batch_outcomes")
_DEAD_LETTERS = text("SELECT account_id, batch_id, event_id, reason, body FROM dead_letters")

_TRIAL = text("CREATE TEMP TABLE trial (LIKE events INCLUDING CONSTRAINTS) ON COMMIT DROP")
_TRY = text("""
    INSERT INTO trial (account_id, event_id, type, occurred_at, received_at, payload)
    VALUES (:account_id, :event_id, :type, COALESCE(CAST(:timestamp AS timestamptz), now()), now(), :payload)
""")

_ROLLUPS = text("""
    WITH recount AS (
        SELECT account_id, width, date_trunc(unit, occurred_at, 'UTC') AS bucket, type,
               count(*) AS events, min(occurred_at) AS first_at, max(occurred_at) AS last_at
        FROM events, (VALUES (1, 'minute'), (60, 'hour'), (1440, 'day')) AS widths (width, unit)
        GROUP BY account_id, width, bucket, type
    )
    SELECT COALESCE(r.account_id, c.account_id), COALESCE(r.width, c.width), COALESCE(r.bucket, c.bucket),
           COALESCE(r.type, c.type), r.events, c.events,
           (r.first_at, r.last_at) IS DISTINCT FROM (c.first_at, c.last_at)
    FROM event_rollups AS r FULL JOIN recount AS c USING (account_id, width, bucket, type)
    WHERE (r.events, r.first_at, r.last_at) IS DISTINCT FROM (c.events, c.first_at, c.last_at)
    ORDER BY 1, 2, 3, 4
""")


def read_evidence(database_url: str, redis_url: str) -> Evidence:
    """Read everything; call it once the queue is empty, or in flight is what it was at that moment."""
    valkey = Valkey(redis_url, timeout_s=30.0)
    database = Database(database_url, pool_size=1, statement_timeout_ms=600_000, name="slipstream chaos")
    try:
        with database.begin() as connection:
            stored = {account_id: (ids, rows) for account_id, ids, rows in connection.execute(_STORED)}
            return Evidence(
                stored={account_id: set(ids) for account_id, (ids, _) in stored.items()},
                rows={account_id: rows for account_id, (_, rows) in stored.items()},
                outcomes={row[0]: Outcome(*row[1:]) for row in connection.execute(_OUTCOMES)},
                dead_letters=tuple(_dead_letters(connection)),
                rollup_differences=tuple(
                    f"{account_id} {type_} {bucket:%FT%RZ} of {width} min: {ours} for {recount}" + (" (times)" * times)
                    for account_id, width, bucket, type_, ours, recount, times in connection.execute(_ROLLUPS)
                ),
                accepted=_accepted(valkey),
                in_flight=_in_streams(valkey),
                counted_in_flight=events_in_queue(valkey),
            )
    finally:
        database.close()
        valkey.forget()


def batches_without_outcome(database: Database, batch_ids: Sequence[str]) -> list[str]:
    """Those of the batches whose fate is not in PostgreSQL yet."""
    with database.begin() as connection:
        done = connection.execute(_DONE, {"batch_ids": list(batch_ids)}).scalars()
        return sorted(set(batch_ids).difference(done))


_DONE = text("SELECT batch_id FROM batch_outcomes WHERE batch_id = ANY(:batch_ids)")


def events_in_queue(valkey: Valkey) -> int:
    """Events that wait or are being worked on, as the queue counts them."""
    replies = valkey.pipeline([("HGET", load(shard), LOAD_FIELDS[2]) for shard in range(SHARDS)])
    return sum(int(reply or 0) for reply in replies)


def _accepted(valkey: Valkey) -> int:
    """Events that admission has accepted, whatever became of them."""
    minutes = valkey.pipeline([("HVALS", keyspace.accepted_minutes(shard)) for shard in range(SHARDS)])
    return sum(int(events) for reply in minutes for events in reply)


def _in_streams(valkey: Valkey) -> int:
    """Events in the streams, counted entry by entry."""
    streams = [("XRANGE", lane_stream(shard, lane), "-", "+") for shard in range(SHARDS) for lane in LANES]
    entries = [dict(zip(e[1][::2], e[1][1::2], strict=True)) for reply in valkey.pipeline(streams) for e in reply]
    return sum(int(entry[b"n"]) for entry in entries)


def _dead_letters(connection: Connection) -> Iterator[DeadLetter]:
    connection.execute(_TRIAL)
    for account_id, batch_id, event_id, reason, body in connection.execute(_DEAD_LETTERS).all():
        yield DeadLetter(account_id, batch_id, event_id, reason, _refusal(connection, account_id, bytes(body)))


def _refusal(connection: Connection, account_id: str, body: bytes) -> str | None:
    """Ask PostgreSQL once more: what it says against a dead event, None when it takes it."""
    try:
        content = msgspec.json.decode(body)
        events = content.get("events", [content])
        for event in events:
            with connection.begin_nested() as savepoint:
                connection.execute(_TRY, _parameters(account_id, event))
                savepoint.rollback()
    except exc.DBAPIError as error:
        if translate(error) is not None:
            raise  # The server went away, which says nothing about the event.
        return str(error.orig)
    except (msgspec.DecodeError, AttributeError, LookupError, TypeError) as error:
        return f"unreadable: {error}"
    return None


def _parameters(account_id: str, event: dict[str, Any]) -> dict[str, Any]:
    payload = event.get("payload")
    return {
        "account_id": account_id,
        "event_id": event["event_id"],
        "type": event["type"],
        "timestamp": event.get("timestamp"),
        "payload": None if payload is None else Jsonb(payload),
    }
