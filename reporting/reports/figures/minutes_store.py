"""Good and total of a measure over requests, minute by minute, added up inside PostgreSQL: what slices are made of.

Filters are decided here, once for every kind of requests; PostgreSQL gets the kinds that pass, and the buckets to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core import detail_store
from app.core.arrays import BigintArray, binary_cursor, texts
from app.core.telemetry.dead_processes import DIED_REASON, DIED_STATUS
from app.domain.filters import Source
from reporting.evaluation.request_book import scope_of
from reporting.evaluation.request_filter import passes, take_of
from reporting.reports.figures.requests_store import Rows, table_of
from reporting.reports.figures.spans import pieces_of
from reporting.slo.series import MinuteSeries
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.domain.filters import Filter
    from reporting.evaluation.measure import Measure
    from reporting.reports.figures.requests_store import Kind

_LAST_BUCKET = 2**31 - 1
# Names of tables are ours. Requests that never finished are beyond every bucket.
_COUNTED = "part.requests AS total, part.requests * kind.in_part AS part"
_MEASURED = """
       total.known + CASE WHEN %b::bigint > 2147483646 THEN total.endless ELSE 0 END AS total,
       kind.in_part * (total.of_part + CASE WHEN %b::bigint > 2147483646 THEN total.endless ELSE 0 END) AS part
"""
_DURATIONS = """
 CROSS JOIN LATERAL (
   SELECT coalesce(sum(n) FILTER (WHERE bin >= %b::bigint AND bin < %b::bigint), 0) AS known,
          coalesce(sum(n) FILTER (WHERE bin >= %b::bigint AND bin < %b::bigint), 0) AS of_part,
          CASE WHEN part.status = {died} AND part.reason = '{reason}' THEN part.requests - coalesce(sum(n), 0) ELSE 0 END
            AS endless
     FROM unnest(part.buckets, part.counts) AS one (bin, n)
 ) AS total
"""
_SERIES = """
SELECT extract(epoch FROM minute)::bigint / 60, sum(part)::bigint, sum(total)::bigint FROM (
  SELECT part.minute, {counted}
    FROM {table} AS part
    JOIN unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::bigint[])
           AS kind (service, route, method, tier, status, reason, in_part)
      ON (part.service, part.route, part.method, part.tier, part.status::bigint, part.reason)
       = (kind.service, kind.route, kind.method, kind.tier, kind.status, kind.reason)
    {durations}
   WHERE {accounts} part.service = ANY(%b::text[])
     AND part.minute >= to_timestamp(%b::bigint * 60) AND part.minute < to_timestamp(%b::bigint * 60)
) AS found
 GROUP BY minute ORDER BY minute
"""


def can_add_up(measure: Measure) -> bool:
    """Say whether a measure can be added up here: of several accounts each would have to be looked at by itself."""
    return measure.source is Source.REQUESTS and len(scope_of(measure).accounts or ()) <= 1


def kept_from(connection: Connection) -> int:
    """Return the first minute since 1970 from which on all minutes are kept."""
    return minute_of(detail_store.detail(connection, detail_store.REQUESTS).minutes_from)


def minutes(connection: Connection, measure: Measure, span: tuple[int, int], *, over: int) -> MinuteSeries:
    """Return the minutes of a span that have something to count."""
    scope = scope_of(measure)
    rows = Rows(connection, scope, None)
    kinds = rows.kinds({0: pieces_of(*span, over=over)}, {})[0]
    chosen = sorted(kind for kind in kinds if passes(measure.total, _properties(kind, scope.accounts)))
    if not chosen:
        return MinuteSeries()
    in_part = [int(passes(measure.part, _properties(kind, scope.accounts))) for kind in chosen]
    services, routes, methods, tiers, statuses, reasons = zip(*chosen, strict=True)
    total, part = _range(measure.total), _range(measure.part)
    measured = measure.measures_duration
    accounts = [] if scope.accounts is None else [texts(sorted(scope.accounts))]
    statement = _SERIES.format(
        counted=_MEASURED if measured else _COUNTED,
        table=table_of(1, accounts=bool(accounts))[0],
        durations=_DURATIONS.format(died=DIED_STATUS, reason=DIED_REASON) if measured else "",
        accounts="part.account_id = ANY(%b::text[]) AND" if accounts else "",
    )
    columns = (texts(services), texts(routes), texts(methods), texts(tiers), BigintArray(statuses), texts(reasons))
    asked = (
        *columns,
        BigintArray(in_part),
        *((*total, *part) if measured else ()),
        *accounts,
        texts(rows.services),
        *span,
    )
    cursor = binary_cursor(connection)
    cursor.execute(statement, ((total[1], part[1]) if measured else ()) + asked)
    found = [(minute, measure.good(of_part, all_of), all_of) for minute, of_part, all_of in cursor.fetchall() if all_of]
    return MinuteSeries(*zip(*found, strict=True)) if found else MinuteSeries()


def _range(chosen: Filter) -> tuple[int, int]:
    """Return from which bucket up to which a filter counts."""
    take = take_of(chosen, measured=True)
    if take.cut is None:
        return 0, _LAST_BUCKET
    return (0, take.cut) if take.below else (take.cut, _LAST_BUCKET)


def _properties(kind: Kind, accounts: frozenset[str] | None) -> dict[str, object]:
    """Return what filters ask of requests; those of an account are read of that one alone."""
    return {**kind._asdict(), "account_id": next(iter(accounts)) if accounts else ""}
