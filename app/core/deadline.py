"""When the request in hand must be answered: whoever waits for something asks here for how long it still may.

The edge sets the deadline of its thread's request; what waits below it never waits past it, however many waits a request
is made of. Threads that serve no request have no deadline, and wait for as long as each wait's own limit says.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from app.core.errors import DependencyTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""Monotonic seconds."""


def begin(seconds: float) -> None:
    """Set the deadline of this thread's request to so many seconds from now."""
    _deadline.set(time.monotonic() + seconds)


def end() -> None:
    """Forget it; the thread's next request has its own."""
    _deadline.set(None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Have a tighter deadline for a part, so that there is time left for something else when it fails."""
    before = _deadline.get()
    ours = time.monotonic() + seconds
    _deadline.set(ours if before is None else min(ours, before))
    try:
        yield
    finally:
        _deadline.set(before)


def left(limit_s: float) -> float:
    """Return for how many seconds a wait may last that has a limit of its own; 0 when the deadline has passed."""
    deadline = _deadline.get()
    if deadline is None:
        return limit_s
    remaining = deadline - time.monotonic()
    return min(limit_s, remaining) if remaining > 0 else 0.0


def time_for(dependency: str, limit_s: float) -> float:
    """Return the same, or raise `DependencyTimeoutError` when there is no time left to ask a dependency at all."""
    seconds = left(limit_s)
    if not seconds:
        raise DependencyTimeoutError(dependency, "the request's deadline has passed")
    return seconds
