"""A worker that freezes for longer than its lease: the others take over what it held while it still sleeps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from app.cli.chaos.nuisance_store import dead_of
from app.cli.chaos.scene import StrikeError, check_noticed, wait_for
from app.core.queue.keys import lease
from app.domain.shards import SHARDS
from app.freeze import frozen
from app.platform import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.cli.chaos.scene import Scene

FIRST_S = 1.0
"""What is accepted so soon after the freeze waits for the frozen worker's lease to end, all of it."""
HARDLY_LATER_S = 3.0
LOOK_EVERY_S = 0.25
TAKEN_OVER_S = 30.0
"""The promise: service resumes within this time, here with the fault still there."""


@dataclass(frozen=True, slots=True)
class FrozenWorker:
    """SIGSTOP of a worker for longer than its lease: another one takes over, and what it does when it thaws changes nothing."""

    seconds: float

    @property
    def about(self) -> str:
        return f"SIGSTOP of a worker for {self.seconds:g} s, longer than its lease"

    def strike(self, scene: Scene) -> int:
        held = _held(scene)
        pid = scene.random.choice(sorted(held))
        with frozen(pid):
            since = time.monotonic()
            batch_ids = _accepted(scene, since, held[pid])
            _wait_stored(scene, batch_ids)
            time.sleep(max(0.0, since + self.seconds - time.monotonic()))
        check_noticed(scene.load, since)
        return 0


def _held(scene: Scene) -> Mapping[int, set[int]]:
    """Return the shards of each worker that has been sent something, once every worker holds some."""
    workers = [process.pid or 0 for process in scene.platform.processes(Role.WORKER)]
    wait_for(lambda: set(_leases(scene).values()) >= set(workers), "Not every worker came to hold shards.")
    leases, sent_to = _leases(scene), {_shard(one) for one in scene.load.acknowledged_batches()}
    held: dict[int, set[int]] = {}
    for shard, pid in leases.items():
        if shard in sent_to and pid in workers:
            held.setdefault(pid, set()).add(shard)
    if not held:
        raise StrikeError("No worker holds a shard that anything was sent to.")
    return held


def _leases(scene: Scene) -> dict[int, int]:
    """The process that holds each shard; a worker's name is `host:pid:…`."""
    with redis.Redis.from_url(scene.platform.instance.redis_url) as client:
        holders = client.mget([lease(shard) for shard in range(SHARDS)])
    return {shard: int(holder.split(b":")[1]) for shard, holder in enumerate(holders) if holder}


def _accepted(scene: Scene, since: float, theirs: set[int]) -> list[str]:
    """What was accepted in the first second of the freeze, or until some of it is for a shard of the frozen worker."""

    def accepted() -> list[str]:
        return [one.batch_id for one in scene.load.acknowledged_since(since)]

    time.sleep(FIRST_S)
    wait_for(
        lambda: any(_shard(batch_id) in theirs for batch_id in accepted()),
        "Nothing came for the worker that was frozen.",
        timeout_s=HARDLY_LATER_S,
    )
    return accepted()


def _wait_stored(scene: Scene, batch_ids: list[str]) -> None:
    database_url = scene.platform.instance.database_url
    wait_for(
        lambda: len(dead_of(database_url, batch_ids)) == len(batch_ids),
        f"Nobody took over from the frozen worker in {TAKEN_OVER_S:g} s.",
        timeout_s=TAKEN_OVER_S,
        every_s=LOOK_EVERY_S,
    )


def _shard(batch_id: str) -> int:
    """A batch's id begins with two digits of its shard."""
    return int(batch_id[:2])
