"""The queue as metrics: what is there when somebody asks, and nothing old when it cannot be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from app.core.metrics.queue_collector import QueueCollector, WorkCollector
from app.core.queue.counters import Counters
from app.core.queue.stats import read_stats
from app.core.valkey import Valkey

if TYPE_CHECKING:
    import redis


def scrape(valkey: Valkey) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(QueueCollector(lambda: read_stats(valkey)))
    return registry


def test_every_lane_of_every_shard_has_its_depth_and_age(valkey: Valkey, redis_client: redis.Redis) -> None:
    redis_client.xadd("{s03}:q:low", {"v": 1, "t": "store", "n": 5}, id="1-0")

    registry = scrape(valkey)

    here = {"shard": "3", "lane": "low"}
    assert registry.get_sample_value("slipstream_queue_up") == 1
    assert registry.get_sample_value("slipstream_queue_entries", here) == 1
    assert (registry.get_sample_value("slipstream_queue_oldest_age_seconds", here) or 0) > 1_000_000
    assert registry.get_sample_value("slipstream_queue_unleased_shards") == 16
    assert registry.get_sample_value("slipstream_workers_alive") == 0
    entries = [metric for metric in registry.collect() if metric.name == "slipstream_queue_entries"]
    assert len(entries[0].samples) == 64


def test_a_queue_that_is_away_has_no_depth(valkey: Valkey) -> None:
    registry = scrape(Valkey("redis://127.0.0.1:1"))

    assert [metric.name for metric in registry.collect()] == ["slipstream_queue_up"]
    assert registry.get_sample_value("slipstream_queue_up") == 0


def test_registering_asks_nobody() -> None:
    def read() -> None:
        raise AssertionError

    CollectorRegistry(auto_describe=True).register(QueueCollector(read))  # type: ignore[arg-type]  # It is not called.


def test_a_worker_tells_what_it_has_done() -> None:
    counters = Counters()
    counters._entries[3, "low", "retried"] = 2  # type: ignore[index]  # The outcome's value.
    counters._events[3, "low", "retried"] = 20  # type: ignore[index]  # The outcome's value.
    registry = CollectorRegistry()
    registry.register(WorkCollector(lambda: counters))

    labels = {"shard": "3", "lane": "low", "outcome": "retried"}
    assert registry.get_sample_value("slipstream_work_entries_total", labels) == 2
    assert registry.get_sample_value("slipstream_work_events_total", labels) == 20
