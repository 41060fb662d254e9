"""Makes a month for a report inside PostgreSQL: minutes of requests, accounts with their own, events, and incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from app.core.telemetry.telemetry_store import SERVICE

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database


class Month(NamedTuple):
    """What happens in `[since, until)`; every minute has a row for each route and tier."""

    since: datetime
    until: datetime
    routes: int
    accounts: int
    incidents: int


_CLEAR = text(
    "TRUNCATE request_minutes, request_rollups, account_request_minutes, account_request_rollups, rollup_progress, "
    "event_rollups, incidents CASCADE"
)
_MINUTES = text("""
    INSERT INTO request_minutes (service, minute, route, method, tier, status, reason, writer, requests, buckets, counts)
    SELECT :service, at, '/route-' || route, 'GET', (ARRAY['free', 'standard', 'enterprise'])[tier],
           CASE WHEN (minute + route * 7 + tier) % 11 = 0 THEN 503 ELSE 200 END, '', 'bench', 60,
           (SELECT array_agg(1000 + 12 * bin + route ORDER BY bin) FROM generate_series(0, 19) AS bin),
           array_fill(CAST(3 AS bigint), ARRAY[20])
      FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz) - interval '1 minute', '1 minute')
           WITH ORDINALITY AS one (at, minute),
           generate_series(1, :routes) AS route, generate_series(1, 3) AS tier
""")
_ACCOUNTS = text("""
    INSERT INTO accounts (account_id, name, tier)
    SELECT 'account-' || number, 'Account ' || number, (ARRAY['free', 'standard', 'enterprise'])[1 + number % 3] FROM generate_series(1, :accounts) AS number
    ON CONFLICT DO NOTHING
""")
_OF_ACCOUNTS = text("""
    INSERT INTO account_request_minutes
           (account_id, service, minute, route, method, tier, status, reason, writer, requests, buckets, counts)
    SELECT 'account-' || number, :service, at, '/route-' || (1 + number % :routes), 'GET', (ARRAY['free', 'standard', 'enterprise'])[1 + number % 3],
           CASE WHEN turn % 9 = 0 THEN 503 WHEN turn % 9 = 1 THEN 429 ELSE 200 END, '', 'bench', 10 + number % 50,
           ARRAY[1000 + number % 400], ARRAY[CAST(10 + number % 50 AS bigint)]
      FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz) - interval '3 hours', '3 hours')
           WITH ORDINALITY AS one (at, turn),
           generate_series(1, :accounts) AS number
""")
_EVENTS = text("""
    INSERT INTO event_rollups (account_id, width, bucket, type, events, first_at, last_at)
    SELECT 'account-' || number, 1440, day, 'order.placed', 100 + number, day, day + interval '23 hours'
      FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz) - interval '1 day', '1 day') AS day,
           generate_series(1, :accounts) AS number
""")
_INCIDENTS = text("""
    INSERT INTO incidents (incident_id, service, severity, source, title, started_at, detected_at, acknowledged_at,
                           acknowledged_by, resolved_at, root_cause, actions, updated_at)
    SELECT 'inc_' || lpad(number::text, 20, '0'), :service, CASE WHEN number % 2 = 0 THEN 'page' ELSE 'ticket' END, 'alerts',
           'Requests fail on route ' || number, begun, begun + interval '2 minutes', begun + interval '5 minutes', 'Mia',
           begun + interval '34 minutes', CASE WHEN number % 3 = 0 THEN 'A deploy' ELSE '' END, '[]', :until
      FROM generate_series(1, :incidents) AS number,
           LATERAL (SELECT CAST(:since AS timestamptz) + number * interval '13 hours' AS begun) AS times
""")
_ANALYZE = text("ANALYZE")


def make_month(database: Database, month: Month) -> None:
    """Forget what was there, and store a month."""
    with database.begin() as connection:
        connection.execute(_CLEAR)
        for statement in (_MINUTES, _ACCOUNTS, _OF_ACCOUNTS, _EVENTS, _INCIDENTS):
            connection.execute(statement, {**month._asdict(), "service": SERVICE})


def analyze(database: Database) -> None:
    """Bring the statistics up to date, as autovacuum would have done in the meantime."""
    with database.begin() as connection:
        connection.execute(_ANALYZE)
