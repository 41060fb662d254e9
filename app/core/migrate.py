"""Bring a database to a revision of the schema, and tell how far it is from what the code expects.

Any number of processes may migrate at once: each run is one transaction that holds an advisory lock, so the
second finds nothing left to do. Transaction-scoped, it also holds behind PgBouncer in transaction mode.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine, exc, text
from sqlalchemy.pool import NullPool

from app.core import citus_store
from app.core.database import sqlalchemy_url, translate
from app.core.schema_store import current_revision
from app.core.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.sql.schema import SchemaItem

_LOCK_ID = 0x534C4950
"""Advisory lock of whoever migrates: "SLIP" in ASCII."""
_TWIN_TIMEOUT_MS = 60_000
"""How long to wait for another process that migrates."""
_LOCK_TIMEOUT_MS = 5_000
"""How long a statement may wait for a table: while it waits, everybody who comes later queues behind it."""


class MigrationError(Exception):
    """The revision asked for, or the one the database is at, is not one this release knows."""


class DowngradeError(MigrationError):
    """The way leads down, which drops tables with all that they hold, and nobody said that it may."""


def migrate(database_url: str, revision: str = "head", *, may_drop: bool = False) -> str | None:
    """Take the database to a revision (`head`, `base`, `0002`), down only with `may_drop`; return where it is now.

    Raises `DependencyUnavailableError` when PostgreSQL cannot be reached, `DependencyTimeoutError` when a table stayed
    locked, `MigrationError` for an unknown revision, `DowngradeError`. Then the database is as it was.
    """
    with locked_connection(database_url) as connection:
        try:
            _move(connection, revision, may_drop=may_drop)
        except CommandError as error:
            raise MigrationError(str(error)) from error
        return current_revision(connection)


def _move(connection: Connection, revision: str, *, may_drop: bool) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if not revision:
        raise MigrationError("The revision is empty")
    target = ScriptDirectory.from_config(config).get_revision(revision)
    # Revisions are numbered, so their names have their order; the empty database comes before all of them.
    current = current_revision(connection)
    down = (target.revision if target else "") < (current or "")
    if down and not may_drop:
        raise DowngradeError(f"From {current} down to {revision}: this drops tables with all that they hold.")
    (command.downgrade if down else command.upgrade)(config, revision)
    if not down:
        citus_store.spread(connection)


def schema_differences(connection: Connection) -> list[Any]:
    """Return what separates the database from `app.core.tables`, as Alembic's operations; empty when they agree."""
    options = {"include_object": ours, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None) -> bool:  # noqa: ARG001, FBT001 - Alembic fixes the signature.
    """Leave out what only the database has on purpose: the partitions of `events`."""
    return not (reflected and (name or "").startswith("events_p"))


@contextmanager
def locked_connection(database_url: str) -> Iterator[Connection]:
    """Give a connection in a transaction in which nobody else migrates and no statement waits for long."""
    engine = create_engine(
        sqlalchemy_url(database_url),
        poolclass=NullPool,
        connect_args={"application_name": "slipstream migrate", "connect_timeout": 5, "prepare_threshold": None},
    )
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('statement_timeout', '0', true)"))
            _set_lock_timeout(connection, _TWIN_TIMEOUT_MS)
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
            _set_lock_timeout(connection, _LOCK_TIMEOUT_MS)
            yield connection
    except (exc.SQLAlchemyError, psycopg.Error) as error:
        translated = translate(error)
        if translated is None:
            raise
        raise translated from error
    finally:
        engine.dispose()


def _set_lock_timeout(connection: Connection, milliseconds: int) -> None:
    connection.execute(text("SELECT set_config('lock_timeout', :value, true)"), {"value": str(milliseconds)})


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    return config
