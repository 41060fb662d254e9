from __future__ import annotations

import threading

import pytest

from app.core import deadline
from app.core.errors import DependencyTimeoutError


@pytest.fixture(autouse=True)
def _no_deadline() -> None:
    deadline.end()


def test_without_a_deadline_a_wait_has_its_own_limit() -> None:
    assert deadline.left(3.0) == 3.0


def test_a_wait_never_lasts_past_the_deadline() -> None:
    deadline.begin(2.0)

    assert 0 < deadline.left(3.0) <= 2.0
    assert deadline.left(1.0) == 1.0

    deadline.end()


def test_when_the_deadline_has_passed_there_is_nothing_left_and_nobody_is_asked() -> None:
    deadline.begin(-1.0)

    assert deadline.left(3.0) == 0
    with pytest.raises(DependencyTimeoutError):
        deadline.time_for("valkey", 3.0)

    deadline.end()


def test_a_part_may_have_less_time_but_never_more() -> None:
    deadline.begin(10.0)

    with deadline.at_most(1.0):
        assert deadline.left(60.0) <= 1.0
        with deadline.at_most(5.0):
            assert deadline.left(60.0) <= 1.0
    assert 1.0 < deadline.left(60.0) <= 10.0

    deadline.end()


def test_a_part_without_a_deadline_around_it_has_its_own() -> None:
    with deadline.at_most(1.0):
        assert deadline.left(60.0) <= 1.0

    assert deadline.left(60.0) == 60.0


def test_another_thread_has_another_deadline() -> None:
    seen = []
    deadline.begin(1.0)

    thread = threading.Thread(target=lambda: seen.append(deadline.left(60.0)))
    thread.start()
    thread.join()

    assert seen == [60.0]
    deadline.end()
