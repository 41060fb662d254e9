"""Requests of accounts over a stretch of time, added up by PostgreSQL: an account has few kinds of requests and many minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.arrays import binary_cursor
from app.core.telemetry import rollup_store
from reporting.evaluation.request_filter import RequestRow
from reporting.evaluation.request_store import reach, sources
from reporting.evaluation.tiles import MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

    from reporting.evaluation.request_store import Scope
    from reporting.evaluation.tiles import Tile

_KIND = "account_id, service, route, method, tier, status, reason"
# The names of tables and columns are ours; what is asked for comes as parameters.
_PART = """
WITH part AS MATERIALIZED (
  SELECT found.* FROM unnest(%s::text[]) AS account (id)
   CROSS JOIN unnest(%s::bigint[], %s::bigint[]) AS span (since, until)
   CROSS JOIN LATERAL (
     SELECT {kind}, requests, buckets, counts FROM {table}
      WHERE account_id = account.id AND service = ANY(%s) AND {width}
            {time} >= to_timestamp(span.since * 60) AND {time} < to_timestamp(span.until * 60)
   ) AS found
)
"""
_WITHOUT_DURATIONS = """
SELECT 0::bigint, {kind}, sum(requests)::bigint, '{{}}'::integer[], '{{}}'::bigint[] FROM part GROUP BY {kind}
"""
_WITH_DURATIONS = """
SELECT 0::bigint, {kind}, requests, coalesce(buckets, '{{}}'), coalesce(counts, '{{}}')
  FROM (SELECT {kind}, sum(requests)::bigint AS requests FROM part GROUP BY {kind}) AS every
  LEFT JOIN (
    SELECT {kind}, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(times ORDER BY bucket) AS counts
      FROM (
        SELECT {kind}, bucket, sum(times)::bigint AS times
          FROM part CROSS JOIN LATERAL unnest(buckets, counts) AS h (bucket, times)
         GROUP BY {kind}, bucket
      ) AS each
     GROUP BY {kind}
  ) AS measured USING ({kind})
"""


def rows(connection: Connection, scope: Scope, tiles: Collection[Tile], *, histograms: bool) -> Iterator[RequestRow]:
    """Give rows of accounts and their kinds of requests, without when: of the scope's accounts, or of all that are counted."""
    services = sorted(scope.services) if scope.services is not None else rollup_store.counted_services(connection)
    accounts = sorted(scope.accounts) if scope.accounts is not None else rollup_store.counted_accounts(connection)
    spans_of: dict[int, list[tuple[int, int]]] = {}
    for (_, width), spans in sources(tiles, reach(connection)).items():
        spans_of.setdefault(width, []).extend(spans)
    for width, spans in spans_of.items():
        cursor = binary_cursor(connection)
        parameters = (accounts, [since for since, _ in spans], [until for _, until in spans], services)
        cursor.execute(_statement(width, histograms=histograms), parameters)
        yield from map(RequestRow._make, cursor.fetchall())


def _statement(width: int, *, histograms: bool) -> str:
    minutes = width == MINUTE
    return (_PART + (_WITH_DURATIONS if histograms else _WITHOUT_DURATIONS)).format(
        kind=_KIND,
        table="account_request_minutes" if minutes else "account_request_rollups",
        time="minute" if minutes else "bucket",
        width="" if minutes else f"width = {width} AND",
    )
