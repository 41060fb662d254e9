"""Makes a past: events by the million inside PostgreSQL, with the rollups that storing them one by one would have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.database import Database

CHUNK = 250_000
DAYS = 30

# Every account gets half as many events as the one before it. Ids are random, as those of real clients are.
_EVENTS = text("""
    INSERT INTO events (account_id, event_id, type, occurred_at, received_at, payload)
    SELECT (CAST(:accounts AS text[]))[1 + least(floor(-log(2, (1 - random())::numeric))::int, :last)],
           replace(gen_random_uuid()::text, '-', ''),
           (ARRAY['order.placed', 'order.paid', 'order.shipped', 'parcel.scanned', 'page.viewed', 'search.made', 'refund.asked'])
             [1 + floor(random() * 7)::int],
           date_trunc('milliseconds', now() - random() * make_interval(days => :days)), now(),
           jsonb_build_object('order', number, 'city', 'Quito', 'amount', number % 1000, 'note', md5(number::text))
    FROM generate_series(1, :rows) AS number
""")

_ROLLUPS = text("""
    INSERT INTO event_rollups (account_id, width, bucket, type, events, first_at, last_at)
    SELECT account_id, width, date_trunc(unit, occurred_at, 'UTC'), type, count(*), min(occurred_at), max(occurred_at)
    FROM events, (VALUES (1, 'minute'), (60, 'hour'), (1440, 'day')) AS widths (width, unit)
    WHERE account_id = ANY(:accounts)
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (account_id, width, bucket, type) DO UPDATE
    SET events = excluded.events, first_at = excluded.first_at, last_at = excluded.last_at
""")

_COUNT = text("SELECT count(*) FROM events")


def make_history(
    database: Database, accounts: Sequence[str], rows: int, *, watch: Callable[[int], None] = lambda _: None
) -> int:
    """Store so many events of the last 30 days, and recount the accounts' rollups; returns how many events there are now.

    `watch` is called with the rows made so far.
    """
    made = 0
    while made < rows:
        chunk = min(CHUNK, rows - made)
        with database.begin() as connection:
            parameters = {"accounts": list(accounts), "last": len(accounts) - 1, "days": DAYS, "rows": chunk}
            connection.execute(_EVENTS, parameters)
        made += chunk
        watch(made)
    with database.begin() as connection:
        connection.execute(_ROLLUPS, {"accounts": list(accounts)})
    return count_events(database)


def count_events(database: Database) -> int:
    """Count the rows of the table."""
    with database.begin() as connection:
        return int(connection.execute(_COUNT).scalar_one())


def analyze(database: Database) -> None:
    """Bring the statistics up to date, as autovacuum would have done in the meantime."""
    with database.begin() as connection:
        connection.execute(text("ANALYZE events, event_rollups"))
