"""What a process does again and again beside its requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger(__name__)


class Repeating:
    """A thread that does something at once, and again after each interval. A dependency that is away is tried again then."""

    def __init__(self, name: str, action: Callable[[], object], *, interval_s: float) -> None:
        self._name = name
        self._action = action
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Do it no more. Does not wait: whoever is at it ends with the process."""
        self._stopping.set()

    def _run(self) -> None:
        failed = False
        while not self._stopping.is_set():
            try:
                self._action()
                failed = False
            except (DependencyError, SQLAlchemyError) as error:
                if not failed:  # One line for an outage.
                    _log.warning("repeated_work_failed", work=self._name, error=str(error))
                failed = True
            self._stopping.wait(self._interval_s)
