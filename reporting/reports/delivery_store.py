"""`report_sends`: which reports are to be sent to whom."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.report_tables import report_sends
from reporting.reports.archive import Paper

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """An intent to send a report; of a subscription there is one for each period."""

    send_id: str
    report_id: str
    recipients: tuple[str, ...]
    paper: Paper
    requested_by: str
    created_at: datetime
    subscription_id: str | None = None
    period: str | None = None


def add(connection: Connection, send: Send) -> bool:
    """Write an intent down; False when the same was there before."""
    values = asdict(send) | {"recipients": list(send.recipients)}
    statement = insert(report_sends).values(**values).on_conflict_do_nothing().returning(report_sends.c.send_id)
    return connection.execute(statement).one_or_none() is not None


def unwritten(connection: Connection, report_id: str) -> list[Send]:
    """Return what is to be sent of a report and is not in the outbox yet, the first first."""
    table = report_sends
    query = (
        select(table)
        .where(table.c.report_id == report_id, table.c.written_at.is_(None))
        .order_by(table.c.created_at, table.c.send_id)
        .with_for_update()
    )
    return [_send(row) for row in connection.execute(query)]


def note_written(connection: Connection, send_id: str, now: datetime) -> None:
    table = report_sends
    connection.execute(update(table).where(table.c.send_id == send_id).values(written_at=now))


def purge(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete intents, which hold addresses, that were written down before a moment; return how many."""
    table = report_sends
    old = select(table.c.send_id).where(table.c.created_at < before).limit(limit)
    return connection.execute(delete(table).where(table.c.send_id.in_(old))).rowcount


def _send(row: Row[Any]) -> Send:
    return Send(
        send_id=row.send_id,
        report_id=row.report_id,
        recipients=tuple(row.recipients),
        paper=Paper(row.paper),
        requested_by=row.requested_by,
        created_at=row.created_at,
        subscription_id=row.subscription_id,
        period=row.period,
    )
