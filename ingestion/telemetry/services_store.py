"""Whose a service's telemetry is, and the names it uses, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.tables import telemetry_names, telemetry_services

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestion.telemetry.names import Name


def claim(connection: Connection, service: str, account_id: str | None, now: datetime) -> str | None:
    """Return whose the service is; it becomes this account's (or, None, the operator's) if it was nobody's."""
    owner = select(telemetry_services.c.account_id).where(telemetry_services.c.service == service)
    found = connection.execute(owner).one_or_none()
    if found is None:
        new = insert(telemetry_services).values(service=service, account_id=account_id, created_at=now)
        connection.execute(new.on_conflict_do_nothing())
        found = connection.execute(owner).one()
    return None if found.account_id is None else str(found.account_id)


def lock_names(connection: Connection, service: str) -> frozenset[Name]:
    """Return the names of a claimed service, which nobody else adds to before this transaction ends."""
    table = telemetry_services
    connection.execute(select(table.c.service).where(table.c.service == service).with_for_update())
    names = select(telemetry_names.c.kind, telemetry_names.c.name).where(telemetry_names.c.service == service)
    return frozenset((row.kind, row.name) for row in connection.execute(names))


def add_names(connection: Connection, service: str, names: Sequence[Name]) -> None:
    """Add names that are not there yet."""
    if names:
        rows = [{"service": service, "kind": kind, "name": name} for kind, name in names]
        connection.execute(insert(telemetry_names), rows)
