from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.queue.keys import WORKERS, lane_stream
from app.core.queue.lanes import Lane
from app.core.queue.stats import LaneStats, TaskStats, read_stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.queue.shard_queue import ShardQueue
    from app.core.queue.stream_huey import StreamHuey
    from app.core.valkey import Valkey


def test_an_empty_server_has_an_empty_queue(valkey: Valkey) -> None:
    stats = read_stats(valkey)

    assert len(stats.lanes) == 64
    assert {(lane.entries, lane.bytes, lane.events, lane.in_flight, lane.oldest_age_ms) for lane in stats.lanes} == {
        (0, 0, 0, 0, 0)
    }
    assert (stats.leases, stats.unleased, stats.postponed) == ({}, tuple(range(16)), 0)
    assert stats.tasks == TaskStats(waiting=0, in_flight=0, scheduled=0, dead=0, oldest_age_ms=0)


def test_depth_age_and_flight_are_told_per_shard_and_lane(
    valkey: Valkey, queue: ShardQueue, hold: Callable[..., None]
) -> None:
    hold(shard=3)
    for _ in range(3):
        queue.enqueue(3, Lane.LOW, owner="acme", events=10, body=b"12345")
    queue.take(3, "me")
    queue.enqueue(3, Lane.LOW, owner="acme", events=10, body=b"12345")
    queue.enqueue(4, Lane.HIGH, owner="acme", events=1, body=b"1")

    stats = read_stats(valkey)

    found = {(lane.shard, lane.lane): lane for lane in stats.lanes if lane.entries}
    assert set(found) == {(3, Lane.LOW), (4, Lane.HIGH)}
    low = found[3, Lane.LOW]
    age = low.oldest_age_ms
    assert low == LaneStats(3, Lane.LOW, entries=4, bytes=20, events=40, in_flight=3, oldest_age_ms=age)


def test_the_age_is_that_of_the_oldest_entry_by_valkey_s_clock(valkey: Valkey) -> None:
    seconds, _ = valkey.execute("TIME")
    ten_minutes_ago = (int(seconds) - 600) * 1000
    valkey.execute("XADD", lane_stream(0, Lane.HIGH), f"{ten_minutes_ago}-0", "v", "1")

    stats = read_stats(valkey)

    assert 600_000 <= max(lane.oldest_age_ms for lane in stats.lanes) < 660_000


def test_living_workers_are_told_with_their_leases(valkey: Valkey, hold: Callable[..., None]) -> None:
    seconds, _ = valkey.execute("TIME")
    soon = (int(seconds) + 60) * 1_000
    valkey.execute("ZADD", WORKERS, soon, "busy", soon, "idle")
    hold("busy", 0)
    hold("busy", 9)
    hold("just started", 4)

    stats = read_stats(valkey)

    assert stats.leases == {"busy": (0, 9), "idle": (), "just started": (4,)}
    assert len(stats.unleased) == 13


def test_the_last_worker_to_die_is_not_alive_for_ever(valkey: Valkey) -> None:
    seconds, _ = valkey.execute("TIME")
    valkey.execute("ZADD", WORKERS, int(seconds) * 1_000 - 1, "silent for too long")

    assert read_stats(valkey).leases == {}


def test_entries_that_wait_for_another_try_are_counted(
    valkey: Valkey, queue: ShardQueue, hold: Callable[..., None], add: Callable[..., str]
) -> None:
    hold()
    add()
    (entry,) = queue.take(0, "me").entries
    queue.postpone(entry, "me", delay_s=60, attempts=1)

    assert read_stats(valkey).postponed == 1


def test_the_task_queue_is_told(valkey: Valkey, huey: StreamHuey) -> None:
    @huey.task()
    def work() -> None:
        raise ValueError("no")

    work()
    huey.execute(huey.dequeue())
    work()
    huey.dequeue()
    work()
    work(priority=1)
    work.schedule(delay=600)
    task = huey.dequeue()
    assert task.priority == 1
    huey.storage.add_to_schedule(b"later", huey._get_timestamp())

    tasks = read_stats(valkey).tasks

    assert (tasks.waiting, tasks.in_flight, tasks.scheduled, tasks.dead) == (2, 2, 1, 1)


def test_reading_changes_nothing(valkey: Valkey, queue: ShardQueue, add: Callable[..., str]) -> None:
    add()
    before = [server.execute("DBSIZE") for server in valkey.servers()]

    read_stats(valkey)

    assert [server.execute("DBSIZE") for server in valkey.servers()] == before
