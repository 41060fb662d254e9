from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.clock_checks import check_clocks
from app.core.database_checks import _server, check_database
from app.core.doctor import examine
from app.core.findings import State, has_failed
from app.core.queue_checks import _failover, _info, _log_health, _role, _version, check_queue, check_room
from app.core.server_store import server_facts
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from app.core.database import Database
    from app.core.findings import Finding
    from app.core.settings import Settings
    from tests.cluster import Cluster

pytestmark = pytest.mark.embedded


def finding(findings: list[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


@contextmanager
def configured(client: redis.Redis, name: str, value: str) -> Iterator[None]:
    before = str(client.config_get(name)[name])
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)


def test_the_embedded_engines_break_no_promise(settings: Settings) -> None:
    findings = examine(settings)

    assert [found for found in findings if found.state is State.FAIL] == []
    assert {found.subject for found in findings} == {"valkey", "postgresql", "clock", "alerts"}


@pytest.mark.parametrize(
    ("name", "value", "state"),
    [
        ("maxmemory-policy", "allkeys-lru", State.FAIL),
        ("maxmemory-policy", "volatile-ttl", State.FAIL),
        ("appendonly", "no", State.FAIL),
        ("appendfsync", "everysec", State.FAIL),
        ("no-appendfsync-on-rewrite", "yes", State.FAIL),
        ("maxmemory", "0", State.FAIL),
        ("auto-aof-rewrite-min-size", "1000000", State.WARN),
    ],
)
def test_a_queue_with_an_unsafe_setting_is_found_out(
    valkey: Valkey, redis_client: redis.Redis, name: str, value: str, state: State
) -> None:
    with configured(redis_client, name, value):
        found = finding(check_queue(valkey), name)

    assert (found.state, found.found) == (state, value)
    assert name in found.remedy
    assert finding(check_queue(valkey), name).state is State.OK


def test_a_queue_that_hides_its_settings_is_doubtful_where_they_cannot_be_told(
    valkey_url: str, redis_client: redis.Redis
) -> None:
    redis_client.acl_setuser("limited", enabled=True, passwords=["+a-password"], keys=["*"], categories=["+@all"], commands=["-config"])  # fmt: skip
    location = valkey_url.rpartition("@")[2]
    limited = Valkey(f"unix://limited:a-password@{location}")
    try:
        with configured(redis_client, "maxmemory-policy", "allkeys-lru"):
            findings = {found.name: found.state for found in check_queue(limited)}
    finally:
        limited.forget()
        redis_client.acl_deluser("limited")

    assert findings["appendonly"] is State.OK
    assert findings["maxmemory-policy"] is State.FAIL
    assert findings["appendfsync"] is State.WARN


@pytest.mark.parametrize(
    ("info", "state"),
    [
        ({"redis_version": "6.2.14"}, State.FAIL),
        ({"redis_version": "7.2.4"}, State.FAIL),
        ({"redis_version": "7.4.0"}, State.OK),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.4"}, State.FAIL),
        ({"redis_version": "7.2.4", "valkey_version": "9.0.0"}, State.OK),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, State.OK),
        ({"redis_version": "10.0.1"}, State.OK),
        ({}, State.FAIL),
    ],
)
def test_a_server_that_is_too_old_is_found_out(info: dict[str, str], state: State) -> None:
    assert _version(info).state is state


def test_a_replica_and_a_log_that_cannot_be_written_are_found_out() -> None:
    assert _role({"role": "slave"}).state is State.FAIL
    assert _log_health({"aof_last_write_status": "err"}).state is State.FAIL
    assert _log_health({"aof_last_write_status": "ok", "aof_last_bgrewrite_status": "err"}).state is State.WARN


def test_a_server_that_can_fail_over_is_told_what_202_then_means(valkey: Valkey) -> None:
    info = _info(valkey)

    assert "failover" not in {found.name for found in check_queue(valkey)}
    for more in ({"cluster_enabled": "1"}, {"connected_slaves": "2"}):
        found = _failover(info | more)
        assert found.state is State.WARN
        assert "WAIT" in found.remedy


