"""Tiles cover a span once, whatever it is, and rules say the same after they were stored."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.counting.rules import Rule, rule_of
from app.domain.filters import Source, parse
from reporting.evaluation.tiles import DAY, QUARTER, tiles_around, tiles_of

MINUTES = st.integers(29_000_000, 29_100_000)
SCALARS = st.one_of(
    st.text(alphabet="abc <5", min_size=1, max_size=5).filter(lambda text: text.strip()[:1] not in {"<", ">"}),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.decimals(-1_000, 1_000, places=3, allow_nan=False),
)
NUMBERS = st.decimals(-1_000, 1_000, places=2, allow_nan=False)
CONDITIONS = st.one_of(
    SCALARS,
    st.lists(SCALARS, min_size=1, max_size=3),
    st.builds(lambda sign, number: f"{sign}{number:f}", st.sampled_from(["<", "<=", ">", ">="]), NUMBERS),
)


@given(MINUTES, st.integers(0, 50 * DAY))
def test_tiles_follow_each_other_without_gap_or_overlap_and_are_few(start: int, length: int) -> None:
    tiles = list(tiles_of(start, start + length))

    place = start
    for tile in tiles:
        assert tile.start == place
        assert tile.start % tile.width == 0
        place = tile.end
    assert place == start + length
    assert len(tiles) <= length // DAY + 2 * (DAY // QUARTER - 1) + 2 * (QUARTER - 1) + 1


@given(MINUTES, st.integers(1, 3 * DAY), st.integers(0, 3 * DAY))
def test_a_minute_is_in_exactly_one_tile_of_a_span_that_it_is_in(start: int, length: int, at: int) -> None:
    minute = start + at
    inside = [tile for tile in tiles_of(start, start + length) if tile in tiles_around(minute)]

    assert len(inside) == (1 if at < length else 0)


@given(
    st.dictionaries(st.sampled_from(["payload.x", "payload.y", "payload.z.w"]), CONDITIONS, max_size=3),
    st.dictionaries(st.sampled_from(["x", "y"]), st.one_of(SCALARS, st.floats(-1_000, 1_000)), max_size=2),
    st.booleans(),
)
def test_a_rule_decides_the_same_after_it_was_stored(
    conditions: dict[str, Any], payload: dict[str, Any], part_is_good: bool
) -> None:
    part = parse(Source.EVENTS, {"type": "a", **conditions})
    rule = Rule(parse(Source.EVENTS, {"type": "a"}), part, part_is_good)
    record = {"account_id": "acme", "type": "a", "payload": payload}

    again = rule_of(rule.filters)

    assert again.is_good(record) == rule.is_good(record)
    assert again.rule_id == rule.rule_id
