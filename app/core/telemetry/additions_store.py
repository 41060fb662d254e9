"""Adds counts that others made to what PostgreSQL has of a service.

The rows of our own processes are cumulative, and writing them again changes nothing. What comes in batches is added up
instead: rows a minute stay as many as there are properties, however many batches there were. So the caller must mark a
batch as added in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core.arrays import BigintArray, binary_cursor, texts
from app.core.restatements_store import Restated, note_late, spans_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from app.core.arrays import TextArray
    from app.core.telemetry.ledger import Observation

WRITER = "added"
"""The writer of all rows that are added up; processes that count for themselves have names of their own."""
_ROWS_AT_ONCE = 5_000
_Key = tuple[Any, ...]

_MERGE = """
DO UPDATE SET
  requests = kept.requests + excluded.requests,
  (buckets, counts) = (
    SELECT coalesce(array_agg(bucket ORDER BY bucket), '{}'), coalesce(array_agg(amount ORDER BY bucket), '{}')
    FROM (
      SELECT bucket, sum(number)::bigint AS amount
      FROM unnest(kept.buckets || excluded.buckets, kept.counts || excluded.counts) AS pair (bucket, number)
      GROUP BY bucket
    ) AS merged
  )
"""

_ADD_SERVICE_ROWS = f"""
INSERT INTO request_minutes AS kept
  (minute, route, method, tier, status, reason, requests, buckets, counts, service, writer)
SELECT to_timestamp(unnest(%b) * 60), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b),
  unnest(%b)::integer[], unnest(%b)::bigint[], %b, %b
ON CONFLICT (service, minute, route, method, tier, status, reason, writer) {_MERGE}
"""

_ADD_ACCOUNT_ROWS = f"""
INSERT INTO account_request_minutes AS kept
  (account_id, minute, route, method, tier, status, reason, requests, buckets, counts, service, writer)
SELECT unnest(%b), to_timestamp(unnest(%b) * 60), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b), unnest(%b),
  unnest(%b)::integer[], unnest(%b)::bigint[], %b, %b
ON CONFLICT (account_id, service, minute, route, method, tier, status, reason, writer) {_MERGE}
"""


class _Row:
    """The requests of a minute, of one account (or of all, ""), with the same properties.

    There is one for nearly every line of a sparse log, so most have no histogram, and none is a dataclass.
    """

    __slots__ = ("histogram", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.histogram: dict[int, int] | None = None


def add_requests(connection: Connection, service: str, observations: Mapping[Observation, int]) -> None:
    """Add requests to a service's minutes, and to those of the accounts that are named.

    Rows are sorted by their key, so that all writers lock them in one order.
    """
    of_service: dict[_Key, _Row] = {}
    of_accounts: dict[_Key, _Row] = {}
    for observation, requests in observations.items():
        minute, account_id, bucket = observation[0], observation[1], observation[7]
        properties = observation[2:7]
        _count(of_service, ("", minute, *properties), bucket, requests)
        if account_id is not None:
            _count(of_accounts, (account_id, minute, *properties), bucket, requests)
    for statement, rows, of_an_account in ((_ADD_SERVICE_ROWS, of_service, 0), (_ADD_ACCOUNT_ROWS, of_accounts, 1)):
        ordered = sorted(rows)
        for at in range(0, len(ordered), _ROWS_AT_ONCE):
            columns = _columns(ordered[at : at + _ROWS_AT_ONCE], rows)
            binary_cursor(connection).execute(statement, (*columns[1 - of_an_account :], service, WRITER))
    note_late(connection, Restated.REQUESTS, spans_of(service, (observation[0] for observation in observations)))


def _count(rows: dict[_Key, _Row], key: _Key, bucket: int | None, requests: int) -> None:
    row = rows.get(key)
    if row is None:
        row = rows[key] = _Row()
    row.requests += requests
    if bucket is not None:
        if row.histogram is None:
            row.histogram = {}
        row.histogram[bucket] = row.histogram.get(bucket, 0) + requests


def _columns(keys: Sequence[_Key], rows: Mapping[_Key, _Row]) -> tuple[TextArray | BigintArray, ...]:
    """Lay rows out: account, minute, route, method, tier, status, reason, requests, buckets, counts."""
    accounts, minutes, routes, methods, tiers, statuses, reasons = zip(*keys, strict=True)
    chosen = [rows[key] for key in keys]
    histograms = [row.histogram for row in chosen]
    buckets = [sorted(histogram) if histogram else () for histogram in histograms]
    counts = [
        [histogram[number] for number in own] if histogram else ()
        for histogram, own in zip(histograms, buckets, strict=True)
    ]
    return (
        texts(accounts),
        BigintArray(minutes),
        texts(routes),
        texts(methods),
        texts(tiers),
        BigintArray(statuses),
        texts(reasons),
        BigintArray([row.requests for row in chosen]),
        texts(map(_literal, buckets)),
        texts(map(_literal, counts)),
    )


def _literal(numbers: Sequence[int]) -> str:
    """Write integers as an array in PostgreSQL's text form: rows of unequal length fit no array of arrays."""
    return "{" + ",".join(map(str, numbers)) + "}" if numbers else "{}"