def test_of_a_cluster_the_weakest_master_counts(cluster: Cluster, settings: Settings) -> None:
    valkey, second = Valkey(cluster.url), cluster.masters[1].client
    before = {found.name: found.state for found in check_queue(valkey)}
    with configured(second, "appendfsync", "everysec"), configured(second, "maxmemory", "1000000"):
        weak = finding(check_queue(valkey), "appendfsync")
        room = finding(check_room(valkey, replace(settings, queue_max_bytes=100_000_000)), "room for the queue")
    valkey.forget()

    assert before.pop("failover") is State.WARN
    assert set(before.values()) == {State.OK}
    assert (weak.state, weak.found) == (State.FAIL, "everysec")
    assert (room.state, room.found) == (State.WARN, "1000000 for 100000000 bytes of bodies")


def test_a_valkey_smaller_than_its_queue_is_found_out(valkey: Valkey, settings: Settings) -> None:
    small = replace(settings, queue_max_bytes=100_000_000, api_threads=256, api_processes=2)

    assert [found.state for found in check_room(valkey, small)] == [State.OK, State.OK]
    assert finding(check_room(valkey, replace(small, queue_max_bytes=10**12)), "room for the queue").state is State.WARN
    assert (
        finding(check_room(valkey, replace(small, api_threads=4096, api_processes=64)), "maxclients").state
        is State.FAIL
    )


def test_a_commit_that_does_not_wait_for_the_disk_is_found_out(database: Database, settings: Settings) -> None:
    with database.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))

    found = finding(examine(settings), "synchronous_commit")

    assert (found.state, found.found) == (State.FAIL, "off")


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"version_number": 140_010}, "version", State.FAIL),
        ({"version_number": 160_004}, "version", State.WARN),
        ({"fsync": "off"}, "fsync", State.FAIL),
        ({"full_page_writes": "off"}, "full_page_writes", State.FAIL),
        ({"is_standby": True}, "role", State.FAIL),
        ({"encoding": "SQL_ASCII"}, "encoding", State.FAIL),
    ],
)
def test_a_server_that_does_not_keep_what_it_commits_is_found_out(
    database: Database, change: dict[str, object], name: str, state: State
) -> None:
    with database.begin() as connection:
        facts = server_facts(connection)

    assert all(found.state is State.OK for found in _server(facts))
    assert finding(_server(replace(facts, **change)), name).state is state  # type: ignore[arg-type]  # Fields of several types.


@pytest.mark.parametrize(("limit", "state"), [(31, State.FAIL), (32, State.WARN), (39, State.WARN), (40, State.OK)])
def test_pools_that_the_server_cannot_fill_are_found_out(
    database: Database, settings: Settings, limit: int, state: State
) -> None:
    with database.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} CONNECTION LIMIT {limit}"))
    sizes = {"api_pool_size": 2, "summary_pool_size": 1, "large_summary_pool_size": 1}
    ours = replace(settings, api_processes=2, worker_concurrency=2, **sizes)

    assert finding(check_database(database, ours), "connections").state is state


def test_a_database_behind_or_ahead_of_this_release_is_found_out(
    database: Database, database_url: str, settings: Settings
) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert finding(check_database(database, settings), "migrations").state is State.WARN

    with database.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    found = finding(check_database(database, settings), "migrations")
    assert found.state is State.FAIL
    assert "slipstream migrate" in found.remedy


def test_a_table_changed_by_hand_is_found_out(database: Database, settings: Settings) -> None:
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE accounts ADD COLUMN colour text"))

    found = finding(check_database(database, settings), "schema")

    assert (found.state, found.found) == (State.WARN, "1 differences")


@pytest.mark.parametrize(("ahead_s", "state"), [(0, State.OK), (2, State.WARN), (-2, State.WARN), (40, State.FAIL)])
def test_clocks_that_differ_are_found_out(database: Database, valkey: Valkey, ahead_s: float, state: State) -> None:
    def clock() -> float:
        return datetime.now(UTC).timestamp() + ahead_s

    assert {found.state for found in check_clocks(database, valkey, clock)} == {state}


def test_what_cannot_be_reached_is_said_once_and_hides_nothing_else(settings: Settings, tmp_path: Path) -> None:
    without_queue = examine(replace(settings, redis_url=f"unix://{tmp_path}/none.sock"))
    without_database = examine(replace(settings, database_url=f"postgresql://nobody@/none?host={tmp_path}"))

    assert [found.name for found in without_queue if found.subject == "valkey" and found.state is State.FAIL] == [
        "connection"
    ]
    assert finding(without_queue, "fsync").state is State.OK
    assert [found.name for found in without_database if found.subject == "postgresql"] == ["connection"]
    assert has_failed(without_database)
