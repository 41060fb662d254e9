"""The WSGI application of one API process: what the server loads, in the process itself."""

from __future__ import annotations

import atexit
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.logs import configure_logging
from app.core.metrics.multiprocess import directory
from app.core.settings import load_settings

if TYPE_CHECKING:
    from flask import Flask

_GC_THRESHOLD = 20_000
"""New objects before a collection. What a request makes refers to nothing that refers back, so nearly all of it is gone
with the request; at Python's own 700 it is looked through again and again."""
_PR_SET_PDEATHSIG = 1  # From linux/prctl.h.


def application() -> Flask:
    """Build the application from the environment and start what runs beside its requests."""
    settings = load_settings(os.environ)
    configure_logging(level=settings.log_level, style=settings.log_format, environment=settings.environment)
    counting = Counting(CollectorRegistry(), directory(os.environ))
    api = compose_api(settings, counting, now=datetime.now(UTC))
    api.start()
    atexit.register(api.close)
    _end_with_parent()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    return api.app


def _end_with_parent() -> None:
    """Stop in order when the server's main process is killed, instead of holding its port for ever."""
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM.value, 0, 0, 0)
    if os.getppid() != parent.pid:
        sys.exit("The server's main process was gone before its child had started.")
