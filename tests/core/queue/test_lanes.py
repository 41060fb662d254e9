from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.core.queue.keys import SHARDS, shard_tag
from app.core.queue.lanes import LANES, ROTATION, WEIGHTS, Lane, rotation
from app.domain import shards


def test_a_round_gives_every_lane_its_weight() -> None:
    turns = Counter(LANES[i] for i in ROTATION)

    assert turns == {Lane.HIGH: 8, Lane.NORMAL: 4, Lane.LOW: 2, Lane.OVERFLOW: 1}


def test_turns_are_spread_over_the_round() -> None:
    letters = "".join(LANES[i].letter for i in ROTATION)

    assert "hhhh" not in letters * 2
    assert "nn" not in letters * 2


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_any_weights_are_met_exactly(weights: list[int]) -> None:
    turns = Counter(rotation(weights))

    assert [turns[i] for i in range(len(weights))] == weights


def test_lanes_and_shards_are_those_of_the_domain() -> None:
    assert [lane.value for lane in LANES] == [lane.value for lane in shards.Lane]
    assert shards.SHARDS == SHARDS
    assert [shard_tag(shard) for shard in range(SHARDS)] == [shards.tag(shard) for shard in range(SHARDS)]
    assert len({lane.letter for lane in Lane}) == len(WEIGHTS) == len(LANES)
