"""`incidents`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.core.alert_tables import incidents
from reporting.alerts.incident import Action, Incident, Source
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

_FIELDS = tuple(column.name for column in incidents.columns)


def open_ones(connection: Connection, *, lock: bool = False) -> list[Incident]:
    """Return the incidents of alerts that are not over, the first to begin and to be found first.

    `lock` holds others off them until the transaction ends. Everybody locks all of them in one order, and before he changes
    any, so that no two wait for each other.
    """
    query = select(incidents).where(incidents.c.resolved_at.is_(None), incidents.c.source == Source.ALERTS)
    query = query.order_by(incidents.c.incident_id)
    found = [_incident(row) for row in connection.execute(query.with_for_update() if lock else query)]
    return sorted(found, key=lambda each: (each.started_at, each.detected_at, each.severity))


def find(connection: Connection, incident_id: str, *, lock: bool = False) -> Incident | None:
    query = select(incidents).where(incidents.c.incident_id == incident_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _incident(row)


def page(
    connection: Connection,
    *,
    service: str | None,
    is_open: bool | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Incident]:
    """Return incidents, the last to begin first."""
    order = (incidents.c.started_at, incidents.c.incident_id)
    query = select(incidents).order_by(*(column.desc() for column in order)).limit(limit)
    if service is not None:
        query = query.where(incidents.c.service == service)
    if is_open is not None:
        resolved = incidents.c.resolved_at
        query = query.where(resolved.is_(None) if is_open else resolved.is_not(None))
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*after))
    return [_incident(row) for row in connection.execute(query)]


def between(connection: Connection, start: datetime, end: datetime, *, service: str | None) -> list[Incident]:
    """Return the incidents that went on at some time in `[start, end)`, the first to begin first."""
    over = incidents.c.resolved_at
    query = select(incidents).where(incidents.c.started_at < end, over.is_(None) | (over > start))
    if service is not None:
        query = query.where(incidents.c.service == service)
    return [
        _incident(row) for row in connection.execute(query.order_by(incidents.c.started_at, incidents.c.incident_id))
    ]


def add(connection: Connection, added: Sequence[Incident]) -> None:
    if added:
        connection.execute(insert(incidents).values([_row(each) for each in added]))


def save(connection: Connection, incident: Incident) -> None:
    """Write an incident that the caller has locked."""
    values = _row(incident)
    del values["incident_id"]
    connection.execute(update(incidents).where(incidents.c.incident_id == incident.incident_id).values(**values))


def note_told(connection: Connection, incident_id: str, now: datetime, *, resolved_at: datetime | None) -> None:
    """Take note that somebody is told, and whether it is over. What people have written meanwhile stays."""
    values = {"told_at": now, "updated_at": now, "resolved_at": resolved_at}
    connection.execute(update(incidents).where(incidents.c.incident_id == incident_id).values(**values))


def note_over(connection: Connection, incident_id: str, now: datetime, *, resolved_at: datetime) -> None:
    """Take note that it is over, of which nobody is told."""
    values = {"resolved_at": resolved_at, "updated_at": now}
    connection.execute(update(incidents).where(incidents.c.incident_id == incident_id).values(**values))


def note_acknowledged(connection: Connection, incident_id: str, now: datetime, *, by: str) -> None:
    """Take note that somebody is on it, if nobody was."""
    nobody = (incidents.c.incident_id == incident_id, incidents.c.acknowledged_at.is_(None))
    values = {"acknowledged_at": now, "acknowledged_by": by, "updated_at": now}
    connection.execute(update(incidents).where(*nobody).values(**values))


def _row(incident: Incident) -> dict[str, Any]:
    values = {name: getattr(incident, name) for name in _FIELDS}
    return values | {"actions": msgspec.to_builtins(incident.actions)}


def _incident(row: Row[Any]) -> Incident:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Incident(
        **values
        | {
            "severity": AlertSeverity(row.severity),
            "source": Source(row.source),
            "actions": msgspec.convert(row.actions, tuple[Action, ...]),
        }
    )
