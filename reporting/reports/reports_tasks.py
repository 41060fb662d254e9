"""The tasks of reports in the task queue."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from huey import crontab

from app.core.notify.notify_tasks import KEPT as LETTERS_KEPT
from reporting.reports import archive_store, delivery_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from app.core.database import Database
    from app.core.queue.stream_huey import StreamHuey
    from reporting.reports.archive_making import ReportMaking
    from reporting.reports.schedule_run import Schedule

REPLACED_KEPT = timedelta(days=30)
"""A revision that a newer one has replaced is kept for so long, for mail that is still on its way."""
_AT_ONCE = 100
_STEP = 20
"""Reports deleted in one transaction: each is some hundred kilobytes."""


def register_report_tasks(
    huey: StreamHuey,
    database: Database,
    making: ReportMaking,
    schedule: Schedule,
    *,
    kept: timedelta,
    clock: Callable[[], datetime],
    real_time: Callable[[], datetime],
) -> Callable[[], int]:
    """Register the tasks, and return what puts every report that is to be made into the queue.

    A report is made once however many tasks there are for it, so whoever thinks that there is none puts one in.
    """

    def make_report(report_id: str, revision: int, *, task: Any) -> None:
        # A task that is delivered again has the same id, and so goes on with its own claim.
        making.make(report_id, revision, by=task.id)

    def schedule_reports() -> None:
        schedule.run(clock())
        enqueue()

    def purge_reports() -> None:
        now = real_time()
        step = _STEP
        while step == _STEP:
            with database.begin() as connection:
                purged = archive_store.purge(
                    connection, kept_since=now - kept, replaced_since=now - REPLACED_KEPT, limit=_STEP
                )
                step = max(purged, delivery_store.purge(connection, now - LETTERS_KEPT, limit=_STEP))

    make = huey.task(name="make_report", context=True)(make_report)
    huey.periodic_task(crontab(), name="schedule_reports", retries=0)(schedule_reports)
    huey.periodic_task(crontab(minute="23", hour="3"), name="purge_reports")(purge_reports)

    def enqueue() -> int:
        """Enqueued first and noted then: killed in between there are two tasks, of which one finds nothing to do."""
        now = real_time()
        with database.begin() as connection:
            waiting = archive_store.waiting(connection, now, limit=_AT_ONCE)
        if not waiting:
            return 0
        for report_id, revision in waiting:
            make(report_id, revision)
        with database.begin() as connection:
            archive_store.note_queued(connection, waiting, now)
        return len(waiting)

    return enqueue
