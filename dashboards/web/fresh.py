"""What pages look at again and again: read once for everybody, and again when it is some seconds old."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from app.core import deadline
from app.core.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

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
