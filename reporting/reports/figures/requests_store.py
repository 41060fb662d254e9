"""Requests added up inside PostgreSQL, under labels: of days, quarters of an hour, incidents, maintenance, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.core.arrays import BigintArray, binary_cursor, texts
from app.core.telemetry import rollup_store
from reporting.evaluation import request_store
from reporting.evaluation.tiles import MINUTE, QUARTER, Tile, tiles_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from reporting.evaluation.request_store import Reach, Scope
    from reporting.reports.figures.spans import Piece

# The names of tables and columns are ours; what is asked for comes as parameters. OFFSET 0 keeps a piece a look into the
# index: of hundreds of small ranges the planner otherwise makes one join with the whole table.
_PARTS = """
  FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[]) AS piece (label, sign, service, since, until)
 CROSS JOIN LATERAL (
   SELECT * FROM {table}
    WHERE {accounts} service = piece.service AND {width}
          {time} >= to_timestamp(piece.since * 60) AND {time} < to_timestamp(piece.until * 60)
          AND (%b::text IS NULL OR tier = %b::text)
   OFFSET 0
 ) AS part
"""
_KINDS = """
SELECT piece.label, part.service, part.route, part.method, part.tier, part.status, part.reason,
       sum(piece.sign * part.requests)::bigint
{parts}
 GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_HISTOGRAMS = """
SELECT label, bin, sum(n)::bigint FROM (
  SELECT piece.label, bin, piece.sign * amount AS n
  {parts}
   CROSS JOIN LATERAL unnest(part.buckets, part.counts) AS one (bin, amount)
) AS found
 GROUP BY label, bin
"""
_QUARTERS = """
SELECT extract(epoch FROM date_bin('15 minutes', part.{time}, 'epoch'))::bigint / 60, sum(part.requests)::bigint,
       coalesce(sum(part.requests) FILTER (WHERE part.status >= 500), 0)::bigint,
       coalesce(sum(part.requests) FILTER (WHERE part.status = 429), 0)::bigint
{parts}
 GROUP BY 1
"""


class Kind(NamedTuple):
    """What tells requests apart."""

    service: str
    route: str
    method: str
    tier: str
    status: int
    reason: str


class Quarter(NamedTuple):
    """Requests of a quarter of an hour that begins at a minute since 1970: all, those answered 5xx, those answered 429."""

    start: int
    requests: int
    bad: int
    limited: int


class Rows:
    """Requests of a scope, as of the connection's moment."""

    def __init__(self, connection: Connection, scope: Scope, tier: str | None) -> None:
        self._connection = connection
        self._scope = scope
        self._tier = tier
        self._reach: Reach = request_store.reach(connection)
        known = rollup_store.counted_services(connection)
        self.services = [service for service in known if scope.services is None or service in scope.services]

    def kinds(self, labelled: Mapping[int, Sequence[Piece]], services: Mapping[int, str]) -> dict[int, dict[Kind, int]]:
        """Return requests by kind under each label; of one service where it is named, else of all of the scope."""
        found: dict[int, dict[Kind, int]] = {label: {} for label in labelled}
        for label, *kind, requests in self._rows(_KINDS, labelled, services):
            of_label = found[label]
            key = Kind._make(kind)
            of_label[key] = of_label.get(key, 0) + requests
        return found

    def histograms(self, labelled: Mapping[int, Sequence[Piece]]) -> dict[int, dict[int, int]]:
        """Return the durations of all requests under each label."""
        found: dict[int, dict[int, int]] = {label: {} for label in labelled}
        for label, bucket, count in self._rows(_HISTOGRAMS, labelled, {}):
            found[label][bucket] = found[label].get(bucket, 0) + count
        return found

    def quarters(self, start: int, end: int) -> list[Quarter]:
        """Return the quarters of an hour of a span that have requests, in order."""
        tiles = {Tile(QUARTER, at) for at in range(start - start % QUARTER, end, QUARTER)}
        found: dict[int, Quarter] = {}
        for (_, width), spans in request_store.sources(tiles, self._reach).items():
            pieces = [(0, 1, max(since, start), min(until, end)) for since, until in spans]
            for row in self._run(_QUARTERS, width, pieces, {}):
                quarter = Quarter(*row)
                before = found.get(quarter.start, Quarter(quarter.start, 0, 0, 0))
                found[quarter.start] = Quarter(
                    quarter.start, *(a + b for a, b in zip(before[1:], quarter[1:], strict=True))
                )
        return [found[start] for start in sorted(found)]

    def _rows(
        self, statement: str, labelled: Mapping[int, Iterable[Piece]], services: Mapping[int, str]
    ) -> Iterator[tuple[Any, ...]]:
        by_width: dict[int, list[tuple[int, int, int, int]]] = {}
        for label, pieces in labelled.items():
            for width, sign, since, until in located(pieces, self._reach):
                by_width.setdefault(width, []).append((label, sign, since, until))
        for width, found in by_width.items():
            yield from self._run(statement, width, found, services)

    def _run(
        self, statement: str, width: int, pieces: Sequence[tuple[int, int, int, int]], services: Mapping[int, str]
    ) -> list[tuple[Any, ...]]:
        asked = [
            (label, sign, service, since, until)
            for label, sign, since, until in pieces
            for service in ([services[label]] if label in services else self.services)
        ]
        if not asked:
            return []
        labels, signs, named, since, until = zip(*asked, strict=True)
        accounts = [] if self._scope.accounts is None else [texts(sorted(self._scope.accounts))]
        parameters = (BigintArray(labels), BigintArray(signs), texts(named), BigintArray(since), BigintArray(until))
        cursor = binary_cursor(self._connection)
        table, time = table_of(width, accounts=bool(accounts))
        parts = _PARTS.format(
            table=table,
            time=time,
            width="" if width == MINUTE else f"width = {width} AND",
            accounts="account_id = ANY(%b) AND" if accounts else "",
        )
        cursor.execute(statement.format(parts=parts, time=time), (*parameters, *accounts, self._tier, self._tier))
        return cursor.fetchall()


def located(pieces: Iterable[Piece], reached: Reach) -> Iterator[tuple[int, int, int, int]]:
    """Give pieces by where they are added up the furthest: width of the rows, sign, since, until."""
    for piece in pieces:
        tiles: Collection[Tile] = set(tiles_of(piece.since, piece.until))
        for (_, width), spans in request_store.sources(tiles, reached).items():
            for since, until in spans:
                yield width, piece.sign, since, until


def table_of(width: int, *, accounts: bool) -> tuple[str, str]:
    """Return table and column of time of rows of a width."""
    prefix = "account_" if accounts else ""
    return (f"{prefix}request_minutes", "minute") if width == MINUTE else (f"{prefix}request_rollups", "bucket")
