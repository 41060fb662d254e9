"""Whose a service is, from `telemetry_services`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.tables import telemetry_services

if TYPE_CHECKING:
    from sqlalchemy import Connection


def owned(connection: Connection) -> set[str]:
    """Return the services that accounts own: their names are theirs, and no public matter."""
    query = select(telemetry_services.c.service).where(telemetry_services.c.account_id.is_not(None))
    return set(connection.execute(query).scalars())
