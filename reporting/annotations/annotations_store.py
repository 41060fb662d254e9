"""`annotations`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core.annotation_tables import noted
from reporting.annotations.annotation import Annotation, AnnotationKind

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row


def add(connection: Connection, new: Annotation) -> Annotation:
    """Add an annotation, and return it; the same said twice is one, and the first is returned."""
    same = [noted.c[name] == getattr(new, name) for name in ("service", "at", "kind", "text")]
    connection.execute(insert(noted).values(asdict(new)).on_conflict_do_nothing())
    return _annotation(connection.execute(select(noted).where(*same)).one())


def remove(connection: Connection, annotation_id: str) -> bool:
    """Remove an annotation; False when there is none."""
    statement = delete(noted).where(noted.c.annotation_id == annotation_id)
    return bool(connection.execute(statement).rowcount)


def page(
    connection: Connection, *, service: str | None, since: datetime | None, until: datetime | None, limit: int
) -> list[Annotation]:
    """Return annotations of `[since, until)`, the last first."""
    query = select(noted).order_by(noted.c.at.desc(), noted.c.annotation_id).limit(limit)
    if service is not None:
        query = query.where(noted.c.service == service)
    if since is not None:
        query = query.where(noted.c.at >= since)
    if until is not None:
        query = query.where(noted.c.at < until)
    return [_annotation(row) for row in connection.execute(query)]


def _annotation(row: Row[Any]) -> Annotation:
    return Annotation(**row._asdict() | {"kind": AnnotationKind(row.kind)})
