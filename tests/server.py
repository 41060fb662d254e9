"""The PostgreSQL that tests get their databases from: the embedded one, or any that SLIPSTREAM_TEST_DATABASE_URL names."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from app.core.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from app.embedded.engines import Postgres

VARIABLE = "SLIPSTREAM_TEST_DATABASE_URL"
_numbers = count(1)


class Databases(Protocol):
    """Gives every test a database, migrated and empty."""

    def database(self) -> AbstractContextManager[str]:
        """The address of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Every test gets a database of its own: a copy of one that was migrated once."""

    admin_url: Callable[[str], str]
    """The address of a database, by its name, as a role that may create databases."""
    url: Callable[[str], str]
    """The same as the application's role."""
    role: str
    template: str
    strategy: str = ""

    @contextmanager
    def migrated(self) -> Iterator[Copies]:
        self._create(self.template, copied="template1")
        try:
            migrate(self.url(self.template))
            yield self
        finally:
            self._drop(self.template)

    @contextmanager
    def database(self) -> Iterator[str]:
        name = f"{self.template}_{next(_numbers)}"
        self._create(name, copied=self.template)
        try:
            yield self.url(name)
        finally:
            self._drop(name)

    def _create(self, name: str, *, copied: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} " + self.strategy)
        names = (sql.Identifier(each) for each in (name, self.role, copied))
        execute(self.admin_url("postgres"), statement.format(*names))

    def _drop(self, name: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        execute(self.admin_url("postgres"), statement.format(sql.Identifier(name)))


@contextmanager
def databases(postgres: Postgres) -> Iterator[Databases]:
    """Of the server that the environment names, or else of the embedded one."""
    url = os.environ.get(VARIABLE)
    if not url:
        embedded = Copies(
            admin_url=lambda name: postgres.url(name, superuser=True),
            url=postgres.url,
            role="slipstream",
            template="test",
            strategy="STRATEGY file_copy",
        )
        with embedded.migrated() as copies:
            yield copies
    elif value(url, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"):
        from tests.citus import on_citus  # noqa: PLC0415 - Only where there is one.

        with on_citus(url) as emptied:
            yield emptied
    else:
        with _of_others(url).migrated() as copies:
            yield copies


def _of_others(url: str) -> Copies:
    """On a server that has databases of other people, or of another run of tests."""
    base = make_url(url)

    def named(name: str) -> str:
        return base.set(database=name).render_as_string(hide_password=False)

    return Copies(
        admin_url=named,
        url=named,
        role=value(url, "SELECT current_user"),
        template=f"slipstream_test_{uuid4().hex[:8]}",
    )


def execute(url: str, *statements: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        for statement in statements:
            connection.execute(statement)


def value(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
