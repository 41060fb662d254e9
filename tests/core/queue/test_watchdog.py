from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from app.core.queue.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exits() -> list[str]:
    return []


@pytest.fixture
def watchdog(clock: Clock, exits: list[str]) -> Watchdog:
    leave: Callable[[], None] = lambda: exits.append("left")  # noqa: E731 (a typed lambda)
    return Watchdog(10.0, exit_process=leave, clock=clock)


def test_the_process_exits_when_work_hangs(
    watchdog: Watchdog, clock: Clock, exits: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL), watchdog.watching("3 entries of shard 4"):
        clock.now = 10.1
        watchdog.check()

    assert exits == ["left"]
    assert "3 entries of shard 4 has hung for 10 s" in caplog.text


def test_work_within_its_time_is_left_alone(watchdog: Watchdog, clock: Clock, exits: list[str]) -> None:
    with watchdog.watching("work"):
        clock.now = 10.0
        watchdog.check()

    assert exits == []


def test_finished_and_failed_work_is_forgotten(watchdog: Watchdog, clock: Clock, exits: list[str]) -> None:
    with pytest.raises(ValueError, match="failed"), watchdog.watching("work"):
        raise ValueError("failed")
    clock.now = 100.0

    watchdog.check()

    assert exits == []
