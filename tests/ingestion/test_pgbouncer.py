"""Everything that talks to PostgreSQL, through Debian's PgBouncer in transaction mode: nothing may need a session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from app.composition import Counting, compose_api
from app.core.database import Database
from app.core.errors import DependencyTimeoutError
from ingestion.writer import Writer
from tests.pgbouncer import pooling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.settings import Settings

pytestmark = pytest.mark.tools


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path, eventually: Callable[..., Any]) -> Iterator[str]:
    with pooling(database_url, tmp_path, eventually) as url:
        yield url


@pytest.fixture
def pooled(pooled_url: str) -> Iterator[Database]:
    database = Database(pooled_url, pool_size=8, prepared_statements=False)
    yield database
    database.close()


def test_the_store_writes_through_a_pool_of_transactions(pooled: Database, make_batch: Any, tables: Any) -> None:
    writer = Writer(pooled, statement_events=100, clock=lambda: datetime.now(UTC))
    bundles = [
        [make_batch(*[{"event_id": f"{bundle}-{n}", "type": "t", "payload": {"n": n}} for n in range(250)])]
        for bundle in range(12)
    ]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(writer.store, bundles))
        again = list(threads.map(writer.store, bundles))

    assert tables.value("SELECT count(*) FROM events") == 3_000
    assert tables.value("SELECT sum(events) FROM event_rollups WHERE width = 1440") == 3_000
    assert again == [[]] * 12


def test_deadlines_hold_though_connections_are_shared(pooled_url: str) -> None:
    patient = Database(pooled_url, statement_timeout_ms=10_000, prepared_statements=False)
    hasty = Database(pooled_url, statement_timeout_ms=100, prepared_statements=False)
    try:
        for _ in range(4):
            with patient.begin() as connection:
                connection.execute(text("SELECT pg_sleep(0.2)"))
            with pytest.raises(DependencyTimeoutError), hasty.begin() as connection:
                connection.execute(text("SELECT pg_sleep(5)"))
    finally:
        patient.close()
        hasty.close()


def test_the_api_answers_through_a_pool_of_transactions(pooled_url: str, settings: Settings, world: Any) -> None:
    through = replace(settings, database_url=pooled_url, prepared_statements=False)
    api = compose_api(through, Counting(CollectorRegistry(), None), now=datetime.now(UTC))
    client = api.app.test_client()
    mine = {"Authorization": f"Bearer {world.alice.key}"}
    operator = {"Authorization": f"Bearer {settings.admin_token}"}
    try:
        event = {"event_id": "1", "type": "t"}
        accepted = client.post("/events", json={"events": [event]}, headers=mine | {"Idempotency-Key": "k"})
        assert accepted.status_code == 202
        now = datetime.now(UTC).isoformat()
        record = {"timestamp": now, "route": "/pay", "method": "POST", "status": 200, "duration_ms": 12.5}
        for number in range(12):
            telemetry = {"service": "checkout", "requests": [record]}
            answer = client.post("/telemetry", json=telemetry, headers=mine | {"Idempotency-Key": str(number)})
            assert answer.status_code == 202
        for _ in range(12):
            assert client.get("/accounts/acme/summary?window=1h", headers=mine).status_code == 200
            assert client.get("/accounts", headers=operator).status_code == 200
            assert client.get("/readyz").json["status"] == "ready"
    finally:
        api.close()
