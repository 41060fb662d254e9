"""Deleting what is older than the retention, an account and a few thousand rows at a time.

Every statement names one account, so that it is a single-shard statement on Citus and looks into one partition here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

FOLDED = "folded-"
"""Begins the key of a row that adds up the outcomes of an account's day; no batch id begins like this."""

_PAGE = 500
_PAGE_OF_ACCOUNTS = text("""
    SELECT account_id FROM accounts WHERE account_id > :after ORDER BY account_id LIMIT :limit
""")
# Rollups know who has something that is too old: one look into the index for each account. Not joined with accounts, of
# which Citus has another copy than of rollups.
_FIRST_WITH_OLD = text("""
    SELECT account_id FROM event_rollups
     WHERE account_id = ANY(:accounts) AND width = :width AND bucket < :before
     GROUP BY account_id ORDER BY account_id LIMIT 1
""")
_EVENTS = text("""
    WITH page AS (
           SELECT event_id, occurred_at FROM events
            WHERE account_id = :account_id AND event_id > :after ORDER BY event_id LIMIT :limit),
         gone AS (
           DELETE FROM events USING page
            WHERE events.account_id = :account_id AND events.event_id = page.event_id AND page.occurred_at < :before
           RETURNING 1)
    SELECT (SELECT max(event_id) FROM page) AS last, (SELECT count(*) FROM gone) AS deleted
""")
_ROLLUPS = text("""
    DELETE FROM event_rollups WHERE (account_id, width, bucket, type) IN (
           SELECT account_id, width, bucket, type FROM event_rollups
            WHERE account_id = :account_id AND width = :width AND bucket < :before LIMIT :limit)
""")
# A batch whose letters may still be replayed keeps its row: that is where events come back to life.
_OLD_OUTCOMES = text("""
    SELECT account_id, array_agg(batch_id) AS batch_ids
      FROM (SELECT account_id, batch_id FROM batch_outcomes
             WHERE received_at < :before AND NOT starts_with(batch_id, :folded)
               AND NOT EXISTS (SELECT FROM dead_letters
                                WHERE dead_letters.account_id = batch_outcomes.account_id
                                  AND dead_letters.batch_id = batch_outcomes.batch_id)
             LIMIT :limit) AS page
     GROUP BY account_id ORDER BY account_id
""")
_FOLD_OUTCOMES = text("""
    WITH gone AS (
           DELETE FROM batch_outcomes WHERE account_id = :account_id AND batch_id = ANY(:batch_ids)
           RETURNING received_at, stored_at, stored, duplicates, dead, revived)
    INSERT INTO batch_outcomes AS kept
           (account_id, batch_id, received_at, stored_at, stored, duplicates, dead, revived)
    SELECT :account_id, :folded || (received_at AT TIME ZONE 'UTC')::date, min(received_at), max(stored_at),
           sum(stored), sum(duplicates), sum(dead), sum(revived)
      FROM gone GROUP BY (received_at AT TIME ZONE 'UTC')::date
    ON CONFLICT (account_id, batch_id) DO UPDATE SET
           received_at = least(kept.received_at, excluded.received_at),
           stored_at = greatest(kept.stored_at, excluded.stored_at),
           stored = kept.stored + excluded.stored, duplicates = kept.duplicates + excluded.duplicates,
           dead = kept.dead + excluded.dead, revived = kept.revived + excluded.revived
""")
_LETTERS = text("""
    DELETE FROM dead_letters WHERE (account_id, batch_id, position) IN (
           SELECT account_id, batch_id, position FROM dead_letters WHERE died_at < :before LIMIT :limit)
""")


class Page(NamedTuple):
    """`last` is the last event id that was looked at; None when there is none left."""

    last: str | None
    deleted: int


def next_account(connection: Connection, *, after: str, width: int, before: datetime) -> str | None:
    """Return the next account that has counts of buckets that begin before a time; None when there is none."""
    while accounts := list(connection.scalars(_PAGE_OF_ACCOUNTS, {"after": after, "limit": _PAGE})):
        parameters = {"accounts": accounts, "width": width, "before": before}
        found: str | None = connection.scalar(_FIRST_WITH_OLD, parameters)
        if found is not None:
            return found
        after = accounts[-1]
    return None


def delete_events(connection: Connection, account_id: str, *, after: str, before: datetime, limit: int) -> Page:
    """Look at the next events of an account by id, and delete those that occurred before a time."""
    parameters = {"account_id": account_id, "after": after, "before": before, "limit": limit}
    return Page._make(connection.execute(_EVENTS, parameters).one())


def delete_rollups(connection: Connection, account_id: str, *, width: int, before: datetime, limit: int) -> int:
    """Delete some of an account's counts of buckets that begin before a time; return how many."""
    parameters = {"account_id": account_id, "width": width, "before": before, "limit": limit}
    return connection.execute(_ROLLUPS, parameters).rowcount


def fold_outcomes(connection: Connection, *, before: datetime, limit: int) -> int:
    """Add up what became of batches received before a time, a row for each day and account; return how many it were.

    Batches with dead letters wait until those are gone.
    """
    parameters = {"before": before, "limit": limit, "folded": FOLDED}
    folded = 0
    for account_id, batch_ids in connection.execute(_OLD_OUTCOMES, parameters).all():
        connection.execute(_FOLD_OUTCOMES, {"account_id": account_id, "batch_ids": batch_ids, "folded": FOLDED})
        folded += len(batch_ids)
    return folded


def delete_letters(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete some of the letters that died before a time; return how many."""
    return connection.execute(_LETTERS, {"before": before, "limit": limit}).rowcount
