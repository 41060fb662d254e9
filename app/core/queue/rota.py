"""Which of a process's shards a worker thread works on next. In memory only: the leases are Valkey's."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Rota:
    """Hands every shard to one thread at a time, those with work in turn."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._leased: set[int] = set()
        self._leaving: set[int] = set()
        self._busy: set[int] = set()
        self._ready: deque[int] = deque()
        self._resting: dict[int, float] = {}

    @property
    def leased(self) -> frozenset[int]:
        """Every shard that this process holds, also those it is about to give back."""
        with self._lock:
            return frozenset(self._leased | self._leaving)

    def grant(self, shard: int) -> None:
        """A lease was taken or kept."""
        with self._lock:
            if shard not in self._leaving:
                self._leased.add(shard)

    def lost(self, shard: int) -> None:
        """A lease is another's: nothing of this shard is taken any more."""
        with self._lock:
            self._forget(shard)
            self._leaving.discard(shard)

    def retire(self, shards: Iterable[int]) -> None:
        """Take no more from these shards, so that their leases can be given back."""
        with self._lock:
            for shard in self._leased & set(shards):
                self._forget(shard)
                self._leaving.add(shard)

    def departed(self) -> list[int]:
        """Return retired shards on which nobody works any more; their leases are the caller's to release."""
        with self._lock:
            gone = self._leaving - self._busy
            self._leaving -= gone
            return sorted(gone)

    def idle(self) -> list[int]:
        """Return leased shards that are neither worked on, nor known to have work, nor at rest."""
        with self._lock:
            now = self._clock()
            self._resting = {shard: until for shard, until in self._resting.items() if until > now}
            return sorted(self._leased - self._busy - set(self._ready) - self._resting.keys())

    def found_work(self, shards: Iterable[int]) -> None:
        """These shards hold entries."""
        with self._lock:
            known = self._busy | set(self._ready)
            self._ready.extend(shard for shard in shards if shard in self._leased and shard not in known)

    def checkout(self) -> int | None:
        """Return a shard with work for the calling thread alone, or None."""
        with self._lock:
            if not self._ready:
                return None
            shard = self._ready.popleft()
            self._busy.add(shard)
            return shard

    def checkin(self, shard: int, *, more: bool, rest_s: float = 0.0) -> None:
        """Give a shard back to the other threads; *more* when it may still hold work.

        One that is given *rest_s* is left alone for so long, whatever it holds.
        """
        with self._lock:
            self._busy.discard(shard)
            if rest_s > 0:
                self._resting[shard] = self._clock() + rest_s
            elif more and shard in self._leased:
                self._ready.append(shard)

    def _forget(self, shard: int) -> None:
        self._leased.discard(shard)
        if shard in self._ready:
            self._ready.remove(shard)
