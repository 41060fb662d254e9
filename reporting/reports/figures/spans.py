"""Any span of time as few tiles to read: sums are linear, so what lies beyond an edge is read and taken away again.

A day of Berlin is one day of UTC, with an hour before it and without one at its end: nine tiles, and not ninety-six.
"""

from __future__ import annotations

from typing import NamedTuple

from reporting.evaluation.tiles import WIDTHS

EVENT_WIDTHS = (1_440, 60, 1)
"""Minutes in the buckets of `event_rollups`."""


class Piece(NamedTuple):
    """`[since, until)` in minutes since 1970, to be read in buckets of a width, and added or (sign -1) taken away."""

    sign: int
    width: int
    since: int
    until: int


def pieces_of(start: int, end: int, *, over: int, widths: tuple[int, ...] = WIDTHS) -> list[Piece]:
    """Return pieces whose sums add up to that of `[start, end)`.

    No piece is read beyond `over`, from where on wide buckets may not be complete.
    """
    if start >= end:
        return []
    width, *finer = widths
    if not finer:
        return [Piece(1, width, start, end)]
    narrow = pieces_of(start, end, over=over, widths=tuple(finer))
    first, last = (_nearest(edge, width, over) for edge in (start, end))
    if first >= last:
        return narrow
    wide = [
        *_between(start, first, over, tuple(finer)),
        Piece(1, width, first, last),
        *_between(last, end, over, tuple(finer)),
    ]
    return min(wide, narrow, key=_cost)


def _between(start: int, end: int, over: int, widths: tuple[int, ...]) -> list[Piece]:
    if start <= end:
        return pieces_of(start, end, over=over, widths=widths)
    return [piece._replace(sign=-piece.sign) for piece in pieces_of(end, start, over=over, widths=widths)]


def _nearest(edge: int, width: int, over: int) -> int:
    below = edge - edge % width
    above = below + width
    return above if above - edge < edge - below and above <= over else below


def _cost(pieces: list[Piece]) -> int:
    return sum((piece.until - piece.since) // piece.width for piece in pieces)
