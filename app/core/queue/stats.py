"""The queue as it is at this moment, for a collector that asks at scrape time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.queue.keys import GROUP, SHARDS, WORKERS, ShardKeys, TaskKeys, lane_load
from app.core.queue.lanes import LANES
from app.core.queue.scripts import source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.queue.client import Client
    from app.core.queue.lanes import Lane


@dataclass(frozen=True, slots=True)
class LaneStats:
    """One lane of one shard."""

    shard: int
    lane: Lane
    entries: int
    """Not yet settled: waiting and in flight."""
    bytes: int
    events: int
    in_flight: int
    """Entries that a worker holds, or that wait for another try."""
    oldest_age_ms: int
    """Age of the oldest entry not yet settled; 0 when there is none."""


@dataclass(frozen=True, slots=True)
class TaskStats:
    """The task queue."""

    waiting: int
    in_flight: int
    scheduled: int
    dead: int
    oldest_age_ms: int


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Everything, read within a few milliseconds but not in one instant."""

    lanes: tuple[LaneStats, ...]
    leases: Mapping[str, tuple[int, ...]]
    """Living worker → the shards it leases, possibly none."""
    unleased: tuple[int, ...]
    """Shards that nobody leases."""
    postponed: int
    """Entries that wait for another try."""
    tasks: TaskStats


def read_stats(client: Client, *, shards: int = SHARDS, tasks: str = "tasks") -> QueueStats:
    """Read the state of every shard and of the task queue; raises what the client raises."""
    leases: dict[str, list[int]] = {}
    lanes: list[LaneStats] = []
    unleased: list[int] = []
    now = postponed = 0
    describe = client.script(source("shard_stats"))
    for shard in range(shards):
        keys = ShardKeys(shard)
        now, holder, again, load, streams = describe([keys.lease, keys.schedule, keys.load, *keys.streams], [GROUP])
        postponed += again
        if holder is None:
            unleased.append(shard)
        else:
            leases.setdefault(holder.decode(), []).append(shard)
        lanes += _lanes(shard, now, _hash(load), streams)
    # Whoever has not said for too long that he lives is forgotten by the next who says so; without any, nobody forgets him.
    for worker in client.execute("ZRANGE", WORKERS, f"({now}", "+inf", "BYSCORE"):
        leases.setdefault(worker.decode(), [])
    return QueueStats(
        lanes=tuple(lanes),
        leases={worker: tuple(held) for worker, held in leases.items()},
        unleased=tuple(unleased),
        postponed=postponed,
        tasks=_tasks(client, TaskKeys(tasks)),
    )


def _lanes(shard: int, now: int, load: Mapping[str, int], streams: Sequence[tuple[int, int, bytes]]) -> list[LaneStats]:
    found = []
    for lane, (length, pending, oldest) in zip(LANES, streams, strict=True):
        _, size, events = lane_load(lane)
        found.append(
            LaneStats(
                shard=shard,
                lane=lane,
                entries=length,
                bytes=load.get(size, 0),
                events=load.get(events, 0),
                in_flight=pending,
                oldest_age_ms=0 if oldest is None else max(0, now - int(oldest)),
            )
        )
    return found


def _tasks(client: Client, keys: TaskKeys) -> TaskStats:
    sizes = client.script(source("task_sizes"))
    all_keys = [keys.schedule, keys.dead, *keys.streams]
    now, waiting, in_flight, scheduled, dead, oldest = sizes(all_keys, [GROUP])
    age = 0 if oldest is None else max(0, now - int(oldest))
    return TaskStats(waiting=waiting, in_flight=in_flight, scheduled=scheduled, dead=dead, oldest_age_ms=age)


def _hash(reply: Sequence[bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}
