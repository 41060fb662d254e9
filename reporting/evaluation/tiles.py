"""Any span of minutes as a few days, quarters of an hour and minutes, each of which is summed once and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = 1
QUARTER = 15
DAY = 1_440
WIDTHS = (DAY, QUARTER, MINUTE)


class Tile(NamedTuple):
    """`width` minutes from `start`, a multiple of it, in minutes since 1970 (UTC)."""

    width: int
    start: int

    @property
    def end(self) -> int:
        return self.start + self.width


def tiles_of(start: int, end: int) -> Iterator[Tile]:
    """Cut `[start, end)` into the widest tiles that fit, in order."""
    while start < end:
        width = next(width for width in WIDTHS if start % width == 0 and start + width <= end)
        yield Tile(width, start)
        start += width


def tiles_around(minute: int) -> list[Tile]:
    """Return the tiles of every width that a minute lies in."""
    return [Tile(width, minute - minute % width) for width in WIDTHS]


def kept_width(tile: Tile, minutes_from: int, quarters_from: int) -> int:
    """Return how wide the bucket is that is kept of a tile's time.

    A wider one stands for the first tile in it; for the others nothing is left.
    """
    width = QUARTER if tile.width == MINUTE and tile.start < minutes_from else tile.width
    return DAY if width == QUARTER and tile.start < quarters_from else width
