"""Every script touches the keys of one hash tag only, so that all of it runs on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from huey.api import chord

from app.core.queue.consumer import BulkWork
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.lanes import LANES
from app.core.queue.shard_queue import ShardQueue
from app.core.queue.stats import read_stats
from app.core.queue.stream_huey import StreamHuey
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.queue.bundle import Policy
    from tests.cluster import Cluster
    from tests.core.queue.conftest import Handler

    Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def valkey(cluster: Cluster) -> Iterator[Valkey]:
    valkey = Valkey(cluster.url, timeout_s=5.0)
    yield valkey
    valkey.forget()


def test_entries_go_their_whole_way_on_a_cluster(
    valkey: Valkey, handler: Handler, policy: Policy, eventually: Eventually
) -> None:
    queue, huey = ShardQueue(valkey), StreamHuey(client=valkey, read_timeout_s=0.01)
    good = {queue.enqueue(shard, lane, owner="acme", events=1, body=b"good") for shard in range(16) for lane in LANES}
    bad = queue.enqueue(3, LANES[0], owner="acme", events=1, body=b"fail")
    away = queue.enqueue(4, LANES[0], owner="acme", events=1, body=b"away")
    handler.outages = 1
    bulk = BulkWork(client=valkey, queue=queue, task=handler, policy=policy)
    consumer = huey.create_consumer(bulk=bulk, workers=0)

    consumer.start()
    eventually(lambda: sum(lane.entries for lane in read_stats(valkey).lanes) == 0)
    consumer.stop(graceful=True)

    assert set(handler.done) == good | {away}
    assert [batch_id for batch_id, _, _ in handler.buried] == [bad]
    assert read_stats(valkey).leases == {}


def test_tasks_go_their_whole_way_on_a_cluster(valkey: Valkey, eventually: Eventually) -> None:
    huey = StreamHuey(client=valkey, retries=1, backoff=None, read_timeout_s=0.01, unknown_grace_s=0.0)

    @huey.task()
    def add(a: int, b: int) -> int:
        return a + b

    @huey.task()
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @huey.task()
    def fail() -> None:
        raise ValueError("no")

    huey.storage.tick("somebody's", 0, b"\x02 not understood")
    delayed = add.schedule((20, 22), delay=0.05)
    fail(priority=1)
    joined = huey.enqueue(chord([add.s(i, 1) for i in range(4)], total))
    consumer = huey.create_consumer(workers=2)
    consumer.start()
    huey.storage.stream.heartbeat()

    assert joined.get(blocking=True, timeout=60) == 10
    assert delayed.get(blocking=True, timeout=60) == 42
    letters = DeadLetters(huey)
    eventually(lambda: len(letters) == 2)
    consumer.stop(graceful=True)
    assert letters.replay_all() == 2
    assert huey.pending_count() == 2
