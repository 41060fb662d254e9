"""The name of every key that the queue has in Valkey.

All keys of a shard carry its hash tag, and all keys of the task queue carry another, so that every script
touches one slot and runs unchanged on a cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.queue.lanes import LANES

if TYPE_CHECKING:
    from app.core.queue.lanes import Lane

SHARDS = 16
GROUP = "workers"
"""The consumer group of every stream."""

WORKERS = "{workers}:alive"
"""Sorted set: worker → Valkey time (ms) at which its registration ends."""


def shard_tag(shard: int) -> str:
    """Return the hash tag of a shard, `{s00}` to `{s15}`."""
    return f"{{s{shard:02d}}}"


def lane_stream(shard: int, lane: Lane) -> str:
    """Stream: the entries of one lane."""
    return f"{shard_tag(shard)}:q:{lane}"


def lease(shard: int) -> str:
    """String with an expiry: the worker that may take from the shard."""
    return f"{shard_tag(shard)}:lease"


def load(shard: int) -> str:
    """Hash: entries, bytes and events not yet settled, in total and per lane (`LOAD_FIELDS`, `lane_load`)."""
    return f"{shard_tag(shard)}:load"


def inflight(shard: int) -> str:
    """Hash: owner → events not yet settled."""
    return f"{shard_tag(shard)}:inflight"


def attempts(shard: int) -> str:
    """Hash: what is known of redelivered entries, `<kind>:<lane letter><id>`.

    Kinds: `a` attempts charged, `r` redeliveries, `e` reason of the last failure, `u` when (ms) a worker first did
    not understand it.
    """
    return f"{shard_tag(shard)}:attempts"


def schedule(shard: int) -> str:
    """Sorted set: `<lane letter><id>` of a pending entry → Valkey time (ms) before which it is not taken again."""
    return f"{shard_tag(shard)}:schedule"


LOAD_FIELDS = ("entries", "bytes", "events")


def lane_load(lane: Lane) -> tuple[str, ...]:
    """Return the lane's fields in the hash `load`: `high:entries`, `high:bytes`, `high:events`."""
    return tuple(f"{lane}:{name}" for name in LOAD_FIELDS)


class ShardKeys:
    """Every key of one shard, built once."""

    __slots__ = ("attempts", "inflight", "lease", "load", "schedule", "shard", "streams")

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.lease = lease(shard)
        self.schedule = schedule(shard)
        self.attempts = attempts(shard)
        self.load = load(shard)
        self.inflight = inflight(shard)
        self.streams = tuple(lane_stream(shard, lane) for lane in LANES)


class TaskKeys:
    """Every key of a task queue; *name* is its hash tag."""

    def __init__(self, name: str = "tasks") -> None:
        tag = f"{{{name}}}"
        self.high = f"{tag}:q:high"
        """Stream: entries with a priority above zero."""
        self.normal = f"{tag}:q"
        """Stream: all other entries."""
        self.schedule = f"{tag}:schedule"
        """Sorted set: `<priority>,<attempts>,<redeliveries>:<message>` → due time in ms."""
        self.data = f"{tag}:data"
        """Hash: results, locks and revocations; a field may expire."""
        self.counters = f"{tag}:counters"
        """Hash: counters of rate limits."""
        self.chords = f"{tag}:chords"
        """Hash: results of the members of chords that still wait."""
        self.ticks = f"{tag}:ticks"
        """Hash: periodic task → the last minute for which it was enqueued."""
        self.redelivered = f"{tag}:redelivered"
        """Hash: entry id → how often it was reclaimed from a worker that went silent."""
        self.unknown = f"{tag}:unknown"
        """Hash: entry id → when (ms) a worker first did not understand it."""
        self.dead = f"{tag}:dead"
        """Stream: dead letters."""

    @property
    def streams(self) -> tuple[str, str]:
        return (self.high, self.normal)
