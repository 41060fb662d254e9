"""Request minutes and what they are added up to, as rows, from whichever table has them added up the furthest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.core import detail_store
from app.core.arrays import binary_cursor
from app.core.telemetry import rollup_store
from reporting.evaluation.request_filter import RequestRow
from reporting.evaluation.tiles import DAY, MINUTE, QUARTER, Tile, kept_width
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import Connection


_NO_HISTOGRAM = "'{}'::integer[], '{}'::bigint[]"
# The names of tables and columns are ours; what is asked for comes as parameters.
_ROWS = """
SELECT extract(epoch FROM part.{time})::bigint / 60, {account}, part.service, part.route, part.method, part.tier,
       part.status, part.reason, part.requests, {histogram}
  FROM unnest(%s::bigint[], %s::bigint[]) AS span (since, until)
 CROSS JOIN LATERAL (
   SELECT * FROM {table}
    WHERE {accounts} service = ANY(%s) AND {width}
          {time} >= to_timestamp(span.since * 60) AND {time} < to_timestamp(span.until * 60)
 ) AS part
"""


class Scope(NamedTuple):
    """Whose requests: of some services (None: of all), counted for the services or for some accounts of theirs."""

    services: frozenset[str] | None
    accounts: frozenset[str] | None


class Reach(NamedTuple):
    """Minutes since 1970 up to which days and quarters are added up, and from which minutes and quarters are kept."""

    days: int
    quarters: int
    minutes_from: int = 0
    quarters_from: int = 0


def reach(connection: Connection) -> Reach:
    """Return how far minutes are added up."""
    progress = rollup_store.progress(connection)
    days = 0 if progress.days_until is None else minute_of(progress.days_until)
    quarters = 0 if progress.quarters_until is None else minute_of(progress.quarters_until)
    kept = detail_store.detail(connection, detail_store.REQUESTS)
    return Reach(days, quarters, minute_of(kept.minutes_from), minute_of(kept.quarters_from))


def rows(
    connection: Connection, scope: Scope, tiles: Collection[Tile], *, histograms: bool
) -> Iterator[tuple[Tile, RequestRow]]:
    """Give the rows of tiles, each with its tile. Without `histograms` these are empty."""
    reached = reach(connection)
    services = sorted(scope.services) if scope.services is not None else rollup_store.counted_services(connection)
    for (tile_width, width), spans in sources(tiles, reached).items():
        statement = _statement(width, accounts=scope.accounts is not None, histograms=histograms)
        parameters: list[object] = [[since for since, _ in spans], [until for _, until in spans]]
        if scope.accounts is not None:
            parameters.append(sorted(scope.accounts))
        cursor = binary_cursor(connection)
        cursor.execute(statement, (*parameters, services))
        for row in map(RequestRow._make, cursor.fetchall()):
            yield Tile(tile_width, row.start - row.start % tile_width), row


def _statement(width: int, *, accounts: bool, histograms: bool) -> str:
    prefix = "account_" if accounts else ""
    table, time = (f"{prefix}request_minutes", "minute") if width == MINUTE else (f"{prefix}request_rollups", "bucket")
    return _ROWS.format(
        table=table,
        time=time,
        width="" if width == MINUTE else f"width = {width} AND",
        account="part.account_id" if accounts else "''",
        accounts="account_id = ANY(%s) AND" if accounts else "",
        histogram="part.buckets, part.counts" if histograms else _NO_HISTOGRAM,
    )


def sources(tiles: Iterable[Tile], reached: Reach) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return by width of tile and of row where to look. Tiles of different widths may overlap, those of one do not."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for tile in sorted(tiles):
        for width, since, until in _pieces(tile, reached):
            spans = found.setdefault((tile.width, width), [])
            if spans and spans[-1][1] == since:
                spans[-1] = (spans[-1][0], until)
            else:
                spans.append((since, until))
    return found


def _pieces(tile: Tile, reached: Reach) -> Iterator[tuple[int, int, int]]:
    """Give the rows a tile is made of: their width, from where, until where."""
    width = kept_width(tile, reached.minutes_from, reached.quarters_from)
    if width != tile.width:
        if tile.start % width == 0:
            yield width, tile.start, tile.start + width
        return
    if tile.width == DAY and tile.end <= reached.days:
        yield DAY, tile.start, tile.end
        return
    middle = tile.start
    if tile.width >= QUARTER and reached.quarters > tile.start:
        middle = min(tile.end, reached.quarters)
        yield QUARTER, tile.start, middle
    if middle < tile.end:
        yield MINUTE, middle, tile.end
