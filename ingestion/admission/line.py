"""Who is served by a process now, who waits, and who is sent away because the wait would be too long.

A process decodes in one thread at a time, whatever number of threads it has: with a hundred at it all are slow, also those who
only come to be refused. So a few are served at once, and the others wait in a line, in the order in which they came. Whether
one may join it says the wait to expect: the number of those who wait, times how long serving one has lately taken. The
lower his lane, the less he may expect, so the lowest is turned away first; and since there is always somebody in the line when there
is more to do than can be done, turning away costs no throughput.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from app.domain.shards import Lane

if TYPE_CHECKING:
    from types import TracebackType

PLACES = 16
"""Served at once, in each process: one of them decodes, and the others share round trips to Valkey."""
PATIENCE_S = {Lane.LOW: 0.1, Lane.NORMAL: 0.2, Lane.HIGH: 0.4}
"""Longest wait to expect. Of a request that may take five seconds it is little; of a line without end it would be all."""
LONGEST_WAIT_S = 1.0
"""Nobody waits for longer, whatever he was to expect: a dependency that hangs is his answer then, and not a line."""
_SMOOTHING = 1 / 32
_QUICKEST_S = 0.001
"""Nobody is served in less time, with all places taken."""


class LineTooLongError(Exception):
    """There is no place, and the wait for one would be too long."""


class Line:
    """Thread-safe; one a process."""

    def __init__(self, *, places: int = PLACES) -> None:
        self._places = places
        self._free = places
        self._waiting: deque[threading.Lock] = deque()
        self._serving_s = 0.0
        self._lock = threading.Lock()

    def place(self, lane: Lane) -> Place:
        """Return a place, maybe after a wait; raises `LineTooLongError`. Leave it by `with`."""
        turn = self._join(lane)
        if turn is not None and not turn.acquire(timeout=LONGEST_WAIT_S) and self._gave_up(turn):
            raise LineTooLongError
        return Place(self)

    def open_to(self, lane: Lane) -> bool:
        """Tell whether somebody would find a place or could join; without a lock, for a first look."""
        return self._free > 0 or self._expected_s() < PATIENCE_S[lane]

    @property
    def served_per_s(self) -> float:
        """Return how many requests a second are served while there is always somebody in the line."""
        return self._places / max(self._serving_s, _QUICKEST_S)

    def left(self, served_s: float) -> None:
        """Give a place to the next in line, and remember how long it was needed."""
        with self._lock:
            self._serving_s += (served_s - self._serving_s) * _SMOOTHING
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _join(self, lane: Lane) -> threading.Lock | None:
        """Return what to wait for, or None for a place at once."""
        with self._lock:
            if self._free:
                self._free -= 1
                return None
            if self._expected_s() >= PATIENCE_S[lane]:
                raise LineTooLongError
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
            return turn

    def _expected_s(self) -> float:
        return len(self._waiting) * self._serving_s / self._places

    def _gave_up(self, turn: threading.Lock) -> bool:
        """Leave the line; False when the turn came at this very moment."""
        with self._lock:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


class Place:
    """A place that somebody has."""

    __slots__ = ("_line", "_since")

    def __init__(self, line: Line) -> None:
        self._line = line
        self._since = time.monotonic()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._line.left(time.monotonic() - self._since)
