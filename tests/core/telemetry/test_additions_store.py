"""Counts that are added up in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core.tables import account_request_minutes, request_minutes
from app.core.telemetry.additions_store import add_requests

if TYPE_CHECKING:
    from sqlalchemy import Table

    from app.core.database import Database
    from app.core.telemetry.ledger import Observation

MINUTE = 29_000_000


def seen(account: str | None = None, bucket: int | None = 7, status: int = 200) -> Observation:
    return (MINUTE, account, "/pay", "POST", "free", status, "", bucket)


def add(database: Database, observations: dict[Observation, int], service: str = "checkout") -> None:
    with database.begin() as connection:
        add_requests(connection, service, observations)


def stored(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.begin() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def test_batches_of_the_same_minute_add_up_in_one_row_with_their_histograms_merged(database: Database) -> None:
    add(database, {seen(bucket=900): 2, seen(bucket=7): 1})
    add(database, {seen(bucket=7): 3, seen(bucket=5): 4, seen(bucket=None): 5})

    (row,) = stored(database, request_minutes)
    assert row["minute"].timestamp() == MINUTE * 60
    assert (row["service"], row["requests"]) == ("checkout", 15)
    assert (row["buckets"], row["counts"]) == ([5, 7, 900], [4, 4, 2])


def test_requests_without_a_duration_have_an_empty_histogram(database: Database) -> None:
    add(database, {seen(bucket=None): 5})
    add(database, {seen(bucket=None): 1})

    (row,) = stored(database, request_minutes)
    assert (row["requests"], row["buckets"], row["counts"]) == (6, [], [])


def test_requests_of_an_account_count_for_it_and_for_the_service(database: Database) -> None:
    add(database, {seen("acme"): 2, seen("bolt"): 3, seen(): 4})

    assert [row["requests"] for row in stored(database, request_minutes)] == [9]
    accounts = {row["account_id"]: row["requests"] for row in stored(database, account_request_minutes)}
    assert accounts == {"acme": 2, "bolt": 3}


def test_properties_and_services_stay_apart(database: Database) -> None:
    add(database, {seen(status=200): 2, seen(status=500): 3})
    add(database, {seen(status=200): 4}, service="search")

    rows = {(row["service"], row["status"]): row["requests"] for row in stored(database, request_minutes)}
    assert rows == {("checkout", 200): 2, ("checkout", 500): 3, ("search", 200): 4}
