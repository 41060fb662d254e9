"""What a PostgreSQL server says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FACTS = """
SELECT current_setting('server_version_num')::int AS version_number, current_setting('server_version') AS version,
       current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby,
       least(
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true), '0')::int,
           (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()),
           (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user)
       ) AS connections
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Settings on which promises rest; `connections` is how many this role may open on this database."""

    version_number: int
    version: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    encoding: str
    is_standby: bool
    connections: int


def server_facts(connection: Connection) -> ServerFacts:
    """Ask for all of them at once."""
    row = connection.execute(text(_FACTS)).one()
    return ServerFacts(**row._mapping)  # noqa: SLF001 - The documented way to a row's names.


def server_clock(connection: Connection) -> float:
    """Return the server's time, in unix seconds."""
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
