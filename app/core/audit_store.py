"""`audit_entries`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from app.core.access_tables import audit_entries
from app.core.audit_entry import Actor, AuditEntry

if TYPE_CHECKING:
    from sqlalchemy import Connection


def add(connection: Connection, entry: AuditEntry) -> None:
    """Add an entry, which nothing removes."""
    connection.execute(
        insert(audit_entries).values(
            at=entry.at,
            actor=entry.actor.name,
            action=entry.action,
            subject=entry.subject,
            detail=dict(entry.detail),
            address=entry.actor.address,
            request_id=entry.actor.request_id,
        )
    )


def page(
    connection: Connection, *, actor: str | None, subject: str | None, before: int | None, limit: int
) -> list[AuditEntry]:
    """Return entries, the latest first."""
    query = select(audit_entries).order_by(audit_entries.c.entry_id.desc()).limit(limit)
    if actor is not None:
        query = query.where(audit_entries.c.actor == actor)
    if subject is not None:
        query = query.where(audit_entries.c.subject == subject)
    if before is not None:
        query = query.where(audit_entries.c.entry_id < before)
    return [
        AuditEntry(
            at=row.at,
            actor=Actor(row.actor, row.address, row.request_id),
            action=row.action,
            subject=row.subject,
            detail=row.detail,
            entry_id=row.entry_id,
        )
        for row in connection.execute(query)
    ]
