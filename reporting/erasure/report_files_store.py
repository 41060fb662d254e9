"""Files of the archive, one revision of a report at a time."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, select, tuple_, update

from app.core.report_tables import report_files, reports

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement, Connection

Revision = tuple[str, int]
"""A report's id, and the number of the revision."""


def next_revision(connection: Connection, behind: Revision) -> Revision | None:
    """Return the revision behind another one, in the order of their keys; None when there is none."""
    key = (reports.c.report_id, reports.c.revision)
    row = connection.execute(select(*key).where(tuple_(*key) > tuple_(*behind)).order_by(*key).limit(1)).one_or_none()
    return None if row is None else (row.report_id, row.revision)


def file(connection: Connection, revision: Revision, name: str) -> bytes | None:
    """Return a file's bytes."""
    table = report_files
    query = select(table.c.content, table.c.deflated).where(*_of(revision), table.c.name == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return zlib.decompress(row.content) if row.deflated else bytes(row.content)


def names(connection: Connection, revision: Revision) -> set[str]:
    return set(connection.scalars(select(report_files.c.name).where(*_of(revision))))


def replace_files(connection: Connection, revision: Revision, files: Mapping[str, bytes]) -> int:
    """Write files over those of the same name; return how many."""
    for name, content in files.items():
        statement = update(report_files).where(*_of(revision), report_files.c.name == name)
        connection.execute(
            statement.values(
                content=zlib.compress(content),
                deflated=True,
                size=len(content),
                digest=hashlib.sha256(content).hexdigest(),
            )
        )
    return len(files)


def delete_files(connection: Connection, revision: Revision, gone: Collection[str]) -> int:
    """Delete files; return how many."""
    return connection.execute(delete(report_files).where(*_of(revision), report_files.c.name.in_(gone))).rowcount


def mark(connection: Connection, revision: Revision, reason: str) -> None:
    """Say why files of a report are missing."""
    report_id, number = revision
    this = and_(reports.c.report_id == report_id, reports.c.revision == number)
    separated = func.concat_ws(" ", func.nullif(reports.c.reason, ""), reason)
    connection.execute(update(reports).where(this, func.strpos(reports.c.reason, reason) == 0).values(reason=separated))


def _of(revision: Revision) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    report_id, number = revision
    return report_files.c.report_id == report_id, report_files.c.revision == number
