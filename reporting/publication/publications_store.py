"""`incident_publications` and `incident_updates`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, insert, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.core.alert_tables import incidents
from app.core.status_tables import incident_publications, incident_updates
from reporting.alerts.incident import Source
from reporting.publication.publication import Progress, PublicUpdate, PublishedIncident
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

_PUBLISHED = (
    select(
        incidents.c.incident_id,
        incidents.c.service,
        incidents.c.severity,
        incident_publications.c.title,
        incidents.c.started_at,
        incidents.c.resolved_at,
        incident_publications.c.published_at,
        incident_publications.c.published_by,
    )
    .join(incident_publications, incident_publications.c.incident_id == incidents.c.incident_id)
    .where(incident_publications.c.withdrawn_at.is_(None))
)


def exists(connection: Connection, incident_id: str) -> str | None:
    """Return the service of an incident, published or not; None when there is none."""
    found = connection.execute(select(incidents.c.service).where(incidents.c.incident_id == incident_id)).scalar()
    return None if found is None else str(found)


def publish(
    connection: Connection, incident_id: str, *, title: str | None, default: str, now: datetime, by: str
) -> None:
    """Publish an incident. Again, it changes the title if there is one; one that was withdrawn is published anew."""
    statement = upsert(incident_publications).values(
        incident_id=incident_id, title=title or default, published_at=now, published_by=by
    )
    table, new = incident_publications.c, statement.excluded
    anew = table.withdrawn_at.is_not(None)
    changed: dict[str, Any] = {
        name: case((anew, new[name]), else_=table[name]) for name in ("published_at", "published_by")
    }
    changed["withdrawn_at"] = None
    if title is not None:
        changed["title"] = title
    connection.execute(statement.on_conflict_do_update(index_elements=["incident_id"], set_=changed))


def publish_open(
    connection: Connection, severities: Collection[AlertSeverity], title: str, now: datetime
) -> Sequence[str]:
    """Publish the incidents of alerts that go on and that nobody has published or withdrawn; return their ids.

    `title` has `{}` in the place of the service.
    """
    before, after = title.split("{}")
    wanted = select(
        incidents.c.incident_id, literal(before) + incidents.c.service + literal(after), literal(now), null()
    ).where(
        incidents.c.resolved_at.is_(None),
        incidents.c.source == Source.ALERTS,
        incidents.c.severity.in_(severities),
    )
    columns = ["incident_id", "title", "published_at", "published_by"]
    statement = upsert(incident_publications).from_select(columns, wanted).on_conflict_do_nothing()
    return connection.execute(statement.returning(incident_publications.c.incident_id)).scalars().all()


def withdraw(connection: Connection, incident_id: str, now: datetime) -> bool:
    """Show an incident no more; False when it is not shown."""
    table = incident_publications
    statement = update(table).where(table.c.incident_id == incident_id, table.c.withdrawn_at.is_(None))
    return bool(connection.execute(statement.values(withdrawn_at=now)).rowcount)


def add_update(connection: Connection, incident_id: str, new: PublicUpdate, by: str) -> None:
    values = {"incident_id": incident_id, "at": new.at, "status": new.progress, "text": new.text, "author": by}
    connection.execute(insert(incident_updates).values(**values))


def find(connection: Connection, incident_id: str) -> PublishedIncident | None:
    """Return an incident that is shown."""
    found = _with_updates(connection, _PUBLISHED.where(incidents.c.incident_id == incident_id))
    return found[0] if found else None


def shown(connection: Connection, incident_ids: Sequence[str]) -> frozenset[str]:
    """Return which of some incidents are shown."""
    table = incident_publications
    asked = select(table.c.incident_id).where(table.c.incident_id.in_(incident_ids), table.c.withdrawn_at.is_(None))
    return frozenset(connection.execute(asked).scalars())


def since(connection: Connection, services: Collection[str], start: datetime, *, limit: int) -> list[PublishedIncident]:
    """Return the shown incidents of services that ended after an instant, or go on; the last to begin first."""
    ended = incidents.c.resolved_at
    query = _PUBLISHED.where(incidents.c.service.in_(services), ended.is_(None) | (ended >= start))
    order = (incidents.c.started_at.desc(), incidents.c.incident_id)
    return _with_updates(connection, query.order_by(*order).limit(limit))


def _with_updates(connection: Connection, query: Select[Any]) -> list[PublishedIncident]:
    rows = connection.execute(query).all()
    table = incident_updates
    told: dict[str, list[PublicUpdate]] = defaultdict(list)
    asked = select(table.c.incident_id, table.c.at, table.c.status, table.c.text)
    asked = asked.where(table.c.incident_id.in_([row.incident_id for row in rows])).order_by(table.c.number)
    for incident_id, at, status, text in connection.execute(asked) if rows else ():
        told[incident_id].append(PublicUpdate(at, Progress(status), text))
    return [_incident(row, told[row.incident_id]) for row in rows]


def _incident(row: Row[Any], updates: Sequence[PublicUpdate]) -> PublishedIncident:
    values = row._asdict() | {"severity": AlertSeverity(row.severity), "updates": tuple(updates)}
    return PublishedIncident(**values)
