"""The last copy of the page: made again when it is old and somebody asks, by one of those who do, whatever their number."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from app.core import deadline
from app.core.errors import DependencyError, OverloadedError
from dashboards.status import disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from dashboards.status.rendering import Copy

    Make = Callable[[], Copy]
    """Raises `DependencyError`."""

log = structlog.get_logger(__name__)
_PATIENCE_S = 10.0


@dataclass(slots=True)
class _Held:
    copy: Copy
    looked_at_s: float
    failed: bool


class Copies:
    """Thread-safe; one a process. A page that cannot be made is the last one, with `failed`; first of all the one on disk."""

    def __init__(self, make: Make, *, fresh: timedelta, directory: Path | None) -> None:
        self._make = make
        self._fresh_s = fresh.total_seconds()
        self._directory = directory
        self._held: _Held | None = None
        self._lock = threading.Lock()

    def current(self, now_s: float) -> tuple[Copy, bool]:
        """Return a copy, and whether it could not be made again; `now_s` is in monotonic seconds.

        Raises `DependencyError` when there is none at all.
        """
        held = self._held
        if held is not None and (now_s - held.looked_at_s < self._fresh_s or self._lock.locked()):
            return held.copy, held.failed
        if held is not None and held.failed:
            # It takes seconds to find out that something is still away, and nobody is to wait for that.
            threading.Thread(target=self._try_again, args=(now_s,), name="status page", daemon=True).start()
            return held.copy, held.failed
        if not self._lock.acquire(timeout=deadline.left(_PATIENCE_S)):
            raise OverloadedError("status", "others are making the page")
        try:
            held = self._held
            if held is None or now_s - held.looked_at_s >= self._fresh_s:
                held = self._held = self._again(held, now_s)
            return held.copy, held.failed
        finally:
            self._lock.release()

    def _try_again(self, now_s: float) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._held = self._again(self._held, now_s)
            finally:
                self._lock.release()

    def _again(self, held: _Held | None, now_s: float) -> _Held:
        try:
            return _Held(self._make(), now_s, failed=False)
        except DependencyError as error:
            log.warning("status_not_made", dependency=error.dependency, detail=error.detail)
            last = held.copy if held is not None else self._on_disk()
            if last is None:
                raise
            return _Held(last, now_s, failed=True)

    def _on_disk(self) -> Copy | None:
        return None if self._directory is None else disk.read(self._directory)
