"""The task of alerts in the task queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from huey import crontab

from app.core.clock import CLOCK
from app.core.notify.errors import DeliveryError

if TYPE_CHECKING:
    from app.core.queue.stream_huey import StreamHuey
    from reporting.alerts.alertmanager_refresh import AlertmanagerRefresh

log = structlog.get_logger(__name__)


def register_alert_tasks(huey: StreamHuey, refresh: AlertmanagerRefresh) -> None:
    """Register what is done each minute when there is an Alertmanager."""

    def refresh_alertmanager() -> None:
        try:
            refresh.run(CLOCK.now())
        except DeliveryError as error:
            log.warning("alertmanager_not_refreshed", reason=error.reason)  # The next minute is as good.

    huey.periodic_task(crontab(), name="refresh_alertmanager", retries=0)(refresh_alertmanager)
