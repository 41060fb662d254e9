"""`notifications` and `deliveries`: the outbox in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.core.alert_tables import deliveries, notifications
from app.core.notify.notification import Notification

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

_UNFINISHED = notifications.c.finished_at.is_(None)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
MOST_CLAIMED = 20
"""Notifications of one subject that a task takes at once."""
QUEUED_FOR = timedelta(seconds=60)
"""After this a task that was put into the queue and did nothing is taken to be lost, and put in again."""


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a notification with one target so far."""

    notification_id: str
    target: str
    next_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    refused: bool = False
    reason: str = ""
    delivered_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.state is not DeliveryState.PENDING


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one task is at: the unfinished notifications of a subject in their order, and what became of them so far."""

    notifications: Sequence[tuple[datetime, Notification]]
    deliveries: Sequence[Delivery]


def add(connection: Connection, added: Iterable[Notification], now: datetime) -> int:
    """Write notifications, to be delivered once the transaction is committed; one that is there stays as it is."""
    rows = [
        {
            "notification_id": notification.id,
            "subject": notification.subject,
            "payload": msgspec.to_builtins(notification),
            "created_at": now,
            "next_at": now,
        }
        for notification in added
    ]
    if not rows:
        return 0
    statement = insert(notifications).values(rows).on_conflict_do_nothing()
    return len(connection.scalars(statement.returning(notifications.c.notification_id)).all())


def due_subjects(connection: Connection, now: datetime, *, limit: int) -> list[str]:
    """Return subjects for which something is to be done and no task is in the queue, the longest waiting first."""
    table = notifications
    query = (
        select(table.c.subject)
        .where(
            _UNFINISHED,
            table.c.next_at <= now,
            or_(table.c.queued_until.is_(None), table.c.queued_until < now),
            or_(table.c.claimed_until.is_(None), table.c.claimed_until < now),
        )
        .group_by(table.c.subject)
        .order_by(func.min(table.c.next_at))
        .limit(limit)
    )
    return list(connection.scalars(query))


def note_queued(connection: Connection, subjects: Sequence[str], now: datetime) -> None:
    """Take note that there is a task for subjects, of which some may be done with by now."""
    table = notifications
    still_due = (table.c.subject.in_(subjects), _UNFINISHED, table.c.next_at <= now)
    connection.execute(update(table).where(*still_due).values(queued_until=now + QUEUED_FOR))


def claim(connection: Connection, subject: str, *, by: str, now: datetime, until: datetime) -> Claimed:
    """Take what is to be delivered of a subject; nothing while another task is at it, or nothing is due.

    A task that was interrupted and runs again goes on with its own claim.
    """
    table = notifications
    connection.execute(_LOCK, {"subject": subject})
    query = select(table).where(table.c.subject == subject, _UNFINISHED).order_by(table.c.number).limit(MOST_CLAIMED)
    rows = connection.execute(query).all()
    taken = any(row.claimed_until is not None and row.claimed_until >= now and row.claimed_by != by for row in rows)
    if taken or not any(row.next_at <= now for row in rows):
        return Claimed((), ())
    ids = [row.notification_id for row in rows]
    connection.execute(update(table).where(table.c.notification_id.in_(ids)).values(claimed_by=by, claimed_until=until))
    known = connection.execute(select(deliveries).where(deliveries.c.notification_id.in_(ids)))
    return Claimed([(row.created_at, _notification(row)) for row in rows], [_delivery(row) for row in known])


def renew(connection: Connection, *, by: str, until: datetime) -> None:
    """Keep what a task has claimed for longer."""
    mine = (notifications.c.claimed_by == by, _UNFINISHED)
    connection.execute(update(notifications).where(*mine).values(claimed_until=until))


def record(connection: Connection, changed: Iterable[Delivery]) -> None:
    """Write what became of deliveries. What was delivered stays so, whatever an older run believes."""
    rows = [
        {
            "notification_id": delivery.notification_id,
            "target": delivery.target,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "refused": delivery.refused,
            "reason": delivery.reason,
            "next_at": delivery.next_at,
            "delivered_at": delivery.delivered_at,
        }
        for delivery in changed
    ]
    if not rows:
        return
    statement = insert(deliveries).values(rows)
    changeable = ("state", "attempts", "refused", "reason", "next_at", "delivered_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[deliveries.c.notification_id, deliveries.c.target],
            set_={name: statement.excluded[name] for name in changeable},
            where=deliveries.c.state == DeliveryState.PENDING,
        )
    )


def release(
    connection: Connection, *, by: str, finished: Sequence[str], waiting: Sequence[tuple[str, datetime]], now: datetime
) -> None:
    """Let go of what a task has claimed: some notifications are finished, others wait until a moment."""
    table = notifications
    mine = table.c.claimed_by == by
    free = {"claimed_by": None, "claimed_until": None, "queued_until": None}
    if finished:
        connection.execute(
            update(table).where(table.c.notification_id.in_(finished), mine).values(finished_at=now, **free)
        )
    for notification_id, next_at in waiting:
        connection.execute(
            update(table).where(table.c.notification_id == notification_id, mine).values(next_at=next_at, **free)
        )


def purge(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete notifications that were finished before a moment, with their deliveries; return how many."""
    table = notifications
    old = select(table.c.notification_id).where(table.c.finished_at < before).limit(limit)
    return connection.execute(delete(table).where(table.c.notification_id.in_(old))).rowcount


def _notification(row: Row[Any]) -> Notification:
    return msgspec.convert(row.payload, Notification)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        notification_id=row.notification_id,
        target=row.target,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        refused=row.refused,
        reason=row.reason,
        next_at=row.next_at,
        delivered_at=row.delivered_at,
    )
