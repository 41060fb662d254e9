"""One look a second at everything that may press on the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from app.core import keyspace
from app.core.errors import DependencyUnavailableError
from app.core.metrics.limit_metrics import LimitMetrics
from app.core.queue.keys import ShardKeys
from app.core.queue.lanes import Lane
from app.core.queue.shard_queue import ShardQueue
from app.core.valkey import Valkey
from ingestion.admission.overload import Overload
from ingestion.admission.scripts import Scripts
from tests.ingestion.admission.conftest import memory_limited

if TYPE_CHECKING:
    import redis

    from tests.ingestion.admission.turnable import Clock

HOUR_S = 3_600


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def overload(valkey: Valkey, registry: CollectorRegistry) -> Overload:
    return make_overload(valkey, registry)


def make_overload(valkey: Valkey, registry: CollectorRegistry) -> Overload:
    return Overload(
        valkey,
        Scripts(valkey),
        queue_max_bytes=1_000_000,
        queue_max_age_s=HOUR_S,
        metrics=LimitMetrics(registry),
        draw=lambda: 0.5,
    )


def wait(client: redis.Redis, size: int, shards: int = 16) -> None:
    """Let bodies wait, evenly in some shards."""
    for shard in range(shards):
        client.hset(ShardKeys(shard).load, "bytes", size // shards)


def looked(overload: Overload, seconds: int = 1) -> tuple[Lane, ...]:
    for second in range(seconds):
        overload.look(second)
    return overload.refused_lanes()


def test_nobody_is_refused_without_need(overload: Overload, redis_client: redis.Redis) -> None:
    assert overload.refused_lanes() == ()
    wait(redis_client, 690_000)
    assert looked(overload) == ()


def test_bytes_of_all_shards_count_together(
    overload: Overload, redis_client: redis.Redis, registry: CollectorRegistry
) -> None:
    wait(redis_client, 800_000)

    assert looked(overload) == (Lane.LOW,)
    assert registry.get_sample_value("slipstream_overload_pressure") == pytest.approx(0.8)
    assert registry.get_sample_value("slipstream_overload_severity") == pytest.approx(1)


def test_a_queue_that_is_nearly_full_refuses_all(overload: Overload, redis_client: redis.Redis) -> None:
    wait(redis_client, 970_000)

    assert [looked(overload) for _ in range(3)][-1] == (Lane.LOW,)
    assert looked(overload, 5) == (Lane.LOW, Lane.NORMAL, Lane.HIGH)


def test_the_oldest_entry_counts_by_its_age(valkey: Valkey, registry: CollectorRegistry) -> None:
    queue = ShardQueue(valkey)
    batch_id = queue.enqueue(3, Lane.LOW, task="store", owner="acme", events=1, codec="r", body=b"{}")
    came_ms = int(batch_id.split("-")[1])
    clock = f"local function clock() return {came_ms + round(0.8 * HOUR_S * 1_000)} end"
    overload = Overload(
        valkey,
        Scripts(valkey, clock=clock),
        queue_max_bytes=1_000_000,
        queue_max_age_s=HOUR_S,
        metrics=LimitMetrics(registry),
        draw=lambda: 0.5,
    )

    assert looked(overload) == (Lane.LOW,)
    assert registry.get_sample_value("slipstream_overload_pressure") == pytest.approx(0.8)


def test_the_memory_of_valkey_counts(overload: Overload, valkey: Valkey, redis_client: redis.Redis) -> None:
    told = b"".join(server.execute("INFO", "memory") for server in valkey.servers())
    used = max(int(line.partition(b":")[2]) for line in told.splitlines() if line.startswith(b"used_memory:"))
    with memory_limited(redis_client, round(used / 0.85)):
        assert looked(overload, 3) != ()


def test_a_request_is_refused_by_its_draw(valkey: Valkey, redis_client: redis.Redis) -> None:
    wait(redis_client, 740_000)  # 40 % of the lowest lane.
    draws = [0.39, 0.41]
    overload = Overload(
        valkey,
        Scripts(valkey),
        queue_max_bytes=1_000_000,
        queue_max_age_s=HOUR_S,
        metrics=LimitMetrics(CollectorRegistry()),
        draw=lambda: draws.pop(0),
    )
    overload.look(0)

    assert [overload.refused_lanes(), overload.refused_lanes()] == [(Lane.LOW,), ()]


def test_after_the_pressure_everybody_comes_in_again_little_by_little(
    overload: Overload, redis_client: redis.Redis
) -> None:
    wait(redis_client, 970_000)
    for second in range(3):
        overload.look(second)
    wait(redis_client, 0)

    seen = []
    for second in range(3, 40):
        overload.look(second)
        seen.append(overload.refused_lanes())

    assert seen[0] == (Lane.LOW, Lane.NORMAL, Lane.HIGH)
    assert [len(refused) for refused in seen] == sorted((len(refused) for refused in seen), reverse=True)
    assert seen[-1] == ()


def test_it_tells_which_journals_hold_something(overload: Overload, redis_client: redis.Redis) -> None:
    redis_client.xadd(keyspace.journal(4), {"kind": "circuit"})

    assert overload.look(0) == {4}


def test_without_valkey_what_was_seen_before_stays(
    overload: Overload, redis_client: redis.Redis, clock: Clock, registry: CollectorRegistry
) -> None:
    wait(redis_client, 800_000)
    overload.look(0)
    overload._valkey = Valkey("redis://127.0.0.1:1")
    overload._script = Scripts(overload._valkey).make("overload")

    with pytest.raises(DependencyUnavailableError):
        overload.look(1)

    assert overload.refused_lanes() == (Lane.LOW,)
