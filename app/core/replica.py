"""Whether a streaming replica may be read from, found out beside the requests.

Its own clock and timestamps do not tell: a primary without traffic looks like a lag, and a replica that has lost its primary
looks like none. So the primary's position is noted with the time, and the replica is as current as the newest noted position
that it has replayed.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import structlog

from app.core import replica_store

if TYPE_CHECKING:
    from app.core.database import Database

LOOK_EVERY_S = 1.0
_MOST_POSITIONS = 600

_log = structlog.get_logger(__name__)


class Replica:
    """One replica of one primary. `look` is called every second by one thread; everything else by any."""

    def __init__(self, database: Database, *, watched: Database, primary: Database, max_lag_s: float) -> None:
        """`database` is for readers; `watched` is the same server, and `primary` the other, over connections to look with."""
        self.database = database
        self._watched = watched
        self._primary = primary
        self._max_lag_s = max_lag_s
        self._positions: deque[tuple[float, int]] = deque(maxlen=_MOST_POSITIONS)
        self._current_at: float | None = (
            None  # Monotonic seconds: what was visible on the primary then is visible here.
        )
        self._used = False

    def lag_s(self) -> float | None:
        """Return how many seconds its answers may be behind the primary; None when it must not be read from."""
        if self._current_at is None:
            return None
        lag_s = time.monotonic() - self._current_at
        return lag_s if lag_s <= self._max_lag_s else None

    def failed(self) -> None:
        """Tell that a reader got no answer: nobody else tries before the next look."""
        self._current_at = None

    def look(self) -> None:
        """See how far it is. Raises `DependencyError` when one of the two servers does not answer."""
        now = time.monotonic()
        with self._primary.begin() as connection:
            self._positions.append((now, replica_store.written(connection)))
        replayed = None
        try:
            with self._watched.begin() as connection:
                replayed = replica_store.replayed(connection)
        finally:
            self._take_in(replayed)
            self._note()

    def _take_in(self, replayed: int | None) -> None:
        if replayed is None:
            self._current_at = None
            return
        while self._positions and self._positions[0][1] <= replayed:
            self._current_at = self._positions.popleft()[0]

    def _note(self) -> None:
        """Log when reading from it begins and ends."""
        lag_s = self.lag_s()
        if self._used != (lag_s is not None):
            self._used = not self._used
            _log.info("replica_used" if self._used else "replica_not_used", lag_s=lag_s)
