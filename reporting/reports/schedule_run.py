"""Orders the reports that subscriptions are due, once for each subscription and period, whichever workers look at once.

The order, the intent to send and the subscription's next date are one transaction, and an intent is unique by subscription
and period: killed in the middle nothing has happened, and repeated nothing happens twice.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import structlog

from app.core.failpoints import failpoint
from reporting.reports import delivery_store, subscriptions_store
from reporting.reports.archive import State
from reporting.reports.delivery_store import Send
from reporting.reports.reports_service import order_report
from reporting.reports.schedule import due

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from reporting.reports.delivery import ReportDelivery
    from reporting.reports.subscriptions import Subscription

_AT_ONCE = 20
_ID_LETTERS = 20

log = structlog.get_logger(__name__)


class Schedule:
    """Methods raise `DependencyError`. `real_time` is that of the archive and the outbox."""

    def __init__(self, database: Database, delivery: ReportDelivery, *, real_time: Callable[[], datetime]) -> None:
        self._database = database
        self._delivery = delivery
        self._real_time = real_time

    def run(self, now: datetime) -> int:
        """Order what is due; return how many subscriptions that was for."""
        served = 0
        taken = _AT_ONCE
        while taken == _AT_ONCE:
            with self._database.begin() as connection:
                found = subscriptions_store.take_due(connection, now, limit=_AT_ONCE)
                for subscription in found:
                    self._serve(connection, subscription, now)
                failpoint("reports.scheduled")
            taken = len(found)
            served += taken
        return served

    def _serve(self, connection: Connection, subscription: Subscription, now: datetime) -> None:
        rhythm = subscription.rhythm
        found = due(rhythm, subscription.next_period, now)
        if found.skipped:
            log.warning("reports_skipped", subscription_id=subscription.subscription_id, periods=found.skipped)
        real = self._real_time()
        for period in found.periods:
            order = rhythm.order(period.name)
            report = order_report(
                connection, order, now=real, by=subscription.subscription_id, paper=subscription.paper
            )
            if subscription.audience:
                delivery_store.add(connection, _intent(subscription, order.report_id, period.name, real))
                if report.state is State.READY:
                    self._delivery.write(connection, report, real)
        subscriptions_store.move_on(
            connection,
            subscription.subscription_id,
            next_period=found.following.name,
            due_at=found.following_at,
        )


def _intent(subscription: Subscription, report_id: str, period: str, now: datetime) -> Send:
    digest = hashlib.sha256(f"{subscription.subscription_id}/{period}".encode()).hexdigest()
    return Send(
        send_id=f"snd_{digest[:_ID_LETTERS]}",
        report_id=report_id,
        recipients=subscription.audience,
        paper=subscription.paper,
        requested_by=subscription.subscription_id,
        created_at=now,
        subscription_id=subscription.subscription_id,
        period=period,
    )
