"""Publishing by rule, and writing the page to disk, as tasks of the task queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from huey import crontab

from app.core.clock import CLOCK
from dashboards.status import disk
from reporting.publication.publication import Rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.core.queue.stream_huey import StreamHuey
    from dashboards.status.rendering import Copy
    from reporting.publication.publications import Publications

log = structlog.get_logger(__name__)


def register_status_tasks(
    huey: StreamHuey,
    publications: Publications,
    make: Callable[[], Copy],
    *,
    rule: Rule,
    directory: Path | None,
) -> None:
    """Every minute publish what the rule says, and write the page where there is a directory for it."""

    def publish_status() -> None:
        for incident_id in publications.publish_by_rule(rule, CLOCK.now()):
            log.info("incident_published", incident_id=incident_id, rule=rule.value)
        if directory is not None:
            try:
                disk.write(make(), directory)
            except OSError as error:
                log.warning("status_not_written", directory=str(directory), error=str(error))

    if rule is not Rule.NEVER or directory is not None:
        huey.periodic_task(crontab(), name="publish_status")(publish_status)
