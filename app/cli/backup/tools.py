"""PostgreSQL's own programs for backups: where they are, and how they are told whom to connect to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.database import sqlalchemy_url
from app.embedded.binaries import EmbeddedError, find_binaries

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """Return a program of PostgreSQL: the embedded one where it is installed, or else the newest on this machine."""
    try:
        embedded = find_binaries(None).postgres.with_name(name)
    except EmbeddedError:
        embedded = None
    if embedded is not None and embedded.exists():
        return embedded
    found = [str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    found.sort(key=lambda path: int(re.findall(r"/(\d+)/bin/", path)[0]))
    program = found[-1] if found else shutil.which(name)
    if program is None:
        raise ToolError(f"There is no {name} here. It comes with PostgreSQL's client programs (postgresql-client).")
    return Path(program)


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
