"""The worker as a real process."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
import pytest

from app.core.queue.entry import Entry, to_wire
from app.core.queue.lanes import Lane
from app.core.queue.sacrifice import Ending, Sacrifice
from app.core.queue.shard_queue import ShardQueue
from app.core.queue.stats import read_stats
from app.core.settings import hand_down
from app.task_queue import task_queue
from ingestion.dead_letter_queue import DeadLetterQueue
from ingestion.dead_letters_store import Selection
from tests.app.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from app.embedded.instance import Instance


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[WorkerProcess]:
    started = WorkerProcess(settings, tmp_path / "worker.log")
    yield started
    started.close()


@pytest.fixture
def queue(valkey: Valkey) -> ShardQueue:
    return ShardQueue(valkey)


def body(*event_ids: str, payload: str = "{}") -> bytes:
    events = [f'{{"event_id":"{event_id}","type":"a","payload":{payload}}}' for event_id in event_ids]
    return b'{"events":[' + ",".join(events).encode() + b"]}"


def enqueue(queue: ShardQueue, *event_ids: str, account_id: str = "acme", shard: int = 7, payload: str = "{}") -> str:
    return queue.enqueue(
        shard, Lane.NORMAL, owner=account_id, events=len(event_ids), body=body(*event_ids, payload=payload)
    )


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def stored(database_url: str) -> list[str]:
    return [row[0] for row in rows(database_url, "SELECT event_id FROM events ORDER BY event_id")]


def is_drained(valkey: Valkey) -> bool:
    return not any(lane.entries for lane in read_stats(valkey).lanes)


@contextmanager
def armed(path: Path, name: str, action: str) -> Iterator[dict[str, str]]:
    yield {"SLIPSTREAM_FAILPOINTS": f"{name}={action}@{path}"}


def test_it_stores_what_is_queued_and_says_so(
    worker: WorkerProcess, queue: ShardQueue, valkey: Valkey, database_url: str, eventually: Any
) -> None:
    for number in range(30):
        enqueue(queue, f"a{number:02d}", f"b{number:02d}", account_id=f"account-{number}", shard=number % 16)
    worker.start("--concurrency", "3").wait_ready()

    eventually(lambda: is_drained(valkey))

    assert len(stored(database_url)) == 60
    assert rows(database_url, "SELECT count(*), sum(stored) FROM batch_outcomes") == [(30, 60)]
    status, metrics = worker.get("/metrics")
    assert status == 200
    assert 'slipstream_events_settled_total{outcome="stored"} 60.0' in metrics
    assert "slipstream_batch_storage_delay_seconds_count 30.0" in metrics
    assert "process_resident_memory_bytes" in metrics


def test_it_answers_probes_and_nothing_else(worker: WorkerProcess) -> None:
    worker.start().wait_ready()

    assert worker.get("/livez") == (200, '{"status":"ok"}')
    status, report = worker.get("/readyz")
    assert status == 200
    checks = {name: check["status"] for name, check in json.loads(report)["checks"].items()}
    assert {"valkey": "ok", "postgresql": "ok", "threads": "ok"}.items() <= checks.items()
    assert worker.get("/accounts")[0] == 404


def test_where_others_reach_it_its_metrics_are_for_operators_and_its_probes_for_all(worker: WorkerProcess) -> None:
    token, everywhere = "the-token-of-the-operator", "0.0.0.0"  # noqa: S104 (this is what is tested)
    worker.start(SLIPSTREAM_WORKER_HOST=everywhere, SLIPSTREAM_ADMIN_TOKEN=token).wait_ready()

    assert [worker.get(path)[0] for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 401]
    assert worker.get("/metrics", Authorization="Bearer not-the-token-of-the-operator")[0] == 401
    status, metrics = worker.get("/metrics", Authorization=f"Bearer {token}")
    assert status == 200
    assert "process_resident_memory_bytes" in metrics


def test_at_sigterm_it_finishes_what_it_has_in_hand(
    worker: WorkerProcess, queue: ShardQueue, valkey: Valkey, database_url: str, tmp_path: Path, eventually: Any
) -> None:
    marker = tmp_path / "hits"
    with armed(marker, "store.before_commit", "sleep:2") as environment:
        process = worker.start(**environment)
        process.wait_ready()
        enqueue(queue, "a", "b")
        eventually(marker.exists)
        process.kill(signal.SIGTERM)
        eventually(lambda: not process.running)

    assert worker.exit_status() == 0
    assert stored(database_url) == ["a", "b"]
    assert is_drained(valkey)
    assert not read_stats(valkey).leases


def test_while_it_ends_it_is_not_ready(
    worker: WorkerProcess, queue: ShardQueue, tmp_path: Path, eventually: Any
) -> None:
    marker = tmp_path / "hits"
    with armed(marker, "store.before_commit", "sleep:3") as environment:
        process = worker.start(**environment)
        process.wait_ready()
        enqueue(queue, "a")
        eventually(marker.exists)
        process.kill(signal.SIGTERM)
        eventually(lambda: worker.get("/readyz") == (503, '{"status":"stopping","checks":{}}'))

        assert worker.get("/livez")[0] == 200


@pytest.mark.parametrize("place", ["store.before_insert", "store.before_commit", "store.after_commit"])
def test_what_a_killed_worker_had_in_hand_is_stored_once(
    place: str,
    worker: WorkerProcess,
    queue: ShardQueue,
    valkey: Valkey,
    database_url: str,
    tmp_path: Path,
    eventually: Any,
) -> None:
    marker = tmp_path / "hits"
    enqueue(queue, "a", "b", "a")
    with armed(marker, place, "kill") as environment:
        process = worker.start(ready=False, **environment)
        eventually(lambda: not process.running)
    assert marker.read_text().startswith(place)

    worker.start().wait_ready()
    eventually(lambda: is_drained(valkey))

    assert stored(database_url) == ["a", "b"]
    assert rows(database_url, "SELECT stored, duplicates, dead FROM batch_outcomes") == [(2, 1, 0)]
    assert rows(database_url, "SELECT sum(events) FROM event_rollups WHERE width = 1") == [(2,)]


@pytest.mark.embedded
def test_it_waits_for_a_postgresql_that_is_away_and_no_event_dies_of_it(
    worker: WorkerProcess, queue: ShardQueue, valkey: Valkey, engines: Instance, database_url: str, eventually: Any
) -> None:
    worker.start().wait_ready()
    engines.postgres.stop()
    try:
        enqueue(queue, "a", "b")
        eventually(lambda: worker.get("/readyz")[0] == 503)
        eventually(lambda: read_stats(valkey).lanes[7 * 4 + 1].in_flight == 1)
        time.sleep(2)
        assert worker.process is not None
        assert worker.process.running
    finally:
        engines.postgres.start()
        engines.postgres.wait_ready()
    eventually(lambda: is_drained(valkey))

    assert stored(database_url) == ["a", "b"]
    assert rows(database_url, "SELECT count(*) FROM dead_letters") == [(0,)]
    eventually(lambda: worker.get("/readyz")[0] == 200)


@pytest.mark.embedded
def test_it_starts_before_its_postgresql(
    worker: WorkerProcess, queue: ShardQueue, valkey: Valkey, engines: Instance, database_url: str, eventually: Any
) -> None:
    enqueue(queue, "a")
    engines.postgres.stop()
    try:
        worker.start(ready=False).wait_ready()
    finally:
        engines.postgres.start()
        engines.postgres.wait_ready()
    eventually(lambda: is_drained(valkey))

    assert stored(database_url) == ["a"]


def test_it_refuses_a_queue_that_forgets(worker: WorkerProcess, redis_client: redis.Redis, eventually: Any) -> None:
    redis_client.config_set("appendfsync", "everysec")
    try:
        process = worker.start()
        eventually(lambda: not process.running)
    finally:
        redis_client.config_set("appendfsync", "always")

    assert worker.exit_status() == 2
    assert "appendfsync" in worker.log.read_text()


@pytest.mark.embedded
def test_it_refuses_more_bundles_than_postgresql_has_connections(
    worker: WorkerProcess, engines: Instance, database_url: str, eventually: Any
) -> None:
    name = rows(database_url, "SELECT current_database()")[0][0]
    with psycopg.connect(engines.postgres.url("postgres", superuser=True), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 8")

    process = worker.start("--concurrency", "7")
    eventually(lambda: not process.running)

    assert worker.exit_status() == 2
    assert "max_connections" in worker.log.read_text()


def test_a_replayed_letter_goes_through_the_queue_to_a_worker(
    worker: WorkerProcess,
    queue: ShardQueue,
    valkey: Valkey,
    database: Database,
    settings: Settings,
    database_url: str,
    eventually: Any,
) -> None:
    batch_id = enqueue(queue, "a", payload=r'{"x":"\u0000"}')
    worker.start().wait_ready()
    eventually(lambda: is_drained(valkey))
    assert rows(database_url, "SELECT batch_id, reason FROM dead_letters") == [(batch_id, "refused-by-store")]
    with database.begin() as connection:
        connection.exec_driver_sql('UPDATE dead_letters SET body = \'{"event_id":"a","type":"a"}\'::bytea')

    letters = DeadLetterQueue(database, task_queue(settings, database, valkey).replay)
    (letter,) = letters.page(Selection(), after=None, limit=10)
    assert letters.replay(letter.id)

    eventually(lambda: not letters.page(Selection(), after=None, limit=10))
    assert stored(database_url) == ["a"]
    assert rows(database_url, "SELECT stored, dead, revived FROM batch_outcomes") == [(1, 0, 1)]


def test_a_suspect_entry_is_stored_by_a_child(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("SLIPSTREAM_")]:
        monkeypatch.delenv(name)
    environ: dict[str, str] = {}
    hand_down(settings, environ)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    entry = Entry(
        shard=7, lane=Lane.NORMAL, id="1795341600250-0", task="store", owner="acme", events=1, codec="r", body=body("a")
    )

    verdict = Sacrifice("app.worker:suspects").run(msgspec.msgpack.encode(to_wire(entry)), lambda: False)

    assert verdict.ending is Ending.DONE
    assert stored(database_url) == ["a"]
