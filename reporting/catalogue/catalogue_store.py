"""`slo_objects` and `slo_versions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BigInteger, delete, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert

from app.core.slo_tables import slo_objects, slo_versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_LOCK_ID = 0x534C4F
"""Advisory lock of whoever applies definitions: "SLO" in ASCII."""
_HOLD = text("SELECT pg_advisory_xact_lock(:id)")


class StoredObject(NamedTuple):
    """An object as it was written."""

    kind: str
    name: str
    document: str


class StoredVersion(NamedTuple):
    """An SLO from an instant on; None for one that was removed."""

    name: str
    version: int
    effective_from: datetime
    applied_by: str
    document: str | None


def hold(connection: Connection) -> None:
    """Let nobody else apply definitions until the transaction ends."""
    connection.execute(_HOLD, {"id": _LOCK_ID})


def objects(connection: Connection) -> list[StoredObject]:
    """Return every object, by kind and name."""
    query = select(slo_objects.c.kind, slo_objects.c.name, slo_objects.c.document)
    return [StoredObject(*row) for row in connection.execute(query.order_by(slo_objects.c.kind, slo_objects.c.name))]


def put_objects(connection: Connection, stored: Sequence[StoredObject], now: datetime) -> None:
    """Write objects over those of the same kind and name."""
    if not stored:
        return
    statement = insert(slo_objects)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "name"],
            set_={"document": statement.excluded.document, "updated_at": statement.excluded.updated_at},
        ),
        [{**each._asdict(), "updated_at": now} for each in stored],
    )


def remove_object(connection: Connection, kind: str, name: str) -> bool:
    """Delete an object; False when there is none."""
    return bool(
        connection.execute(delete(slo_objects).where(slo_objects.c.kind == kind, slo_objects.c.name == name)).rowcount
    )


def state_of_versions(connection: Connection) -> tuple[int, int]:
    """Return what is the same as long as the versions are: one more is added, and the erasure of an account rewrites some."""
    written = literal_column("slo_versions.xmin::text::bigint", BigInteger)
    query = select(func.count(), func.coalesce(func.max(written), 0)).select_from(slo_versions)
    count, last = connection.execute(query).one()
    return int(count), int(last)


def versions(connection: Connection, name: str | None = None) -> list[StoredVersion]:
    """Return the versions of one SLO, or of all, by name and number."""
    query = select(slo_versions).order_by(slo_versions.c.name, slo_versions.c.version)
    if name is not None:
        query = query.where(slo_versions.c.name == name)
    return [StoredVersion(**row) for row in connection.execute(query).mappings()]


def add_version(connection: Connection, added: StoredVersion) -> None:
    """Write one more version."""
    connection.execute(insert(slo_versions).values(**added._asdict()))
