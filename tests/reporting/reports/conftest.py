"""An archive on this test's own database, of reports that are made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from app.core.alert_tables import notifications
from app.core.notify.notification import Notification
from reporting.reports import archive_store
from reporting.reports.archive import Format, Rendered, ReportOrder
from reporting.reports.archive_making import ReportMaking
from reporting.reports.as_csv import csv_archive
from reporting.reports.delivery import ReportDelivery
from reporting.reports.first_page import first_page
from reporting.reports.model import Kind, Scope
from reporting.reports.reports_service import Reports
from reporting.reports.schedule_run import Schedule
from reporting.reports.subscription_links import SubscriptionLinks
from reporting.reports.subscriptions_service import Subscriptions
from reporting.slo.windows import instant_of, minute_of
from tests.reporting.reports.sample import good_month

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.database import Database
    from reporting.reports.archive import ArchivedReport, Paper
    from reporting.reports.model import Report

PAGES = "https://slip.example/ui/reports"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OCTOBER = ReportOrder(kind=Kind.MONTHLY, period="2026-10", timezone="Europe/Berlin", scope=Scope(service="checkout"))


def compiled(order: ReportOrder, now: datetime) -> Report:
    """A report whose every figure is a sample's, of the period that was ordered."""
    sample, span = good_month(), order.span
    made_of = replace(
        sample.period,
        kind=order.kind,
        name=order.period,
        title=order.period,
        timezone=order.timezone,
        start=span.start,
        end=span.end,
        until=min(span.end, instant_of(minute_of(now) + 1)),
    )
    return replace(sample, report_id=order.report_id, scope=order.scope, period=made_of, generated_at=now)


def rendered(report: Report, formats: Sequence[Format], paper: Paper) -> Rendered:
    """Files that say which they are."""
    made = {
        Format.HTML: f"<style>p {{}}</style><p>{report.period.name}</p>".encode(),
        Format.PDF: f"%PDF-{paper}-{report.period.name}".encode(),
        Format.CSV: csv_archive(report),
        Format.JSON: b"{}",
        Format.MAIL: first_page(report, address=f"{PAGES}/{report.report_id}").encode(),
    }
    return Rendered(files={kind: made[kind] for kind in formats if kind in made}, missing={})


class Workshop:
    """People order, `make` is what workers do; `compilings` and `renderings` are what that took."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.compilings: list[str] = []
        self.renderings: list[Paper] = []
        self.firsts: list[Report | None] = []
        self.failures: list[Exception] = []
        self.without_pdf = False
        links = SubscriptionLinks("https://slip.example")
        delivery = ReportDelivery(links, PAGES)
        self.making = ReportMaking(
            database, self._compile, self._render, delivery, clock=lambda: self.now, real_time=lambda: self.now
        )
        self.reports = Reports(database, delivery, lambda: None, can_mail=True, real_time=lambda: self.now)
        self.schedule = Schedule(database, delivery, real_time=lambda: self.now)
        self.subscriptions = Subscriptions(database, links, can_mail=True)

    def _compile(self, order: ReportOrder, now: datetime, first: Report | None = None) -> Report:
        self.compilings.append(order.period)
        self.firsts.append(first)
        if self.failures:
            raise self.failures.pop(0)
        return compiled(order, now)

    def _render(self, report: Report, formats: Sequence[Format], paper: Paper) -> Rendered:
        self.renderings.append(paper)
        found = rendered(report, formats, paper)
        if not self.without_pdf:
            return found
        files = {kind: content for kind, content in found.files.items() if kind is not Format.PDF}
        return Rendered(files=files, missing={Format.PDF: "there is no libpango"})

    def order(self, order: ReportOrder = OCTOBER, **more: object) -> ArchivedReport:
        return self.reports.order(order, self.now, by="mia", **more)  # type: ignore[arg-type]

    def make(self) -> int:
        """Make everything that was ordered, as a worker would; return how many tasks that were."""
        with self.database.begin() as connection:
            waiting = archive_store.waiting(connection, self.now, limit=100)
        for number, (report_id, revision) in enumerate(waiting):
            self.making.make(report_id, revision, by=f"task-{number}")
        return len(waiting)

    def letters(self) -> list[Notification]:
        with self.database.begin() as connection:
            rows = connection.scalars(select(notifications.c.payload).order_by(notifications.c.number)).all()
        return [msgspec.convert(row, Notification) for row in rows]

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def workshop(database: Database) -> Workshop:
    return Workshop(database)
