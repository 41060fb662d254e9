"""What pages look at again and again: read once for everybody, and again when it is some seconds old."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from app.core import deadline
from app.core.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_PATIENCE_S = 4.0


class Fresh(Generic[T]):
    """Thread-safe. However many browsers ask, one of them reads and the others wait for it."""

    def __init__(self, read: Callable[[datetime], T], *, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: tuple[float, T] | None = None

    def get(self, now: datetime) -> T:
        """Return what was read lately. Raises what reading raises, and `OverloadedError` when that takes too long."""
        held = self._held
        if held is not None and time.monotonic() < held[0]:
            return held[1]
        if not self._lock.acquire(timeout=deadline.left(_PATIENCE_S)):
            raise OverloadedError("pages", "others are reading the same")
        try:
            if self._held is held or self._held is None:
                value = self._read(now)
                self._held = (time.monotonic() + self._seconds, value)
            return self._held[1]
        finally:
            self._lock.release()


class FreshEach(Generic[K, T]):
    """The same for things of many names, of which the `most` that were asked for last are held."""

    def __init__(self, read: Callable[[K, datetime], T], *, seconds: float, most: int = 64) -> None:
        self._read = read
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._each: OrderedDict[K, Fresh[T]] = OrderedDict()

    def get(self, name: K, now: datetime) -> T:
        """Return what was read of a name lately; raises as `Fresh` does."""
        with self._lock:
            fresh = self._each.pop(name, None) or Fresh(partial(self._read, name), seconds=self._seconds)
            self._each[name] = fresh
            if len(self._each) > self._most:
                self._each.popitem(last=False)
        return fresh.get(now)
