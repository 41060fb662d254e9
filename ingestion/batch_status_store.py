"""What became of a batch, as PostgreSQL knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.core.tables import batch_outcomes, dead_letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class Counts(NamedTuple):
    """The outcome of a batch in events."""

    stored: int
    duplicates: int
    dead: int


class Letter(NamedTuple):
    """Why one event, or the whole batch (position -1), is in the dead-letter queue."""

    position: int
    event_id: str | None
    reason: str
    detail: str


def counts(connection: Connection, account_id: str, batch_id: str) -> Counts | None:
    """Return the outcome of a batch; None while there is none."""
    table = batch_outcomes.c
    query = select(table.stored, table.duplicates, table.dead).where(
        table.account_id == account_id, table.batch_id == batch_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Counts(*row)


def letters(connection: Connection, account_id: str, batch_id: str, *, limit: int) -> Sequence[Letter]:
    """Return the dead letters of a batch, in its order."""
    table = dead_letters.c
    query = (
        select(table.position, table.event_id, table.reason, table.detail)
        .where(table.account_id == account_id, table.batch_id == batch_id)
        .order_by(table.position)
        .limit(limit)
    )
    return [Letter(*row) for row in connection.execute(query)]
