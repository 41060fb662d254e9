"""What counting rules have counted, over all accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from app.core import detail_store
from reporting.evaluation.tiles import Tile, kept_width
from reporting.slo.windows import minute_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection

_SUMS = text("""
    SELECT counted.rule_id, tile.width, tile.start, sum(counted.good)::bigint, sum(counted.total)::bigint
      FROM unnest(CAST(:widths AS smallint[]), CAST(:kept AS smallint[]), CAST(:starts AS bigint[]))
           AS tile (width, kept, start)
      JOIN rule_counts AS counted
        ON counted.rule_id = ANY(:rule_ids) AND counted.width = tile.kept
       AND counted.bucket = to_timestamp(tile.start * 60)
     GROUP BY counted.rule_id, tile.width, tile.start
""")


def sums(
    connection: Connection, rule_ids: Collection[str], tiles: Sequence[Tile]
) -> Iterator[tuple[str, Tile, int, int]]:
    """Give rule, tile, good and total."""
    kept = detail_store.detail(connection, detail_store.EVENTS)
    found = _found_in(tiles, minute_of(kept.minutes_from), minute_of(kept.quarters_from))
    parameters = {
        "rule_ids": sorted(rule_ids),
        "widths": [tile.width for tile in found],
        "kept": list(found.values()),
        "starts": [tile.start for tile in found],
    }
    for rule_id, width, start, good, total in connection.execute(_SUMS, parameters):
        yield rule_id, Tile(width, start), good, total


def _found_in(tiles: Sequence[Tile], minutes_from: int, quarters_from: int) -> dict[Tile, int]:
    """Return tiles with the width of the bucket that is kept of them; those for which nothing is left are left out."""
    widths = {tile: kept_width(tile, minutes_from, quarters_from) for tile in tiles}
    return {tile: width for tile, width in widths.items() if tile.start % width == 0}
