"""Stopping a process without ending it: it holds its sockets, locks and memory, and answers nobody."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from app.proc import process_tree

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Keep a process and all its descendants stopped (SIGSTOP) for the length of the block, however it ends."""
    stopped: list[int] = []
    try:
        # A parent that is stopped has no more children, so a second look finds those that it had just then.
        while found := [member for member in process_tree(pid) if member not in stopped]:
            for member in found:
                _send(member, signal.SIGSTOP)
                stopped.append(member)
        yield
    finally:
        for member in reversed(stopped):
            _send(member, signal.SIGCONT)


def _send(pid: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)
