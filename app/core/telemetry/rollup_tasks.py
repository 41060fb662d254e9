"""Adding up request minutes as tasks of the task queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huey import crontab

if TYPE_CHECKING:
    from app.core.queue.stream_huey import StreamHuey
    from app.core.telemetry.rollups import Rollups


def register_rollup_tasks(huey: StreamHuey, rollups: Rollups) -> None:
    """Add up every minute; the notes of restatements go when nobody asks for them any more."""

    def add_up_requests() -> None:
        rollups.add_up(datetime.now(UTC))

    def purge_restatements() -> None:
        rollups.purge_restatements(datetime.now(UTC))

    huey.periodic_task(crontab(), name="add_up_requests")(add_up_requests)
    huey.periodic_task(crontab(minute="*/10"), name="purge_restatements")(purge_restatements)
