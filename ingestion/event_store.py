"""The one door into `events`, `event_rollups`, `batch_outcomes` and `idempotency_keys`.

Statements take whole columns as binary arrays. `SELECT unnest(…), unnest(…)` walks them in step without a copy of its
own, which `FROM unnest(…)` makes of each; sorting the rows here is cheaper than there, and gives all writers one order
of locks, which keeps them from deadlocks. Measured on two cores, 1,000 events of 250 bytes a bundle: PostgreSQL 10 to 12 µs
of CPU a row with these two, 12 to 14 without, binary `COPY` of the same rows 7 to 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core.arrays import BigintArray, ByteaArray, TextArray, TimestampArray, texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg

    from ingestion.batches import Batch, Outcome, Row
    from ingestion.rollups import Rollup

    Cursor = psycopg.Cursor[Any]

_INSERT_EVENTS = """
INSERT INTO events (account_id, event_id, type, occurred_at, received_at, payload, envelope)
SELECT unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b)::jsonb, unnest(%b)::jsonb
ON CONFLICT DO NOTHING
RETURNING account_id, event_id
"""

_ADD_ROLLUPS = """
INSERT INTO event_rollups AS kept (account_id, width, bucket, type, events, first_at, last_at)
SELECT unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b)
ON CONFLICT (account_id, width, bucket, type) DO UPDATE SET
  events = kept.events + excluded.events,
  first_at = least(kept.first_at, excluded.first_at),
  last_at = greatest(kept.last_at, excluded.last_at)
"""

_INSERT_OUTCOMES = """
INSERT INTO batch_outcomes (account_id, batch_id, received_at, stored_at, stored, duplicates, dead)
SELECT unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b)
ON CONFLICT DO NOTHING
RETURNING batch_id
"""

_INSERT_ANSWERS = """
INSERT INTO idempotency_keys (account_id, key_digest, body_digest, batch_id, accepted, received_at)
SELECT unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b)
ON CONFLICT (account_id, key_digest) DO UPDATE SET
  body_digest = excluded.body_digest,
  batch_id = excluded.batch_id,
  accepted = excluded.accepted,
  received_at = excluded.received_at
"""

_DELETE_ANSWERS = """
DELETE FROM idempotency_keys WHERE (account_id, key_digest) IN (
  SELECT account_id, key_digest FROM idempotency_keys WHERE received_at < %b LIMIT %b
)
"""


def insert_events(cursor: Cursor, rows: Sequence[Row]) -> Sequence[Row]:
    """Store the rows whose key is not stored yet, and return those.

    `rows` are sorted, with every key once. What was stored is told by the rows that come back and never by the
    command's tag, which on Citus counts the rows offered.
    """
    account_ids, event_ids, _, _, types, occurred, received, payloads, envelopes = zip(*rows, strict=True)
    cursor.execute(
        _INSERT_EVENTS,
        (
            texts(account_ids),
            texts(event_ids),
            texts(types),
            TimestampArray(occurred),
            TimestampArray(received),
            TextArray(payloads),
            TextArray(envelopes),
        ),
    )
    if cursor.rowcount == len(rows):
        return rows
    stored = set(cursor.fetchall())
    return [row for row in rows if row[:2] in stored]


def add_rollups(cursor: Cursor, rollups: Sequence[Rollup]) -> None:
    """Add counts to their buckets."""
    if not rollups:
        return
    account_ids, widths, buckets, types, events, first, last = zip(*rollups, strict=True)
    cursor.execute(
        _ADD_ROLLUPS,
        (
            texts(account_ids),
            BigintArray(widths),
            TimestampArray(buckets),
            texts(types),
            BigintArray(events),
            TimestampArray(first),
            TimestampArray(last),
        ),
    )


def insert_outcomes(cursor: Cursor, outcomes: Sequence[Outcome], stored_us: int) -> set[str]:
    """Write what became of batches; return the ids of those that had an outcome already, which stands.

    `stored_us` is in microseconds since 1970-01-01 UTC. No batch is stored before it was received, whatever the clocks
    of two machines say.
    """
    batches = [outcome.batch for outcome in outcomes]
    cursor.execute(
        _INSERT_OUTCOMES,
        (
            texts(batch.account_id for batch in batches),
            texts(batch.batch_id for batch in batches),
            TimestampArray(batch.received_us for batch in batches),
            TimestampArray(max(stored_us, batch.received_us) for batch in batches),
            BigintArray([outcome.stored for outcome in outcomes]),
            BigintArray([outcome.duplicates for outcome in outcomes]),
            BigintArray([outcome.dead for outcome in outcomes]),
        ),
    )
    if cursor.rowcount == len(outcomes):
        return set()
    return {batch.batch_id for batch in batches}.difference(batch_id for (batch_id,) in cursor.fetchall())


def insert_answers(cursor: Cursor, batches: Sequence[Batch]) -> None:
    """Keep what Idempotency-Keys are answered with. A key may be used again once its 24 hours are over."""
    kept = {
        (batch.account_id, batch.answer.key_digest): (batch, batch.answer)
        for batch in batches
        if batch.answer is not None
    }
    if not kept:
        return
    answered = [kept[key] for key in sorted(kept)]
    cursor.execute(
        _INSERT_ANSWERS,
        (
            texts(batch.account_id for batch, _ in answered),
            ByteaArray([answer.key_digest for _, answer in answered]),
            ByteaArray([answer.body_digest for _, answer in answered]),
            texts(batch.batch_id for batch, _ in answered),
            BigintArray([batch.accepted for batch, _ in answered]),
            TimestampArray(batch.received_us for batch, _ in answered),
        ),
    )


def delete_answers(cursor: Cursor, before: datetime, limit: int) -> int:
    """Delete some of the answers to batches received before an instant; return how many."""
    return cursor.execute(_DELETE_ANSWERS, (before, limit)).rowcount
