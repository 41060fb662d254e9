"""What the API and the workers need, on a real PostgreSQL and a real Valkey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.dependency_checks import dependency_checks
from app.core.health import CheckState, Readiness, Status
from app.core.schema_store import head_revision
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from app.core.database import Database
    from app.core.health import ReadinessReport

AWAY = Valkey("redis://127.0.0.1:1")


@pytest.fixture
def unsafe(redis_client: redis.Redis) -> Iterator[redis.Redis]:
    """A Valkey whose settings are put right again after the test."""
    names = ("appendfsync", "maxmemory-policy", "maxmemory", "no-appendfsync-on-rewrite")
    before = {name: redis_client.config_get(name)[name] or "" for name in names}
    yield redis_client
    for name, value in before.items():
        redis_client.config_set(name, value)


def report(database: Database, valkey: Valkey, *, worker: bool = False) -> ReadinessReport:
    checks = dependency_checks(database, valkey, revision=head_revision(), needs_postgresql=worker)
    return Readiness(checks, deadline_s=10).report()


def states(found: ReadinessReport) -> dict[str, str]:
    return {name: check.status.value for name, check in found.checks.items()}


@pytest.mark.parametrize("worker", [False, True])
def test_with_everything_there_a_process_is_ready(database: Database, valkey: Valkey, worker: bool) -> None:
    found = report(database, valkey, worker=worker)

    assert found.status is Status.READY
    assert states(found) == dict.fromkeys(("valkey", "queue-settings", "postgresql", "migrations"), "ok")


def test_the_api_is_ready_without_postgresql_and_a_worker_is_not(nowhere: Database, valkey: Valkey) -> None:
    api, worker = report(nowhere, valkey), report(nowhere, valkey, worker=True)

    assert (api.status, worker.status) == (Status.DEGRADED, Status.UNREADY)
    assert states(api) == {"valkey": "ok", "queue-settings": "ok", "postgresql": "failing", "migrations": "unknown"}
    assert api.checks["postgresql"].detail == "cannot be reached"


@pytest.mark.parametrize("worker", [False, True])
def test_nothing_is_ready_without_valkey(database: Database, worker: bool) -> None:
    found = report(database, AWAY, worker=worker)

    assert found.status is Status.UNREADY
    assert states(found) == {"valkey": "failing", "queue-settings": "unknown", "postgresql": "ok", "migrations": "ok"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory", "0"),
        ("no-appendfsync-on-rewrite", "yes"),
    ],
)
def test_a_queue_that_may_lose_events_makes_nothing_ready(
    database: Database, valkey: Valkey, unsafe: redis.Redis, name: str, value: str
) -> None:
    unsafe.config_set(name, value)

    found = report(database, valkey)

    assert found.status is Status.UNREADY
    assert (found.checks["queue-settings"].detail or "").startswith(f"valkey {name} is ")


def test_a_server_that_hides_its_settings_is_judged_by_what_it_says_of_itself(
    database: Database, valkey_url: str, unsafe: redis.Redis
) -> None:
    unsafe.config_set("maxmemory-policy", "volatile-ttl")
    unsafe.acl_setuser(
        "managed", enabled=True, passwords=["+a-long-password"], categories=["+@all"], commands=["-config"]
    )
    managed = Valkey(valkey_url)
    address = managed._node.address
    address.username, address.password = "managed", "a-long-password"
    try:
        detail = report(database, managed).checks["queue-settings"].detail or ""
        assert detail.startswith("valkey maxmemory-policy is volatile-ttl.")
    finally:
        managed.forget()
        unsafe.acl_deluser("managed")


@pytest.mark.parametrize(("revision", "state"), [("0000", "failing"), ("9999", "ok")])
def test_an_older_schema_makes_nothing_ready_and_a_newer_one_is_no_matter(
    database: Database, valkey: Valkey, revision: str, state: str
) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})

    found = report(database, valkey)

    assert found.checks["migrations"].status == CheckState(state)
    assert found.status is (Status.UNREADY if state == "failing" else Status.READY)


def test_an_empty_database_makes_nothing_ready(database: Database, valkey: Valkey) -> None:
    with database.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))

    detail = report(database, valkey).checks["migrations"].detail or ""

    assert detail.startswith("The schema is at nothing and must be at ")
    assert "slipstream migrate" in detail
