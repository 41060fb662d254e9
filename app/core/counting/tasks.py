"""The backfill as tasks of the task queue: short ones, each of which puts the next one in, so that others get their turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from huey import crontab

if TYPE_CHECKING:
    from app.core.counting.backfill import Backfill
    from app.core.queue.stream_huey import StreamHuey

_TURN_S = 2.0
_RESTS = timedelta(seconds=30)
"""Longer than the queue of tasks ever is: then nobody goes on, and a new chain is begun."""


def register_counting_tasks(huey: StreamHuey, backfill: Backfill) -> None:
    """Go on with backfills until they are done; look every minute whether one rests."""

    def backfill_rules() -> None:
        if not backfill.run(datetime.now(UTC), _TURN_S):
            go_on()

    def begin_backfill() -> None:
        if backfill.rests(datetime.now(UTC), _RESTS):
            go_on()

    go_on = huey.task(name="backfill_rules")(backfill_rules)
    huey.periodic_task(crontab(), name="begin_backfill")(begin_backfill)
