"""Erasures as a task of the task queue: begun at once, and gone on with every minute until they are done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from huey import crontab

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.erasure.eraser import Eraser
    from app.core.queue.stream_huey import StreamHuey

_BUDGET_S = 45.0
"""Less than a minute, so that one run is over when the next begins, but for the report that is just made again."""

log = structlog.get_logger(__name__)


def register_erasure_tasks(huey: StreamHuey, eraser: Eraser) -> Callable[[], object]:
    """Register the tasks, and return what puts one into the queue now."""

    def erase_accounts() -> None:
        waiting = eraser.run(datetime.now(UTC), _BUDGET_S)
        if waiting:
            log.info("erasures_waiting", erasures=waiting)

    begin: Callable[[], object] = huey.task(name="erase_accounts")(erase_accounts)
    huey.periodic_task(crontab(), name="go_on_erasing")(erase_accounts)
    return begin
