"""The HTTP server: granian's WSGI mode, a process for each core and a thread for each request in hand (ADR 10)."""

from __future__ import annotations

import multiprocessing
import resource
from typing import TYPE_CHECKING, Any

import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from app.core.errors import DependencyError
from app.core.findings import broken_promises
from app.core.queue_checks import check_queue
from app.core.settings import SettingsError
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from app.core.settings import Settings

BACKLOG = 2_048
"""Connections that the kernel accepts for a process before the process does."""
MOST_CONNECTIONS = 16_384
"""Open connections of a process. Granian stops accepting at half its backlog, so idle or slow clients would lock all others
out; a connection without a request costs us a descriptor and a few kilobytes."""
STOP_TIMEOUT_S = 25
"""Shorter than what supervisors grant, Kubernetes as well as ours: 30 s."""

log = structlog.get_logger(__name__)

# The server's own words come out as all our logs do: that a process died, not that we wanted many threads.
_LOGGING: dict[str, Any] = {"loggers": {"_granian": {"handlers": [], "propagate": True}}}


def serve(settings: Settings) -> None:
    """Serve until a signal ends it, and start processes again that die; a second death within seconds ends all.

    The settings must be in the environment. Raises `SettingsError` for a Valkey that may not hold the queue, and
    `SystemExit` when its processes cannot live.
    """
    _refuse_broken_promises(settings)
    _raise_descriptor_limit()
    # A fork would copy locks that the server's own threads may hold just then.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "app.wsgi:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=settings.body_timeout_s * 1_000),
        websockets=False,
        workers=settings.processes,
        blocking_threads=settings.api_threads,
        backlog=BACKLOG,
        backpressure=MOST_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT_S,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
    )
    log.info("api_started", host=settings.host, port=settings.port, processes=settings.processes)
    server.serve()
    log.info("api_ended")


def _refuse_broken_promises(settings: Settings) -> None:
    """Raise `SettingsError` for a queue that forgets. A Valkey that is away is no reason to refuse: requests say so."""
    try:
        problems = broken_promises(check_queue(Valkey(settings.redis_url)))
    except DependencyError:
        return
    if problems:
        raise SettingsError(problems)


def _raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
