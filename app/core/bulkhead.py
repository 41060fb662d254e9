"""So many at once, so many that wait behind them, and nobody else: what goes wrong with one kind of work stays there."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core import deadline
from app.core.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAITING_PER_PLACE = 4
"""Who would stand behind more than so many for each place is refused at once: his turn would come too late."""
_SHARE_OF_DEADLINE = 0.5
"""Of what is left of the deadline, so much may be spent on waiting; the rest is for what one waits for."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Who is in a bulkhead now, and how many had to wait or were refused since it was made."""

    places: int
    taken: int
    waiting: int
    waited: int
    refused: int


class Bulkhead:
    """Limits how many threads do one kind of work at once. Thread-safe."""

    def __init__(self, name: str, *, places: int, patience_s: float, waiting: int | None = None) -> None:
        """`patience_s` is the longest wait for a place; `waiting` are those who may wait at once."""
        self._name = name
        self._places = places
        self._patience_s = patience_s
        self._most_waiting = _WAITING_PER_PLACE * places if waiting is None else waiting
        self._free = threading.Semaphore(places)
        self._count = threading.Lock()
        self._taken = 0
        self._waiting = 0
        self._waited = 0
        self._refused = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place while the block runs.

        Raises `OverloadedError`: at once when too many wait already, and after a wait that leaves too little time.
        """
        if not self._free.acquire(blocking=False):
            self._wait()
        with self._count:
            self._taken += 1
        try:
            yield
        finally:
            with self._count:
                self._taken -= 1
            self._free.release()

    def occupancy(self) -> Occupancy:
        """Return who is in it now."""
        with self._count:
            return Occupancy(self._places, self._taken, self._waiting, self._waited, self._refused)

    def _wait(self) -> None:
        with self._count:
            if self._waiting >= self._most_waiting:
                self._refused += 1
                raise OverloadedError(self._name, f"{self._waiting} wait already for one of {self._places} places")
            self._waiting += 1
            self._waited += 1
        try:
            got = self._free.acquire(timeout=min(self._patience_s, _SHARE_OF_DEADLINE * deadline.left(math.inf)))
        finally:
            with self._count:
                self._waiting -= 1
        if not got:
            with self._count:
                self._refused += 1
            raise OverloadedError(self._name, f"none of {self._places} places became free in time")
