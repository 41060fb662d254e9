"""Makes a platform that has been lived in, inside PostgreSQL: what its pages list, beside a month of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.database import Database

_KEYS = text("""
    INSERT INTO api_keys (account_id, key_id, digest, scopes, created_at, last_used_at)
    SELECT account_id, 'bench' || lpad(number::text, 7, '0'), sha256(convert_to(account_id || number, 'UTF8')),
           ARRAY['events:write'], :now, :now
      FROM accounts, generate_series(1, 3) AS number
    ON CONFLICT DO NOTHING
""")
_LETTERS = text("""
    INSERT INTO dead_letters (account_id, batch_id, position, event_id, type, reason, detail, attempts, body, received_at, died_at)
    SELECT 'account-' || (1 + number % :accounts), '07n-' || (1700000000000 + number) || '-0', 0, 'e' || number, 'order.placed',
           'refused-by-store', 'It cannot be stored.', 1, convert_to(repeat('{"note":"nothing"}', 40), 'UTF8'),
           :now, CAST(:now AS timestamptz) - number * interval '1 minute'
      FROM generate_series(1, :letters) AS number
""")
_RECORD = text("""
    INSERT INTO audit_entries (at, actor, action, subject, detail, address, request_id)
    SELECT CAST(:now AS timestamptz) - number * interval '1 minute', 'person-' || number % 40, 'keys.create',
           'account-' || (1 + number % :accounts), '{"scopes": ["events:write"]}', '10.0.0.1', md5(number::text)
      FROM generate_series(:entries, 1, -1) AS number
""")
_PEOPLE = text("""
    INSERT INTO users (username, password_hash, role, disabled, created_at, updated_at)
    SELECT 'person-' || number, 'none', (ARRAY['viewer', 'oncall', 'manager', 'admin'])[1 + number % 4], false, :now, :now
      FROM generate_series(1, 40) AS number
    ON CONFLICT DO NOTHING
""")
_ALERTS = text("""
    INSERT INTO alerts (alert_id, slo, service, rule, severity, state, since, breached_at, seen_at, counted, clearing,
                        notified, frozen, current, incident_id, figures)
    SELECT 'alr_' || lpad(number::text, 20, '0'), 'availability', service, 'page-1h-5m', 'page', 'resolved', resolved_at,
           started_at, resolved_at, interval '0', false, true, false, false, incident_id,
           '{"target": "0.999", "limit": "14.4", "burn_rates": {"1h": "20.5", "5m": "3"}}'
      FROM incidents, generate_series(1, 400) AS number
     WHERE incident_id = 'inc_' || lpad((1 + number % :incidents)::text, 20, '0')
""")
_REPORTS = text("""
    WITH copies AS (
        INSERT INTO reports (report_id, revision, kind, period, timezone, service, papers, state, step, reason, attempts,
                             requested_by, ordered_at, generated_at, complete)
        SELECT 'rpt_' || lpad(number::text, 20, '0'), 1, kind, period, timezone, service, papers, state, step, reason,
               attempts, requested_by, ordered_at - number * interval '1 day', generated_at, complete
          FROM reports, generate_series(1, :copies) AS number
         WHERE report_id = :report_id
        RETURNING report_id
    )
    SELECT count(*) FROM copies
""")
_FILES = text("""
    INSERT INTO report_files (report_id, revision, name, content, deflated, size, digest)
    SELECT 'rpt_' || lpad(number::text, 20, '0'), 1, name, content, deflated, size, digest
      FROM report_files, generate_series(1, :copies) AS number
     WHERE report_id = :report_id
""")
_ANALYZE = text("ANALYZE")


def live_in(database: Database, *, accounts: int, incidents: int, letters: int, entries: int, now: datetime) -> None:
    """Store keys, dead letters, people, the record and past alerts of so many incidents."""
    numbers = {"accounts": accounts, "incidents": incidents, "letters": letters, "entries": entries, "now": now}
    with database.begin() as connection:
        for statement in (_KEYS, _LETTERS, _RECORD, _PEOPLE, _ALERTS):
            connection.execute(statement, {name: numbers[name] for name in statement.compile().params})


def copy_report(database: Database, report_id: str, copies: int) -> None:
    """Fill the archive with copies of a report that was made."""
    with database.begin() as connection:
        for statement in (_REPORTS, _FILES):
            connection.execute(statement, {"report_id": report_id, "copies": copies})
        connection.execute(_ANALYZE)
