"""Request minutes added up to quarters of an hour, and these to days, within PostgreSQL.

A histogram is added up bucket by bucket. A bucket of time is always made anew from the narrower ones, never added to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, TextClause

QUARTER = 15
DAY = 1_440


class Progress(NamedTuple):
    """Up to where quarters and days are added up, and the transaction from which on restatements are still to be."""

    quarters_until: datetime | None
    days_until: datetime | None
    seen_xid: int


_KEYS = "{of}service, bucket, route, method, tier, status, reason"

# The names of tables and columns are ours; nothing of a request is in these texts.
_ADD_UP = """
    INSERT INTO {target} ({keys}, width, requests, buckets, counts)
    WITH part AS MATERIALIZED (
      SELECT {account}service, date_bin(CAST(:length AS interval), {time}, 'epoch') AS bucket,
             route, method, tier, status, reason, requests, buckets, counts
        FROM {source}
       WHERE {account_known}service = ANY(:services) AND {width} {time} >= :since AND {time} < :until
    ), summed AS (
      SELECT {keys}, sum(requests)::bigint AS requests FROM part GROUP BY {keys}
    ), bins AS (
      SELECT {keys}, bin, sum(n)::bigint AS n FROM part, unnest(buckets, counts) AS one (bin, n) GROUP BY {keys}, bin
    ), histograms AS (
      SELECT {keys}, array_agg(bin ORDER BY bin) AS buckets, array_agg(n ORDER BY bin) AS counts FROM bins GROUP BY {keys}
    )
    SELECT {keys}, :width, requests, coalesce(buckets, '{{}}'), coalesce(counts, '{{}}')
      FROM summed LEFT JOIN histograms USING ({keys})
"""
_REMOVE = """
    DELETE FROM {target}
     WHERE {account_known}service = ANY(:services) AND width = :width AND bucket >= :since AND bucket < :until
"""
# One step from each to the next larger one: there are few services and many rows of each.
DISTINCT = """
    WITH RECURSIVE known (name) AS (
      (SELECT {column} FROM {table} ORDER BY {column} LIMIT 1)
      UNION ALL
      SELECT (SELECT {column} FROM {table} WHERE {column} > known.name ORDER BY {column} LIMIT 1)
        FROM known WHERE known.name IS NOT NULL
    )
    SELECT name FROM known WHERE name IS NOT NULL
"""


def _statements(target: str, minutes: str, *, accounts: bool) -> tuple[TextClause, TextClause, TextClause]:
    """Return what adds up minutes to quarters, quarters to days, and what removes either."""
    common = {
        "target": target,
        "keys": _KEYS.format(of="account_id, " if accounts else ""),
        "account": "account_id, " if accounts else "",
        "account_known": "account_id = ANY(:accounts) AND " if accounts else "",
    }
    quarters = _ADD_UP.format(source=minutes, time="minute", width="", **common)
    days = _ADD_UP.format(source=target, time="bucket", width=f"width = {QUARTER} AND", **common)
    return text(quarters), text(days), text(_REMOVE.format(**common))


_SERVICES = _statements("request_rollups", "request_minutes", accounts=False)
_ACCOUNTS = _statements("account_request_rollups", "account_request_minutes", accounts=True)
_KNOWN_SERVICES = text(DISTINCT.format(table="request_minutes", column="service"))
_COUNTED_SERVICES = text(
    f"({DISTINCT.format(table='request_minutes', column='service')})"
    f" UNION ({DISTINCT.format(table='request_rollups', column='service')}) ORDER BY name"
)
_COUNTED_ACCOUNTS = text(
    f"({DISTINCT.format(table='account_request_minutes', column='account_id')})"
    f" UNION ({DISTINCT.format(table='account_request_rollups', column='account_id')}) ORDER BY name"
)
_TOUCHED_ACCOUNTS = text(
    DISTINCT.format(table="account_request_minutes", column="account_id")
    + """
       AND EXISTS (
         SELECT FROM account_request_minutes
          WHERE account_id = known.name AND service = ANY(:services) AND minute >= :since AND minute < :until
       )
    """
)
_FIRST_MINUTE = text("SELECT min(minute) FROM request_minutes WHERE service = :service")
_PROGRESS = text("SELECT quarters_until, days_until, seen_xid FROM rollup_progress WHERE name = 'requests'")
_BEGIN = text("""
    INSERT INTO rollup_progress (name, seen_xid)
    VALUES ('requests', pg_snapshot_xmin(pg_current_snapshot())::text::bigint) ON CONFLICT DO NOTHING
""")
# Who waited would hold a thread for tasks for as long as the other is at it, and then find nothing to do.
_HOLD = text("""
    SELECT quarters_until, days_until, seen_xid FROM rollup_progress WHERE name = 'requests' FOR UPDATE SKIP LOCKED
""")
_MOVE = text("""
    UPDATE rollup_progress SET quarters_until = :quarters_until, days_until = :days_until, seen_xid = :seen_xid
     WHERE name = 'requests'
""")


def services(connection: Connection) -> list[str]:
    """Return the services that have request minutes."""
    return list(connection.execute(_KNOWN_SERVICES).scalars())


def counted_services(connection: Connection) -> list[str]:
    """Return the services that have requests at all, also those of which the minutes are gone and quarters or days stay."""
    return list(connection.execute(_COUNTED_SERVICES).scalars())


def counted_accounts(connection: Connection) -> list[str]:
    """Return the accounts of which requests are counted, as of services."""
    return list(connection.execute(_COUNTED_ACCOUNTS).scalars())


def first_minute(connection: Connection, known: Sequence[str]) -> datetime | None:
    """Return the oldest minute of some services; None when they have none."""
    found = [connection.execute(_FIRST_MINUTE, {"service": service}).scalar() for service in known]
    return min((minute for minute in found if minute is not None), default=None)


def begin(connection: Connection) -> None:
    """Have a row of progress; commit it at once, because others wait for one that is being inserted."""
    connection.execute(_BEGIN)


def hold_progress(connection: Connection) -> Progress | None:
    """Return how far it is, with nobody else at it until the transaction ends; None, at once, when somebody else is."""
    row = connection.execute(_HOLD).one_or_none()
    return None if row is None else Progress(*row)


def progress(connection: Connection) -> Progress:
    """Return how far it is; before anybody has begun that is nowhere."""
    row = connection.execute(_PROGRESS).one_or_none()
    return Progress(None, None, 0) if row is None else Progress(*row)


def move(connection: Connection, reached: Progress) -> None:
    """Write down how far it is."""
    connection.execute(_MOVE, reached._asdict())


def add_up(connection: Connection, known: Sequence[str], *, width: int, since: datetime, until: datetime) -> None:
    """Make the quarters or days of `[since, until)` anew, which begins and ends with one."""
    span = {"services": list(known), "since": since, "until": until}
    accounts = list(connection.execute(_TOUCHED_ACCOUNTS, span).scalars())
    parameters = {**span, "width": width, "accounts": accounts}
    for quarters, days, remove in (_SERVICES, _ACCOUNTS):
        connection.execute(remove, parameters)
        statement, length = (quarters, "15 minutes") if width == QUARTER else (days, "1 day")
        connection.execute(statement, {**parameters, "length": length})
