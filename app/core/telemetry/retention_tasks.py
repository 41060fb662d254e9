"""Deleting what is kept for a while only, as a task of the task queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huey import crontab

if TYPE_CHECKING:
    from datetime import timedelta

    from app.core.queue.stream_huey import StreamHuey
    from app.core.telemetry.telemetry_store import TelemetryStore


def register_retention_tasks(huey: StreamHuey, store: TelemetryStore, *, failures_kept: timedelta) -> None:
    """Delete single failures every hour."""

    def purge_failed_requests() -> None:
        store.purge_failures(datetime.now(UTC) - failures_kept)

    huey.periodic_task(crontab(minute="29"), name="purge_failed_requests")(purge_failed_requests)
