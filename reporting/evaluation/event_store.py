"""What counting rules have counted, over all accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from reporting.evaluation.tiles import Tile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection

_SUMS = text("""
    SELECT counted.rule_id, tile.width, tile.start, sum(counted.good)::bigint, sum(counted.total)::bigint
      FROM unnest(CAST(:widths AS smallint[]), CAST(:starts AS bigint[])) AS tile (width, start)
      JOIN rule_counts AS counted
        ON counted.rule_id = ANY(:rule_ids) AND counted.width = tile.width
       AND counted.bucket = to_timestamp(tile.start * 60)
     GROUP BY counted.rule_id, tile.width, tile.start
""")


def sums(
    connection: Connection, rule_ids: Collection[str], tiles: Sequence[Tile]
) -> Iterator[tuple[str, Tile, int, int]]:
    """Give rule, tile, good and total."""
    parameters = {
        "rule_ids": sorted(rule_ids),
        "widths": [tile.width for tile in tiles],
        "starts": [tile.start for tile in tiles],
    }
    for rule_id, width, start, good, total in connection.execute(_SUMS, parameters):
        yield rule_id, Tile(width, start), good, total
