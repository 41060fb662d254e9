"""`sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from app.core.access_tables import sessions, users

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


def add(
    connection: Connection,
    digest: bytes,
    *,
    username: str | None,
    token_digest: bytes | None,
    now: datetime,
    expires_at: datetime,
    address: str,
) -> None:
    connection.execute(
        insert(sessions).values(
            digest=digest,
            username=username,
            token_digest=token_digest,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
            address=address,
        )
    )


def find(connection: Connection, digest: bytes) -> Row[Any] | None:
    """Return a session with the `role` and `disabled` of its user, which are null for the operator."""
    query = select(sessions, users.c.role, users.c.disabled).outerjoin_from(sessions, users)
    return connection.execute(query.where(sessions.c.digest == digest)).one_or_none()


def note_seen(connection: Connection, digest: bytes, now: datetime) -> None:
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=now))


def remove(connection: Connection, digest: bytes) -> None:
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def remove_of(connection: Connection, username: str) -> None:
    """Remove every session of a user."""
    connection.execute(delete(sessions).where(sessions.c.username == username))


def remove_over(connection: Connection, now: datetime) -> None:
    """Remove sessions that have expired."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
