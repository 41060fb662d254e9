"""Ends a process whose work hangs, so that the work is delivered to another."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_logger = logging.getLogger(__name__)

EXIT_STATUS = 70
"""EX_SOFTWARE of sysexits.h."""


def exit_hard() -> None:
    """Leave without asking anybody: a thread that hangs would never agree to an orderly end."""
    os._exit(EXIT_STATUS)


class Watchdog:
    """Knows since when each thread has been at its present piece of work."""

    def __init__(
        self,
        timeout_s: float,
        *,
        exit_process: Callable[[], None] = exit_hard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout_s = timeout_s
        self._exit = exit_process
        self._clock = clock
        self._since: dict[int, tuple[float, str]] = {}

    @contextmanager
    def watching(self, what: str) -> Iterator[None]:
        """Watch the calling thread until the block ends."""
        thread = threading.get_ident()
        self._since[thread] = (self._clock(), what)
        try:
            yield
        finally:
            del self._since[thread]

    def check(self) -> None:
        """End the process if any piece of work has hung for longer than the limit."""
        now = self._clock()
        for since, what in list(self._since.values()):
            if now - since > self.timeout_s:
                _logger.critical("%s has hung for %.0f s: this process exits", what, now - since)
                faulthandler.dump_traceback(sys.__stderr__ or sys.stderr)
                self._exit()

    def backstop(self) -> None:
        """Be called often: without a call for the limit and a half, the process is ended from outside of Python.

        Work that hangs while it holds the interpreter's lock stops `check` as well.
        """
        faulthandler.dump_traceback_later(self.timeout_s * 1.5, exit=True, file=sys.__stderr__ or sys.stderr)
