"""Thinning counts out, as tasks of the task queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huey import crontab

if TYPE_CHECKING:
    from app.core.counting.thinning import RuleThinning
    from app.core.minute_folding import MinuteFolding
    from app.core.queue.stream_huey import StreamHuey
    from app.core.telemetry.thinning import RequestThinning


def register_thinning_tasks(
    huey: StreamHuey, requests: RequestThinning, rules: RuleThinning, folding: MinuteFolding
) -> None:
    """Thin requests out every few minutes, so that what came late by weeks is soon shown; the rest once a day."""

    def thin_requests() -> None:
        requests.run(datetime.now(UTC))

    def thin_counts() -> None:
        now = datetime.now(UTC)
        requests.purge_quarters(now)
        rules.run(now)
        folding.run(now)

    huey.periodic_task(crontab(minute="*/5"), name="thin_requests")(thin_requests)
    huey.periodic_task(crontab(minute="53", hour="3"), name="thin_counts")(thin_counts)
