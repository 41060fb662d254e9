"""Makes a past of requests inside PostgreSQL: minutes, and what they add up to, as the telemetry of many services leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database


class Shape(NamedTuple):
    """Rows a minute of each service; requests of each row; into how many buckets they fall."""

    services: int
    rows: int
    requests: int
    buckets: int


# Every row of a service is a route with a status; all minutes are alike, so what they add up to is a product.
_COLUMNS = """
    'service-' || service, '/route-' || (number / 2), 'GET', 'standard', CASE WHEN number % 2 = 0 THEN 200 ELSE 503 END, '',
    :width * CAST(:requests AS bigint),
    (SELECT array_agg(1000 + 20 * bin + number ORDER BY bin) FROM generate_series(0, :buckets - 1) AS bin),
    array_fill(:width * CAST(:requests AS bigint) / :buckets, ARRAY[:buckets])
"""
_MADE = """
    INSERT INTO {table} ({time}, {width}, service, route, method, tier, status, reason, requests, buckets, counts)
    SELECT at, {value}, {columns}
      FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz) - make_interval(mins => :width),
                           make_interval(mins => :width)) AS at,
           generate_series(1, :services) AS service, generate_series(0, :rows - 1) AS number
    ON CONFLICT DO NOTHING
"""
_MINUTES = text(_MADE.format(table="request_minutes", time="minute", width="writer", value="'bench'", columns=_COLUMNS))
_ROLLUPS = text(_MADE.format(table="request_rollups", time="bucket", width="width", value=":width", columns=_COLUMNS))
_PROGRESS = text("""
    INSERT INTO rollup_progress (name, quarters_until, days_until, seen_xid)
    VALUES ('requests', :quarters_until, :days_until, pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
    ON CONFLICT (name) DO UPDATE SET quarters_until = excluded.quarters_until, days_until = excluded.days_until
""")
_CLEAR = text("TRUNCATE request_minutes, request_rollups, rollup_progress")
_ANALYZE = text("ANALYZE request_minutes, request_rollups")


def clear(database: Database) -> None:
    """Forget all requests."""
    with database.begin() as connection:
        connection.execute(_CLEAR)


def make_minutes(database: Database, shape: Shape, since: datetime, until: datetime) -> None:
    """Store the minutes of `[since, until)`."""
    with database.begin() as connection:
        connection.execute(_MINUTES, {**shape._asdict(), "width": 1, "since": since, "until": until})


def make_rollups(
    database: Database, shape: Shape, *, since: datetime, quarters_until: datetime, days_until: datetime
) -> None:
    """Store what minutes since then add up to, without the minutes."""
    with database.begin() as connection:
        # First, because workers add up behind the same row: in the other order each waited for the other.
        connection.execute(_PROGRESS, {"quarters_until": quarters_until, "days_until": days_until})
        for width, until in ((15, quarters_until), (1_440, days_until)):
            connection.execute(_ROLLUPS, {**shape._asdict(), "width": width, "since": since, "until": until})


def analyze(database: Database) -> None:
    """Bring the statistics up to date, as autovacuum would have done in the meantime."""
    with database.begin() as connection:
        connection.execute(_ANALYZE)
