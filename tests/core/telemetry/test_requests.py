"""From a request over HTTP to its row in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint
from sqlalchemy import select

from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.core.http.operations import describe
from app.core.http.recording import recorded_otherwise
from app.core.problems import Problem, ProblemType
from app.core.tables import account_request_minutes, failed_requests, request_minutes
from app.core.telemetry.telemetry import telemetry
from app.factory import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.telemetry.telemetry import Telemetry
    from tests.conftest import World


@pytest.fixture
def measured(database: Database) -> Telemetry:
    return telemetry(database, directory=None, now=datetime.now(UTC))


@pytest.fixture
def client(measured: Telemetry, authenticator: Authenticator) -> FlaskClient:
    guard = Guard(authenticator)
    routes = Blueprint("routes", __name__)

    @routes.get("/accounts/<account_id>/shoes")
    @guard.scope("summary:read")
    @describe(None)
    def shoes(account_id: str) -> str:
        return "two"

    @routes.post("/broken")
    @guard.scope("summary:read")
    @recorded_otherwise("It changes nothing.")
    @describe(None)
    def broken() -> str:
        raise Problem(ProblemType.OVERLOADED, "Too much.")

    readers = BodyReaders(deadline_s=5, most=8)
    app = create_app([routes], readers=readers, base_url="http://127.0.0.1", recorder=measured.recorder)
    return app.test_client()


def rows(database: Database, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    with database.begin() as connection:
        found = connection.execute(select(*(table.c[column] for column in columns)))
        return sorted(tuple(row) for row in found)


def test_every_request_is_counted_for_its_service_and_its_account(
    client: FlaskClient, measured: Telemetry, database: Database, world: World
) -> None:
    alice = {"Authorization": f"Bearer {world.alice.key}"}
    client.get("/accounts/acme/shoes", headers=alice)
    client.get("/accounts/acme/shoes", headers=alice)
    client.get("/accounts/bolt/shoes", headers=alice)
    client.get("/accounts/acme/shoes")
    client.get("/no/such/place")
    client.post("/broken", headers=alice, data=b"{}")

    assert measured.flusher.flush()

    columns = ("route", "method", "tier", "status", "reason", "requests")
    shoes, of_alice = "/accounts/{id}/shoes", ("standard",)
    theirs = [
        (shoes, "GET", *of_alice, 200, "", 2),
        (shoes, "GET", *of_alice, 404, "not-found", 1),
        ("/broken", "POST", *of_alice, 503, "overloaded", 1),
    ]
    nobodys = [(shoes, "GET", "", 401, "unauthorized", 1), ("__unmatched__", "GET", "", 404, "not-found", 1)]
    assert rows(database, account_request_minutes, "account_id", *columns) == sorted(("acme", *row) for row in theirs)
    assert rows(database, request_minutes, *columns) == sorted(theirs + nobodys)
    assert rows(database, failed_requests, "route", "status", "reason", "account_id") == [
        ("/broken", 503, "overloaded", "acme")
    ]


def test_durations_are_counted_in_the_histogram(
    client: FlaskClient, measured: Telemetry, database: Database, world: World
) -> None:
    for _ in range(20):
        client.get("/accounts/acme/shoes", headers={"Authorization": f"Bearer {world.alice.key}"})

    measured.flusher.flush()

    ((requests, buckets, counts),) = rows(database, request_minutes, "requests", "buckets", "counts")
    assert requests == sum(counts) == 20
    assert len(buckets) == len(counts)
    assert buckets == sorted(set(buckets))
