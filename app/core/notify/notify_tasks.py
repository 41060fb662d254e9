"""The tasks of the outbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from huey import crontab

from app.core.notify import outbox_store
from app.core.notify.notification import LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.database import Database
    from app.core.notify.delivery import Deliveries
    from app.core.queue.stream_huey import StreamHuey

KEPT = timedelta(days=90)
_STEP = 1_000


def register_notify_tasks(huey: StreamHuey, deliveries: Deliveries, database: Database) -> Callable[[str], object]:
    """Register the tasks, and return what puts the delivery of a subject into the queue.

    A delivery keeps its own time, so Huey's retries are for our own mistakes alone.
    """

    def deliver_notifications(subject: str, *, task: Any) -> None:
        # A task that is delivered again has the same id, and so goes on with its own claim.
        deliveries.deliver(subject, by=task.id)

    def purge_notifications() -> None:
        before = datetime.now(UTC) - KEPT
        step = _STEP
        while step == _STEP:
            with database.begin() as connection:
                step = outbox_store.purge(connection, before, limit=_STEP)

    # Before what can wait for a minute, such as replays.
    deliver = huey.task(name="deliver_notifications", context=True, priority=1)(deliver_notifications)
    deliver_later = huey.task(name="deliver_letters", context=True)(deliver_notifications)
    huey.periodic_task(crontab(minute="41", hour="3"), name="purge_notifications")(purge_notifications)

    def enqueue(subject: str) -> None:
        (deliver_later if subject.startswith(LETTERS) else deliver)(subject)

    return enqueue
