"""Pieces of a span add up to it, and are few."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reporting.evaluation.tiles import WIDTHS
from reporting.reports.figures.spans import EVENT_WIDTHS, Piece, pieces_of

MINUTES = st.integers(29_000_000, 29_000_000 + 5 * 1_440)
FAR = 2**40


def covered(pieces: list[Piece]) -> dict[int, int]:
    found: dict[int, int] = {}
    for piece in pieces:
        for minute in range(piece.since, piece.until):
            found[minute] = found.get(minute, 0) + piece.sign
    return {minute: times for minute, times in found.items() if times}


@given(MINUTES, MINUTES, st.one_of(MINUTES, st.just(FAR)), st.sampled_from([WIDTHS, EVENT_WIDTHS]))
def test_pieces_cover_each_minute_of_their_span_once_and_no_other(
    one: int, other: int, over: int, widths: tuple[int, ...]
) -> None:
    start, end = sorted((one, other))

    pieces = pieces_of(start, end, over=over, widths=widths)

    assert covered(pieces) == dict.fromkeys(range(start, end), 1)
    for piece in pieces:
        assert piece.since % piece.width == piece.until % piece.width == 0
        assert piece.until <= max(end, over)


def test_a_day_of_a_zone_is_a_day_of_utc_and_its_edges() -> None:
    day = 29_000_160 - 29_000_160 % 1_440
    berlin = (day - 120, day + 1_320)
    kathmandu = (day - 345, day + 1_095)

    assert pieces_of(*berlin, over=FAR) == [
        Piece(1, 15, day - 120, day),
        Piece(1, 1_440, day, day + 1_440),
        Piece(-1, 15, day + 1_320, day + 1_440),
    ]
    assert sum((piece.until - piece.since) // piece.width for piece in pieces_of(*kathmandu, over=FAR)) == 47


def test_a_short_span_is_not_made_of_days() -> None:
    night = 29_000_160 - 29_000_160 % 1_440 + 180

    assert pieces_of(night, night + 31, over=FAR) == [
        Piece(1, 15, night, night + 30),
        Piece(1, 1, night + 30, night + 31),
    ]
