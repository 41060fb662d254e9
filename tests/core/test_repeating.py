from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from app.core.errors import DependencyUnavailableError
from app.core.repeating import Repeating

if TYPE_CHECKING:
    from collections.abc import Callable

    Eventually = Callable[[Callable[[], object]], None]


class Action:
    """Fails as often as it is told to, and counts."""

    def __init__(self, *failures: Exception) -> None:
        self.done = 0
        self._failures = list(failures)

    def __call__(self) -> None:
        self.done += 1
        if self._failures:
            raise self._failures.pop(0)


def run(action: Action, times: int, eventually: Eventually) -> None:
    repeating = Repeating("test", action, interval_s=0.001)
    repeating.start()
    eventually(lambda: action.done >= times)
    repeating.stop()
    repeating.join()


def test_an_outage_is_one_line_and_the_work_goes_on(eventually: Eventually) -> None:
    action = Action(*[DependencyUnavailableError("valkey", "away")] * 3)

    with capture_logs() as lines:
        run(action, 5, eventually)

    assert [(line["work"], line["error"]) for line in lines] == [("test", "valkey: away")]


def test_a_mistake_of_ours_is_logged_and_does_not_end_the_work(eventually: Eventually) -> None:
    action = Action(KeyError("nobody thought of it"))

    with capture_logs() as lines:
        run(action, 3, eventually)

    assert [line["log_level"] for line in lines] == ["error"]


@pytest.mark.parametrize("once_more", [True, False])
def test_what_must_not_be_lost_is_done_once_more_at_the_stop(once_more: bool, eventually: Eventually) -> None:
    action, flag = Action(), threading.Event()

    def act() -> None:
        action()
        flag.set()

    repeating = Repeating("test", act, interval_s=3_600, once_more=once_more)
    repeating.start()
    eventually(flag.is_set)
    repeating.stop()
    repeating.join()

    assert action.done == 1 + once_more
