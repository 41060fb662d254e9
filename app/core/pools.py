"""How many PostgreSQL connections each process opens, in one place, so that their sum can be checked against the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.settings import Settings

TELEMETRY_CONNECTIONS = 1
TELEMETRY_INTAKE_CONNECTIONS = 2
"""For telemetry that others send: two batches at once, so that one waits for no other's commit."""
PROBE_CONNECTIONS = 2
"""The checks of readiness that ask PostgreSQL, each on a thread of its own: one that hangs takes nobody else's connection."""
LOOKING_CONNECTIONS = 1
"""For looking, now and then, which accounts are large and how far the replica is."""
SLO_CONNECTIONS = 2
"""One evaluates; another is for what is asked meanwhile."""
TASKS_AT_ONCE = 2
"""Tasks that a worker runs at once: one that waits for somebody's server must not hold up all others."""
_WORKER_OVERHEAD = TASKS_AT_ONCE + 4
"""Beside the bundles in hand: tasks, the turn of the one that erases, the one that is reserved for deliveries, the flush of telemetry, and whatever is looked after in between."""


def worker_pool_size(settings: Settings) -> int:
    """Return the connections of one worker process: one for every bundle it stores at once, and a few beside."""
    return settings.worker_concurrency + _WORKER_OVERHEAD


def api_connections(settings: Settings) -> int:
    """Return the connections of all processes of one API to the primary."""
    a_process = (
        settings.api_pool_size
        + settings.summary_pool_size
        + settings.large_summary_pool_size
        + LOOKING_CONNECTIONS
        + TELEMETRY_CONNECTIONS
        + TELEMETRY_INTAKE_CONNECTIONS
        + PROBE_CONNECTIONS
        + SLO_CONNECTIONS
    )
    return settings.processes * a_process
