"""Requests of whole days, added up by PostgreSQL: a page of 90 days needs no single quarter of an hour."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reporting.evaluation import request_store
from reporting.evaluation.request_filter import RequestRow
from reporting.evaluation.tiles import DAY, MINUTE, QUARTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection

_PIECES = """
    SELECT span.number, part.service, part.route, part.method, part.tier, part.status, part.reason,
           sum(part.requests)::bigint
      FROM unnest(CAST(:numbers AS integer[]), CAST(:since AS bigint[]), CAST(:until AS bigint[]))
           AS span (number, since, until)
     CROSS JOIN LATERAL (
       SELECT service, route, method, tier, status, reason, requests FROM {table}
        WHERE service = ANY(:services) AND {width} {time} >= to_timestamp(span.since * 60) AND {time} < to_timestamp(span.until * 60)
     ) AS part
     GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
# The names of tables and columns are ours; what is asked for comes as parameters.
_STATEMENTS = {
    MINUTE: text(_PIECES.format(table="request_minutes", time="minute", width="")),
    DAY: text(_PIECES.format(table="request_rollups", time="bucket", width="width = 1440 AND")),
}
# Quarters are many and lie side by side: one scan tells them apart by the edges that they lie between.
_QUARTERS = text("""
    SELECT width_bucket(extract(epoch FROM bucket)::bigint / 60, CAST(:edges AS bigint[])),
           service, route, method, tier, status, reason, sum(requests)::bigint
      FROM request_rollups
     WHERE service = ANY(:services) AND width = 15
       AND bucket >= to_timestamp(:first * 60) AND bucket < to_timestamp(:last * 60)
     GROUP BY 1, 2, 3, 4, 5, 6, 7
""")
_Piece = tuple[int, int, int]
"""The place of a span, or the width of rows, and of it `[since, until)`."""


def rows(
    connection: Connection, services: Collection[str], spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, RequestRow]]:
    """Give rows of requests with the place of the span that they lie in; minutes since 1970, durations left out."""
    reached = request_store.reach(connection)
    pieces: dict[int, list[_Piece]] = defaultdict(list)
    for number, (start, end) in enumerate(spans):
        for width, since, until in _pieces(start, end, reached):
            pieces[width].append((number, since, until))
    wanted = sorted(services)
    for width, found in pieces.items():
        if width == QUARTER:
            yield from _quarters(connection, wanted, found)
            continue
        numbers, starts, ends = (list(column) for column in zip(*found, strict=True))
        parameters = {"numbers": numbers, "since": starts, "until": ends, "services": wanted}
        for number, *values in connection.execute(_STATEMENTS[width], parameters):
            yield number, _row(values)


def _quarters(
    connection: Connection, services: Sequence[str], pieces: Sequence[_Piece]
) -> Iterator[tuple[int, RequestRow]]:
    edges = sorted({edge for _, since, until in pieces for edge in (since, until)})
    within = [
        [number for number, since, until in pieces if since <= start and end <= until] for start, end in pairwise(edges)
    ]
    parameters = {"edges": edges, "first": edges[0], "last": edges[-1], "services": services}
    for place, *values in connection.execute(_QUARTERS, parameters):
        for number in within[place - 1]:
            yield number, _row(values)


def _row(values: Sequence[Any]) -> RequestRow:
    service, route, method, tier, status, reason, requests = values
    return RequestRow(0, "", service, route, method, tier, status, reason, requests, (), ())


def _pieces(start: int, end: int, reached: request_store.Reach) -> Iterator[_Piece]:
    """Give the widest rows that a span is made of: their width, from where, until where.

    Where minutes are gone, a quarter of an hour stands for its first one, and where quarters are gone a day for its first.
    """
    for width, since, until in _fine_pieces(start, end, days=reached.days, quarters=reached.quarters):
        if width == MINUTE:
            kept = min(max(since, reached.minutes_from), until)
            yield from _quarters_or_days(since, kept, reached)
            if kept < until:
                yield MINUTE, kept, until
        elif width == QUARTER:
            yield from _quarters_or_days(since, until, reached)
        else:
            yield width, since, until


def _quarters_or_days(since: int, until: int, reached: request_store.Reach) -> Iterator[_Piece]:
    kept = min(max(since, reached.quarters_from), until)
    if since < kept:
        yield DAY, since, kept
    if kept < until:
        yield QUARTER, kept, until


def _fine_pieces(start: int, end: int, *, days: int, quarters: int) -> Iterator[_Piece]:
    if start % DAY == 0 and end % DAY == 0 and end <= days:
        yield DAY, start, end
        return
    first, last = -(-start // QUARTER) * QUARTER, min(end, quarters) // QUARTER * QUARTER
    if first >= last:
        yield MINUTE, start, end
        return
    if start < first:
        yield MINUTE, start, first
    yield QUARTER, first, last
    if last < end:
        yield MINUTE, last, end
