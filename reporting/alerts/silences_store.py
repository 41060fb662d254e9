"""`silences`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.alert_tables import silences
from reporting.alerts.silence import Silence

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


def holding(connection: Connection, now: datetime) -> list[Silence]:
    """Return the silences that hold now."""
    query = select(silences).where(silences.c.starts_at <= now, silences.c.ends_at > now)
    return [_silence(row) for row in connection.execute(query)]


def page(connection: Connection, *, ends_after: datetime | None, limit: int) -> list[Silence]:
    """Return silences, the last to end first; all of them, or those that are not over."""
    query = select(silences).order_by(silences.c.ends_at.desc(), silences.c.silence_id).limit(limit)
    if ends_after is not None:
        query = query.where(silences.c.ends_at > ends_after)
    return [_silence(row) for row in connection.execute(query)]


def add(connection: Connection, silence: Silence) -> None:
    connection.execute(insert(silences).values(**asdict(silence)))


def end(connection: Connection, silence_id: str, now: datetime, *, by: str) -> bool:
    """End a silence before its time, or before it has begun; False when there is none that is not over."""
    statement = (
        update(silences)
        .where(silences.c.silence_id == silence_id, silences.c.ends_at > now)
        .values(ends_at=now, ended_by=by, starts_at=func.least(silences.c.starts_at, now))
        .returning(silences.c.silence_id)
    )
    return connection.execute(statement).one_or_none() is not None


def _silence(row: Row[Any]) -> Silence:
    return Silence(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented access to a row by name.
