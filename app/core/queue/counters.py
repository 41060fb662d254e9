"""What one worker process has done since it started, for its `/metrics`."""

from __future__ import annotations

import threading
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.queue.entry import Entry


class Outcome(StrEnum):
    PROCESSED = "processed"
    RETRIED = "retried"
    DEAD = "dead"


class Counters:
    """Entries and events by shard, lane and outcome."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: Counter[tuple[int, str, Outcome]] = Counter()
        self._events: Counter[tuple[int, str, Outcome]] = Counter()

    def count(self, outcome: Outcome, entries: Sequence[Entry]) -> None:
        with self._lock:
            for entry in entries:
                key = (entry.shard, entry.lane.value, outcome)
                self._entries[key] += 1
                self._events[key] += entry.events

    def entries(self) -> dict[tuple[int, str, Outcome], int]:
        """Return entries by (shard, lane, outcome)."""
        with self._lock:
            return dict(self._entries)

    def events(self) -> dict[tuple[int, str, Outcome], int]:
        """Return events by (shard, lane, outcome)."""
        with self._lock:
            return dict(self._events)
