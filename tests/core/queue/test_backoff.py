from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.queue.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base_s=1, factor=2, cap_s=10)

    assert [backoff.ceiling_s(attempt) for attempt in range(6)] == [1, 2, 4, 8, 10, 10]


@given(attempt=st.integers(0, 10**9), draw=st.floats(0, 1, exclude_max=True))
def test_a_delay_lies_between_nothing_and_the_ceiling(attempt: int, draw: float) -> None:
    backoff = Backoff(base_s=0.5, factor=3, cap_s=60)

    assert 0 <= backoff.delay_s(attempt, lambda: draw) <= backoff.ceiling_s(attempt) <= 60


def test_jitter_is_full() -> None:
    backoff = Backoff(base_s=8, factor=2, cap_s=8)

    assert [backoff.delay_s(0, lambda draw=draw: draw) for draw in (0, 0.25, 0.5)] == [0, 2, 4]
