"""Waiting with a deadline for what knows none, such as the resolution of a name."""

from __future__ import annotations

import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def run_beside(action: Callable[[], T], *, timeout_s: float, discard: Callable[[T], object]) -> T:
    """Run an action on a thread of its own and wait for it; raises what it raises, and `TimeoutError` when it is late.

    The thread cannot be ended: a result that nobody waits for any more goes to `discard`.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            result = action()
        except BaseException as error:  # noqa: BLE001 - It is raised where somebody waits.
            with suppress(InvalidStateError):
                outcome.set_exception(error)
            return
        try:
            outcome.set_result(result)
        except InvalidStateError:
            discard(result)

    threading.Thread(target=run, name="beside", daemon=True).start()
    try:
        return outcome.result(timeout_s)
    except TimeoutError:
        # Cancelled in time it will never have a result; else the result or the action's own error is there by now.
        if outcome.cancel():
            raise
        return outcome.result()
