"""Keeping accepted minutes as a task of the task queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huey import crontab

if TYPE_CHECKING:
    from app.core.accepted_minutes import AcceptedMinutes
    from app.core.queue.stream_huey import StreamHuey


def register_accepted_tasks(huey: StreamHuey, accepted: AcceptedMinutes) -> None:
    """Copy the minutes every minute."""

    def keep_accepted_minutes() -> None:
        accepted.keep(datetime.now(UTC))

    huey.periodic_task(crontab(), name="keep_accepted_minutes")(keep_accepted_minutes)
