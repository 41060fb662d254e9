"""Which revision of the schema a database is at, and which one this release was written for.

Apart from the migrations themselves, so that a process that only asks does not load Alembic.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOUND = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_REVISION = text("SELECT version_num FROM alembic_version")


def head_revision() -> str:
    """Return the newest revision this code knows: migrations are numbered by the names of their files."""
    names = (file.name for file in files("migrations").joinpath("versions").iterdir())
    return max(name.partition("_")[0] for name in names if name[:1].isdigit())


def current_revision(connection: Connection) -> str | None:
    """Return the revision a database is at; None is an empty one."""
    if not connection.execute(_FOUND).scalar_one():
        return None
    revision: str | None = connection.execute(_REVISION).scalar_one_or_none()
    return revision
