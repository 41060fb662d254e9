"""A task that leaves a trace, so that a test can see which scheduled tasks have run."""

from __future__ import annotations

from typing import Any

TRACE = "probe:trace"


def register_probe(huey: Any) -> Any:
    """Register the task under the same name in a worker and in a test."""

    def leave_trace(number: int) -> None:
        huey.storage.client.execute("RPUSH", TRACE, number)

    return huey.task(name="leave_trace")(leave_trace)
