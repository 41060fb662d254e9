"""What a backup counts in PostgreSQL, and out of which counts the books begin anew."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from app.cli.backup.tools import libpq_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

_COUNTS = """
SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM events),
       (SELECT coalesce(sum(stored + duplicates + dead), 0)::bigint FROM batch_outcomes),
       (SELECT count(*) FROM dead_letters), (SELECT version_num FROM alembic_version)
"""
# Batches of folded days have no shard and no minute, and older ones are not asked for by the minute.
_ACCEPTED = """
SELECT CASE WHEN recent THEN substr(batch_id, 1, 2)::int ELSE 0 END AS shard,
       CASE WHEN recent THEN extract(epoch FROM received_at)::bigint / 60 ELSE 0 END AS minute,
       sum(stored + duplicates + dead)::bigint
  FROM batch_outcomes,
       LATERAL (SELECT received_at >= %s AND batch_id ~ '^[0-9]{2}[hnlo]-' AS recent) AS age
 GROUP BY 1, 2
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class PooledError(Exception):
    """The address is that of a pooler, which lends sessions that others go on using."""


@contextmanager
def connect(database_url: str, *, pooled: bool = False) -> Iterator[Connection]:
    """Give a connection without a limit on time: a backup takes as long as it takes.

    Unless `pooled` will do, raises `PooledError` when it is not PostgreSQL itself that answers: pg_dump and pg_restore set a `search_path` that
    finds no table, and a pooler in transaction mode would lend that session to the platform next.
    """
    parameters: dict[str, Any] = {**libpq_parameters(database_url), "application_name": "slipstream backup"}
    with psycopg.connect(connect_timeout=10, **parameters) as connection:
        if not pooled:
            _refuse_pooler(connection)
        yield connection


def server_version(connection: Connection) -> int:
    """Return the major version of the server."""
    return connection.info.server_version // 10_000


def _refuse_pooler(connection: Connection) -> None:
    """Compare the process that the protocol names, which a pooler makes up, with the one that does the work."""
    (process,) = _one(connection, "SELECT pg_backend_pid()")
    connection.rollback()
    if process != connection.info.backend_pid:
        raise PooledError(
            "SLIPSTREAM_DATABASE_URL leads to a pooler such as PgBouncer, whose sessions would find no table afterwards. "
            "Name PostgreSQL itself for this command: SLIPSTREAM_DATABASE_URL=postgresql://… slipstream backup DIR, "
            "or restore."
        )


def is_on_citus(connection: Connection) -> bool:
    """Say whether tables may be on other nodes, each of which is dumped by its own moment."""
    return _one(connection, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")[0] is True


def export_snapshot(connection: Connection) -> str:
    """Return the name of the moment that this connection sees from now on, for other sessions to see too."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return str(_one(connection, "SELECT pg_export_snapshot()")[0])


def counts(connection: Connection) -> dict[str, int | str]:
    """Return what a backup is compared by."""
    names = ("accounts", "events", "accepted_and_settled", "dead_letters", "schema")
    return dict(zip(names, _one(connection, _COUNTS), strict=True))


def is_empty(connection: Connection) -> bool:
    """Say whether the database has no table of ours."""
    return _one(connection, "SELECT to_regclass('alembic_version') IS NULL")[0] is True


def settled(connection: Connection, account_id: str, batch_id: str) -> bool:
    """Say whether it is known what became of a batch."""
    query = "SELECT EXISTS (SELECT FROM batch_outcomes WHERE account_id = %s AND batch_id = %s)"
    return _one(connection, query, (account_id, batch_id))[0] is True


def accepted(connection: Connection, since: datetime) -> list[tuple[int, int, int]]:
    """Return shard, minute (since 1970) of the 202 and settled events; all from before a time as shard 0, minute 0."""
    return [(int(shard), int(minute), int(events)) for shard, minute, events in connection.execute(_ACCEPTED, (since,))]


def _one(connection: Connection, query: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), parameters).fetchone()
    if row is None:
        raise LookupError(query)
    return row
