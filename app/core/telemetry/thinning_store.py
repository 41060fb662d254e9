"""Takes request minutes out of their table, and has them in the rollups: one statement, so that none is lost or counts twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core.telemetry.rollup_store import DISTINCT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, TextClause

_KEYS = "{of}service, bucket, route, method, tier, status, reason, width"
# What a statement deletes is what it sees, and what it sees it counts: what comes later stays, and is taken another time.
_TAKE = """
    WITH gone AS (
      DELETE FROM {source}
       WHERE {known}service = ANY(:services) AND minute >= :since AND minute < :until
      RETURNING *
    ), widened AS (
      SELECT {account}service, date_bin(make_interval(mins => wide.width), minute, 'epoch') AS bucket, route, method, tier,
             status, reason, wide.width, requests, buckets, counts
        FROM gone CROSS JOIN unnest(CAST(:widths AS smallint[])) AS wide (width)
    ), part AS (
      SELECT * FROM widened
      UNION ALL
      SELECT {keys}, requests, buckets, counts FROM {target}
       WHERE :adding AND ({keys}) IN (SELECT {keys} FROM widened)
    ), summed AS (
      SELECT {keys}, sum(requests)::bigint AS requests FROM part GROUP BY {keys}
    ), bins AS (
      SELECT {keys}, bin, sum(n)::bigint AS n FROM part, unnest(buckets, counts) AS one (bin, n) GROUP BY {keys}, bin
    ), histograms AS (
      SELECT {keys}, array_agg(bin ORDER BY bin) AS buckets, array_agg(n ORDER BY bin) AS counts FROM bins GROUP BY {keys}
    )
    INSERT INTO {target} ({keys}, requests, buckets, counts)
    SELECT {keys}, requests, coalesce(buckets, '{{}}'), coalesce(counts, '{{}}')
      FROM summed LEFT JOIN histograms USING ({keys})
    ON CONFLICT ({keys}) DO UPDATE
       SET requests = excluded.requests, buckets = excluded.buckets, counts = excluded.counts
"""
_PURGE_QUARTERS = """
    DELETE FROM {target} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {target} WHERE width = 15 AND bucket < :before LIMIT :most))
"""


def _take(target: str, source: str, *, accounts: bool) -> TextClause:
    of = "account_id, " if accounts else ""
    known = "account_id = ANY(:accounts) AND " if accounts else ""
    return text(_TAKE.format(target=target, source=source, keys=_KEYS.format(of=of), account=of, known=known))


_SERVICES = _take("request_rollups", "request_minutes", accounts=False)
_ACCOUNTS = _take("account_request_rollups", "account_request_minutes", accounts=True)
_KNOWN_ACCOUNTS = text(DISTINCT.format(table="account_request_minutes", column="account_id"))
_PURGES = tuple(text(_PURGE_QUARTERS.format(target=name)) for name in ("request_rollups", "account_request_rollups"))


def take(
    connection: Connection,
    services: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    widths: Sequence[int],
    adding: bool,
) -> None:
    """Take the minutes of `[since, until)` out, and have them in buckets of these widths.

    `adding`: to what is there; otherwise they are all of their buckets.
    """
    span = {"services": list(services), "since": since, "until": until, "widths": list(widths), "adding": adding}
    accounts = list(connection.execute(_KNOWN_ACCOUNTS).scalars())
    connection.execute(_SERVICES, span)
    if accounts:
        connection.execute(_ACCOUNTS, {**span, "accounts": accounts})


def purge_quarters(connection: Connection, before: datetime, *, most: int) -> int:
    """Delete so many quarters from before a time of each table; return how many."""
    return sum(connection.execute(purge, {"before": before, "most": most}).rowcount for purge in _PURGES)
