"""A connection of the role that Grafana gets, and something to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import make_url

from dashboards.grafana.provisioning import READER
from dashboards.grafana.statements import sql
from tests.dashboards.grafana import causes
from tests.dashboards.grafana.expansion import Span, expanded_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.core.database import Database
    from app.embedded.instance import Instance

HOUR = Span(causes.BEGAN, causes.UNTIL)
CHOSEN = {
    "slo": ["availability"],
    "service": ["slipstream"],
    "route": ["/events", "it's"],
    "tier": ["standard", ""],
    "account": ["acme", "bolt"],
}


class Reader:
    """A connection of Grafana's role, which may read what the dashboards read."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def rows(self, text: str, *, span: Span = HOUR, slo: str = "availability") -> list[dict[str, Any]]:
        """Run a query and return its rows; those without a single number or text in them are no data."""
        cursor = self._connection.execute(expanded_sql(text, {**CHOSEN, "slo": [slo]}, span).encode())
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [row for row in found if any(value is not None for name, value in row.items() if name != "time")]


@pytest.fixture
def reader(engines: Instance, database_url: str) -> Iterator[Reader]:
    name = make_url(database_url).database or ""
    with psycopg.connect(engines.postgres.url(name, superuser=True), autocommit=True) as connection:
        connection.execute(sql("reader").encode())
        connection.execute(f"SET ROLE {READER}".encode())
        yield Reader(connection)


@pytest.fixture
def world_begun(database: Database) -> Database:
    with database.begin() as connection:
        causes.begin(connection)
    return database
