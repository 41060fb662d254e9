from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.shards import Lane
from ingestion.limits import shedding
from ingestion.limits.shedding import SHED_IN_TURN, Signals

NORMAL_SHARES = {Lane.HIGH: 0.3, Lane.NORMAL: 0.4, Lane.LOW: 0.3}
"""Of all load, what comes in each lane."""


def shares(severity: float) -> dict[str, float]:
    return {lane.value: shedding.share_refused(severity, lane) for lane in SHED_IN_TURN}


@pytest.mark.parametrize(
    ("pressure", "expected"),
    [
        (0.0, {"low": 0, "normal": 0, "high": 0}),
        (0.70, {"low": 0, "normal": 0, "high": 0}),
        (0.75, {"low": 0.5, "normal": 0, "high": 0}),
        (0.80, {"low": 1, "normal": 0, "high": 0}),
        (0.85, {"low": 1, "normal": 0.5, "high": 0}),
        (0.935, {"low": 1, "normal": 1, "high": 0.5}),
        (0.97, {"low": 1, "normal": 1, "high": 1}),
        (9.0, {"low": 1, "normal": 1, "high": 1}),
    ],
)
def test_the_lowest_lane_is_refused_first_and_then_the_next(pressure: float, expected: dict[str, float]) -> None:
    assert shares(shedding.severity_of(pressure)) == pytest.approx(expected)


@pytest.mark.parametrize("signal", ["depth", "age", "memory"])
def test_the_worst_signal_decides(signal: str) -> None:
    assert shedding.step(0, Signals(**{signal: 0.8}), elapsed_s=10) == pytest.approx(1)


def test_a_lane_is_touched_only_when_those_below_are_closed() -> None:
    severity = shedding.step(0, Signals(depth=1.0), elapsed_s=1)

    assert shares(severity) == {"low": 1, "normal": 0, "high": 0}


def test_it_lets_go_slowly() -> None:
    severity = shedding.step(3, Signals(), elapsed_s=1)

    assert severity == pytest.approx(2.7)


@given(severity=st.floats(0, 3), draw=st.floats(0, 1, exclude_max=True))
def test_whoever_refuses_a_lane_refuses_those_below(severity: float, draw: float) -> None:
    refused = shedding.refused_lanes(severity, draw)

    assert refused == SHED_IN_TURN[: len(refused)]


def test_a_request_is_refused_as_often_as_its_lane_s_share_says() -> None:
    random = Random(1)

    refused = [shedding.refused_lanes(0.3, random.random()) for _ in range(10_000)]

    assert refused.count((Lane.LOW,)) / 10_000 == pytest.approx(0.3, abs=0.03)


def simulate(load: float, seconds: int, depth: float = 0.0, severity: float = 0.0) -> list[tuple[float, float]]:
    """A queue that holds a minute of what workers store, under a load in multiples of that; per second its depth, severity."""
    seen = []
    for _ in range(seconds):
        severity = shedding.step(severity, Signals(depth=depth), elapsed_s=1)
        let_in = sum(share * (1 - shedding.share_refused(severity, lane)) for lane, share in NORMAL_SHARES.items())
        depth = max(0.0, depth + (load * let_in - 1) / 60)
        seen.append((depth, severity))
    return seen


@pytest.mark.parametrize("load", [1.2, 1.5, 3.0, 5.0])
def test_under_a_steady_overload_the_queue_settles_and_does_not_swing(load: float) -> None:
    settled = simulate(load, 600)[-120:]

    depths, severities = zip(*settled, strict=True)
    assert max(depths) < 1
    assert min(depths) > 0.6
    assert max(severities) - min(severities) < 0.4


def test_after_an_overload_everything_is_let_in_again() -> None:
    depth, severity = simulate(3.0, 300)[-1]

    after = simulate(0.8, 300, depth, severity)

    assert after[-1][1] == 0
    assert all(later[0] <= earlier[0] for earlier, later in pairwise(after[10:]))
