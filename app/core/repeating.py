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
    """A thread that does something at once, and again after each interval, whatever became of it the last time.

    With `once_more` it is done a last time at the stop: what an action hands on would be lost otherwise.
    """

    def __init__(self, name: str, action: Callable[[], object], *, interval_s: float, once_more: bool = False) -> None:
        self._name = name
        self._action = action
        self._interval_s = interval_s
        self._once_more = once_more
        self._failed = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Do it no more."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until who is at it has ended; after `stop`."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._do()
            self._stopping.wait(self._interval_s)
        if self._once_more:
            self._do()

    def _do(self) -> None:
        try:
            self._action()
            self._failed = False
        except (DependencyError, SQLAlchemyError) as error:
            if not self._failed:  # One line for an outage.
                _log.warning("repeated_work_failed", work=self._name, error=str(error))
            self._failed = True
        except Exception:  # noqa: BLE001 - A mistake of ours must not end for good what keeps limits and metrics up to date.
            _log.exception("repeated_work_failed", work=self._name)
