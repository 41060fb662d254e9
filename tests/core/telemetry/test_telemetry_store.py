"""Telemetry in PostgreSQL: writing again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core.tables import account_request_minutes, failed_requests, request_minutes
from app.core.telemetry.ledger import Row, RowKey
from app.core.telemetry.recorder import FailedRequest
from app.core.telemetry.telemetry_store import TelemetryStore

if TYPE_CHECKING:
    from sqlalchemy import Table

    from app.core.database import Database

MINUTE = 29_000_000


@pytest.fixture
def store(database: Database) -> TelemetryStore:
    return TelemetryStore(database)


def row(requests: int = 3, account: str | None = None, reason: str = "", route: str = "/events") -> Row:
    return Row(RowKey(MINUTE, account, route, "POST", "free", 202, reason), requests, (7, 900), (requests - 1, 1))


def stored(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.begin() as connection:
        return [dict(found) for found in connection.execute(select(table)).mappings()]


def test_rows_of_the_service_and_of_accounts_go_to_their_tables(database: Database, store: TelemetryStore) -> None:
    store.write_rows("w", [row(), row(account="acme")])

    (service,) = stored(database, request_minutes)
    (account,) = stored(database, account_request_minutes)
    assert service["minute"].timestamp() == MINUTE * 60
    assert (service["requests"], service["buckets"], service["counts"]) == (3, [7, 900], [2, 1])
    assert account == service | {"account_id": "acme"}


def test_a_row_written_again_with_more_replaces_itself(database: Database, store: TelemetryStore) -> None:
    store.write_rows("w", [row(3)])
    store.write_rows("w", [row(5)])
    store.write_rows("w", [row(5)])

    (found,) = stored(database, request_minutes)
    assert (found["requests"], found["counts"]) == (5, [4, 1])


def test_an_older_attempt_that_commits_late_does_not_shrink_a_row(database: Database, store: TelemetryStore) -> None:
    store.write_rows("w", [row(5), row(5, account="acme")])
    store.write_rows("w", [row(3), row(3, account="acme")])

    assert [found["requests"] for found in stored(database, request_minutes)] == [5]
    assert [found["requests"] for found in stored(database, account_request_minutes)] == [5]


def test_processes_do_not_overwrite_each_other(database: Database, store: TelemetryStore) -> None:
    store.write_rows("one", [row(3)])
    store.write_rows("two", [row(4)])

    assert sorted(found["requests"] for found in stored(database, request_minutes)) == [3, 4]


def test_a_row_that_postgresql_refuses_does_not_keep_its_neighbours(database: Database, store: TelemetryStore) -> None:
    rows = [row(route=f"/route/{number}") for number in range(9)]
    poison = row(reason="a NUL \x00")

    assert store.write_rows("w", [*rows[:4], poison, *rows[4:]]) == 1

    assert len(stored(database, request_minutes)) == 9


def test_many_rows_are_stored_in_several_statements(database: Database, store: TelemetryStore) -> None:
    store.write_rows("w", [row(route=f"/route/{number}") for number in range(2_345)])

    assert len(stored(database, request_minutes)) == 2_345


def test_single_failures_are_stored_once(database: Database, store: TelemetryStore) -> None:
    failure = FailedRequest(
        number=1,
        at_ms=1_740_000_000_123,
        request_id="r-1",
        route="/events",
        method="POST",
        status=503,
        reason="overloaded",
        account_id=None,
        duration_us=12,
    )

    store.write_failures("w", [failure])
    store.write_failures("w", [failure])
    store.write_failures("w", [])

    (found,) = stored(database, failed_requests)
    assert found["at"].timestamp() == pytest.approx(1_740_000_000.123)
    assert (found["service"], found["status"], found["request_id"]) == ("slipstream", 503, "r-1")
