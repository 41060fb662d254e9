from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from app.core import deadline
from app.core.bulkhead import Bulkhead
from app.core.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Eventually = Callable[[Callable[[], object]], None]


@contextmanager
def others(bulkhead: Bulkhead, count: int) -> Iterator[threading.Event]:
    """Others who want a place each and keep it until the end of the block; the event says that one of them has it."""
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with bulkhead.place():
            inside.set()
            leave.wait(60)

    threads = [threading.Thread(target=stay) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield inside
    finally:
        leave.set()
        for thread in threads:
            thread.join()


def test_as_many_as_there_are_places_come_in() -> None:
    bulkhead = Bulkhead("reads", places=2, patience_s=60)

    with bulkhead.place(), bulkhead.place():
        assert bulkhead.occupancy().taken == 2
    assert bulkhead.occupancy().taken == 0


def test_a_place_is_free_again_after_an_error() -> None:
    bulkhead = Bulkhead("reads", places=1, patience_s=0)

    for _ in range(3):
        with pytest.raises(LookupError), bulkhead.place():
            raise LookupError


def test_who_waits_gets_the_place_of_one_who_leaves(eventually: Eventually) -> None:
    bulkhead = Bulkhead("reads", places=1, patience_s=60)

    with ExitStack() as stack:
        with bulkhead.place():
            inside = stack.enter_context(others(bulkhead, 1))
            eventually(lambda: bulkhead.occupancy().waiting == 1)
            assert not inside.is_set()
        assert inside.wait(60)
        assert bulkhead.occupancy().waiting == 0


def test_when_too_many_wait_the_next_is_refused_at_once(eventually: Eventually) -> None:
    bulkhead = Bulkhead("reads", places=1, patience_s=60, waiting=2)

    with ExitStack() as stack, bulkhead.place():
        stack.enter_context(others(bulkhead, 2))
        eventually(lambda: bulkhead.occupancy().waiting == 2)

        with pytest.raises(OverloadedError, match="2 wait already"), bulkhead.place():
            pass

        assert bulkhead.occupancy().refused == 1


def test_who_has_waited_for_too_long_is_refused() -> None:
    bulkhead = Bulkhead("reads", places=1, patience_s=0.01)

    with bulkhead.place(), pytest.raises(OverloadedError, match="in time"), bulkhead.place():
        pass

    assert bulkhead.occupancy().refused == 1


def test_a_wait_leaves_half_of_the_deadline_for_the_work() -> None:
    bulkhead = Bulkhead("reads", places=1, patience_s=60)

    deadline.begin(0.2)
    try:
        with bulkhead.place(), pytest.raises(OverloadedError), bulkhead.place():
            pass
        assert deadline.left(60) > 0
    finally:
        deadline.end()
