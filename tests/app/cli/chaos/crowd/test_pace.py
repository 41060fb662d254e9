from __future__ import annotations

import pytest

from app.cli.chaos.crowd.pace import Pace, check_pace, percentile


def pace(*, answer: float, fresh: float) -> Pace:
    return Pace(100, answer_p50_ms=1, answer_p99_ms=answer, fresh_p50_ms=1, fresh_p99_ms=fresh)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_seen(share: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected
    assert percentile([], share) == 0


def test_twice_as_slow_is_the_most_and_each_measure_counts() -> None:
    quiet = pace(answer=10, fresh=100)

    assert check_pace(quiet, pace(answer=20, fresh=200)) == []
    assert [f.count for f in check_pace(quiet, pace(answer=21, fresh=200))] == [1]
    assert [f.count for f in check_pace(quiet, pace(answer=21, fresh=201))] == [2]
