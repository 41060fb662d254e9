"""`maintenance_windows`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from app.core.slo_tables import maintenance_windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

_TABLE = maintenance_windows
COLUMNS = tuple(column.name for column in _TABLE.columns if column.name != "removed_at")


def every(connection: Connection) -> list[dict[str, Any]]:
    """Return the windows that were not removed, latest first."""
    query = select(*(_TABLE.c[name] for name in COLUMNS)).where(_TABLE.c.removed_at.is_(None))
    rows = connection.execute(query.order_by(_TABLE.c.starts_at.desc(), _TABLE.c.maintenance_id)).mappings()
    return [{name: _utc(value) for name, value in row.items()} for row in rows]


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(_TABLE).values(**values))


def remove(connection: Connection, maintenance_id: str, now: datetime) -> bool:
    """Mark a window as removed; False when there is none."""
    statement = update(_TABLE).where(_TABLE.c.maintenance_id == maintenance_id, _TABLE.c.removed_at.is_(None))
    return bool(connection.execute(statement.values(removed_at=now)).rowcount)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
