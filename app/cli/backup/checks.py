"""Whether `slipstream backup` could dump this server, from where it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from app.cli.backup import books_store
from app.cli.backup.tools import ToolError, major_version, require_dump_of
from app.core.findings import Finding, State

if TYPE_CHECKING:
    from app.core.settings import Settings


def check_backup(settings: Settings) -> list[Finding]:
    """Compare pg_dump with the server. Nothing is said of a server that cannot be reached: others have said it."""
    try:
        with books_store.connect(settings.database_url, pooled=True) as connection:
            server = books_store.server_version(connection)
    except psycopg.Error:
        return []
    remedy = ""
    try:
        found = f"pg_dump {major_version('pg_dump')} for PostgreSQL {server}"
        require_dump_of(server)
    except ToolError as error:
        found, remedy = f"none for PostgreSQL {server}", str(error)
    return [
        Finding(
            subject="backup",
            name="pg_dump",
            state=State.WARN if remedy else State.OK,
            found=found,
            reason="`slipstream backup` dumps PostgreSQL by it, and would be refused.",
            remedy=remedy,
        )
    ]
