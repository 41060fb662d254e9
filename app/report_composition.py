"""Puts reports together: the archive and its schedule in workers, and what people do with reports in the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from app.core.clock import CLOCK
from app.core.errors import DependencyError
from reporting import report_files_api, report_subscriptions_api, reports_api, unsubscribe_api
from reporting.reports.archive_making import ReportMaking
from reporting.reports.delivery import ReportDelivery, read_source
from reporting.reports.reports_service import Reports
from reporting.reports.reports_tasks import register_report_tasks
from reporting.reports.schedule_run import Schedule
from reporting.reports.subscription_links import SubscriptionLinks
from reporting.reports.subscriptions_service import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

    from app.core.database import Database
    from app.core.http.guard import Guard
    from app.core.notify.letters import Enclosures
    from app.core.queue.stream_huey import StreamHuey
    from app.core.settings import Settings
    from reporting.reports.archive import Compile, Render

log = structlog.get_logger(__name__)


def register_reports(
    settings: Settings, huey: StreamHuey, database: Database, *, compile_report: Compile, render: Render
) -> Callable[[], object]:
    """Register the tasks of reports, and return what puts those into the queue that are to be made."""
    delivery = _delivery(settings)
    making = ReportMaking(database, compile_report, render, delivery, clock=CLOCK.now, real_time=_now)
    return register_report_tasks(
        huey,
        database,
        making,
        Schedule(database, delivery, real_time=_now),
        kept=timedelta(days=settings.report_retention_days),
        clock=CLOCK.now,
        real_time=_now,
    )


def report_routes(settings: Settings, guard: Guard, reports: Reports, subscriptions: Subscriptions) -> list[Blueprint]:
    """Return what the API has to do with reports."""
    return [
        reports_api.blueprint(reports, guard, timezone=settings.timezone),
        report_files_api.blueprint(reports, guard),
        report_subscriptions_api.blueprint(subscriptions, guard, timezone=settings.timezone),
        unsubscribe_api.blueprint(subscriptions, guard),
    ]


def report_archive(settings: Settings, database: Database, enqueue: Callable[[], object]) -> Reports:
    """Return the archive as people use it. What is ordered while the queue is away is made once it is back."""

    def enqueue_if_there() -> None:
        try:
            enqueue()
        except DependencyError as error:
            log.warning("reports_not_enqueued", dependency=error.dependency)

    delivery = _delivery(settings)
    can_mail = settings.smtp_url is not None
    return Reports(database, delivery, enqueue_if_there, can_mail=can_mail, real_time=_now)


def report_subscriptions(settings: Settings, database: Database) -> Subscriptions:
    """Return who gets reports regularly, as people see to it."""
    return Subscriptions(database, SubscriptionLinks(settings.base_url), can_mail=settings.smtp_url is not None)


def report_enclosures(database: Database) -> Enclosures:
    """Return what gives the files of reports to letters."""
    return partial(read_source, database)


def pages_of_reports(settings: Settings) -> str:
    """Return where reports have their pages on the web."""
    return f"{settings.base_url.rstrip('/')}/ui/reports"


def _delivery(settings: Settings) -> ReportDelivery:
    return ReportDelivery(SubscriptionLinks(settings.base_url), pages_of_reports(settings))


def _now() -> datetime:
    return datetime.now(UTC)
