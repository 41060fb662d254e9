"""The mirrors' upkeep as tasks of the task queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from huey import crontab

if TYPE_CHECKING:
    from app.core.mirror_upkeep import MirrorUpkeep
    from app.core.queue.stream_huey import StreamHuey

_LOOK_BACK = timedelta(minutes=10)
"""Longer than clocks of machines differ and transactions last; a mirror that is right already is left as it is."""

log = structlog.get_logger(__name__)


def register_mirror_tasks(huey: StreamHuey, upkeep: MirrorUpkeep) -> None:
    """Repair lately changed mirrors every minute, and look at all of them every hour."""

    def resync_mirrors() -> None:
        upkeep.resync(datetime.now(UTC) - _LOOK_BACK)

    def rebuild_mirrors() -> None:
        rebuilt = upkeep.rebuild(datetime.now(UTC))
        log.info("mirrors_rebuilt", written=rebuilt.written, ahead=rebuilt.ahead, removed=rebuilt.removed)

    huey.periodic_task(crontab(), name="resync_mirrors")(resync_mirrors)
    huey.periodic_task(crontab(minute="43"), name="rebuild_mirrors")(rebuild_mirrors)
