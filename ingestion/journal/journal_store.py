"""`notices` and `circuit_changes`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.tables import circuit_changes, notices
from ingestion.journal.records import CircuitChange, Notice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_NOTICE = (
    notices.c.account_id,
    notices.c.period,
    notices.c.threshold,
    notices.c.used,
    notices.c.quota,
    notices.c.noticed_at,
)


def add_notices(connection: Connection, added: Sequence[Notice]) -> None:
    """Write notices; one that is there already stays as it is."""
    # In one order, so that two writers of the same rows wait for each other and not in a circle.
    rows = [asdict(notice) for notice in sorted(added, key=lambda notice: notice.notice_id)]
    if rows:
        connection.execute(insert(notices).on_conflict_do_nothing(), rows)


def add_changes(connection: Connection, added: Sequence[CircuitChange]) -> list[CircuitChange]:
    """Write changes of circuits, and return those that were not there yet."""
    rows = sorted(added, key=lambda change: (change.account_id, change.change_id))
    if not rows:
        return []
    statement = insert(circuit_changes).values([asdict(row) for row in rows]).on_conflict_do_nothing()
    written = set(connection.scalars(statement.returning(circuit_changes.c.change_id)))
    return [row for row in rows if row.change_id in written]


def undelivered(connection: Connection, *, limit: int) -> list[Notice]:
    """Return notices that are due, the oldest first, and hold them against other deliverers until the transaction ends."""
    query = (
        select(*_NOTICE)
        .where(notices.c.delivered_at.is_(None))
        .order_by(notices.c.noticed_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_notice(row) for row in connection.execute(query)]


def mark_delivered(connection: Connection, delivered: Sequence[Notice], now: datetime) -> None:
    """Take note that notices are delivered."""
    for notice in delivered:
        connection.execute(
            update(notices)
            .where(
                notices.c.account_id == notice.account_id,
                notices.c.period == notice.period,
                notices.c.threshold == notice.threshold,
            )
            .values(delivered_at=now)
        )


def notices_of(connection: Connection, account_id: str, *, day: str, month: str) -> list[Notice]:
    """Return the notices of an account for a day and a month, the latest first."""
    of_now = or_(notices.c.period == day, notices.c.period == month)
    query = (
        select(*_NOTICE).where(and_(notices.c.account_id == account_id, of_now)).order_by(notices.c.noticed_at.desc())
    )
    return [_notice(row) for row in connection.execute(query)]


def changes_of(connection: Connection, account_id: str, *, limit: int) -> list[CircuitChange]:
    """Return the latest changes of an account's circuit, the latest first."""
    table = circuit_changes
    query = (
        select(table)
        .where(table.c.account_id == account_id)
        .order_by(table.c.changed_at.desc(), table.c.change_id.desc())
        .limit(limit)
    )
    return [CircuitChange(**row) for row in connection.execute(query).mappings()]


def _notice(row: Any) -> Notice:
    return Notice(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented access to a row by name.
