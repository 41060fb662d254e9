"""How far files were imported, in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.tables import telemetry_files

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """A file, known by its `head` and counted among those that begin alike, and what was counted of it."""

    service: str
    head: bytes
    number: int
    name: str
    size: int
    digest: bytes
    lines: int
    bad_lines: int
    shift_minutes: int


def find(connection: Connection, service: str, head: bytes) -> list[ImportedFile]:
    """Return the files that begin so, the shortest first."""
    columns = [telemetry_files.c[name] for name in ImportedFile.__slots__]
    query = (
        select(*columns)
        .where(telemetry_files.c.service == service, telemetry_files.c.head == head)
        .order_by(telemetry_files.c.size)
    )
    return [ImportedFile(**row._asdict()) for row in connection.execute(query)]


def advance(connection: Connection, file: ImportedFile, *, before: int, now: datetime) -> bool:
    """Move a file on from so many bytes (0: it is new); False when somebody else has done so meanwhile."""
    values = asdict(file) | {"updated_at": now}
    if before == 0:
        added = insert(telemetry_files).values(values).on_conflict_do_nothing().returning(telemetry_files.c.number)
        return connection.execute(added).first() is not None
    table = telemetry_files.c
    moved = (
        update(telemetry_files)
        .where(
            table.service == file.service,
            table.head == file.head,
            table.number == file.number,
            table.size == before,
        )
        .values(values)
        .returning(table.number)
    )
    return connection.execute(moved).first() is not None
