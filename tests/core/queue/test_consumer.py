from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from huey.api import chord, group
from huey.exceptions import ConfigurationError

from app.core.queue.consumer import BulkWork
from app.core.queue.counters import Outcome
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.keeper import Keeper
from app.core.queue.lanes import LANES
from app.core.queue.stats import read_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from app.core.queue.bundle import Policy
    from app.core.queue.consumer import StreamConsumer
    from app.core.queue.shard_queue import ShardQueue
    from app.core.queue.stream_huey import StreamHuey
    from app.core.valkey import Valkey
    from tests.core.queue.conftest import Accounts, Handler


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def bulk(valkey: Valkey, queue: ShardQueue, handler: Handler, policy: Policy) -> BulkWork:
    return BulkWork(client=valkey, queue=queue, task=handler, policy=policy)


@contextmanager
def running(huey: StreamHuey, **options: Any) -> Iterator[StreamConsumer]:
    consumer = huey.create_consumer(**options)
    consumer.start()
    try:
        yield consumer
    finally:
        consumer.stop(graceful=True)


def test_tasks_groups_chords_and_pipelines_run(huey: StreamHuey) -> None:
    @huey.task()
    def add(a: int, b: int) -> int:
        return a + b

    @huey.task()
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    with running(huey, workers=2):
        plain = add(1, 2)
        pipeline = huey.enqueue(add.s(1, 1).then(add, 3))
        grouped = huey.enqueue(group([add.s(i, i) for i in range(3)]))
        joined = huey.enqueue(chord([add.s(i, 1) for i in range(4)], total))
        delayed = add.schedule((20, 22), delay=0.1)

        assert plain.get(blocking=True, timeout=60) == 3
        assert pipeline.get(blocking=True, timeout=60) == [2, 5]
        assert grouped.get(blocking=True, timeout=60) == [0, 2, 4]
        assert joined.get(blocking=True, timeout=60) == 10
        assert delayed.get(blocking=True, timeout=60) == 42


def test_entries_of_every_shard_and_lane_are_stored_and_counted(
    huey: StreamHuey, bulk: BulkWork, queue: ShardQueue, handler: Handler, accounts: Accounts, valkey: Valkey
) -> None:
    batch_ids = {
        queue.enqueue(shard, lane, owner="acme", events=3, body=b"body") for shard in range(16) for lane in LANES
    }

    with running(huey, bulk=bulk, workers=0) as consumer:
        wait_until(lambda: sum(consumer.counters.entries().values()) == 64)
        assert consumer.leased == set(range(16))
        assert consumer.is_healthy()

    assert set(handler.done) == batch_ids
    assert sum(consumer.counters.events().values()) == 192
    assert {key[2] for key in consumer.counters.entries()} == {Outcome.PROCESSED}
    assert [accounts.traces(shard) for shard in range(16)] == [[]] * 16
    assert read_stats(valkey).leases == {}
    assert not consumer.is_healthy()


def test_stopping_finishes_what_is_in_hand(
    huey: StreamHuey, bulk: BulkWork, queue: ShardQueue, handler: Handler, accounts: Accounts
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold_up(_entries: object) -> None:
        inside.set()
        assert go_on.wait(60)

    handler.on_run = hold_up
    queue.enqueue(0, LANES[0], owner="acme", events=1, body=b"body")
    consumer = huey.create_consumer(bulk=bulk, workers=1)
    consumer.start()
    assert inside.wait(60)

    stopping = threading.Thread(target=consumer.stop, kwargs={"graceful": True})
    stopping.start()
    wait_until(consumer.stop_flag.is_set)
    go_on.set()
    stopping.join()

    assert len(handler.done) == 1
    assert accounts.traces() == []


def test_a_worker_that_stops_while_a_dependency_is_away_lets_its_task_go(huey: StreamHuey, policy: Policy) -> None:
    away_error, ran = policy.pause_on[0], threading.Event()

    @huey.task()
    def work() -> None:
        ran.set()
        raise away_error("the store is away")

    work()
    with running(huey, workers=1):
        assert ran.wait(60)

    delivery = huey.storage.stream._reclaim(
        [huey.storage.keys.redelivered, *huey.storage.keys.streams], ["workers", "heir", 60_000, 10**9]
    )
    assert delivery is not None, "whoever looks next takes it, without waiting for silence"


def test_a_task_whose_dependency_stays_away_does_not_keep_others_from_running(
    huey: StreamHuey, policy: Policy, redis_client: redis.Redis
) -> None:
    away_error, ran = policy.pause_on[0], threading.Event()

    @huey.task(retries=0)
    def stuck() -> None:
        raise away_error("the statement took too long")

    @huey.task()
    def other() -> None:
        ran.set()

    stuck()
    other()
    with running(huey, workers=1):
        assert ran.wait(60)
        ((waiting, _),) = redis_client.zrange("{tasks}:schedule", 0, -1, withscores=True)

    assert waiting.startswith(b"2,0,0:"), "that it waited is no attempt"
    assert len(DeadLetters(huey)) == 0


def test_slow_tasks_keep_no_urgent_one_waiting(huey: StreamHuey) -> None:
    ran, let_go = threading.Event(), threading.Event()

    @huey.task()
    def slow() -> None:
        assert let_go.wait(60)

    @huey.task(priority=1)
    def urgent() -> None:
        ran.set()

    for _ in range(5):
        slow()
    with running(huey, workers=2, reserved=True):
        wait_until(lambda: huey.pending_count() == 3)
        urgent()
        try:
            assert ran.wait(60)
            assert huey.pending_count() == 3, "the reserved thread takes none of the others"
        finally:
            let_go.set()
        wait_until(lambda: huey.pending_count() == 0)


def test_the_urgent_task_of_a_silent_worker_is_taken_over_while_all_others_are_busy(
    huey: StreamHuey, valkey: Valkey
) -> None:
    ran, let_go = threading.Event(), threading.Event()

    @huey.task()
    def slow() -> None:
        assert let_go.wait(60)

    @huey.task(priority=1)
    def urgent() -> None:
        ran.set()

    urgent()
    high = huey.storage.keys.streams[0]
    valkey.execute("XGROUP", "CREATE", high, "workers", "0")
    ((_, ((entry_id, _),)),) = valkey.execute("XREADGROUP", "GROUP", "workers", "dead", "STREAMS", high, ">")
    valkey.execute("XCLAIM", high, "workers", "dead", 0, entry_id, "IDLE", 10**8)
    slow()
    slow()
    with running(huey, workers=2, reserved=True):
        try:
            assert ran.wait(60)
        finally:
            let_go.set()


def test_a_reserved_thread_that_died_is_replaced_by_one(huey: StreamHuey) -> None:
    with running(huey, workers=2, reserved=True) as consumer:
        assert [worker.urgent for worker, _ in consumer.worker_threads] == [True, False, False]
        dead = threading.Thread(target=lambda: None)
        dead.start()
        dead.join()
        consumer.worker_threads[0] = (consumer.worker_threads[0][0], dead)

        assert not consumer.check_worker_health()

        assert [worker.urgent for worker, _ in consumer.worker_threads] == [True, False, False]


def test_a_dead_thread_is_replaced(huey: StreamHuey, bulk: BulkWork) -> None:
    with running(huey, bulk=bulk, workers=1) as consumer:
        dead = threading.Thread(target=lambda: None)
        dead.start()
        dead.join()
        consumer._shard_threads[0] = dead
        assert not consumer.is_healthy()

        assert not consumer.check_worker_health()

        assert consumer.is_healthy()
        assert consumer.check_worker_health()


def test_a_worker_is_recycled_after_so_many_tasks(huey: StreamHuey) -> None:
    @huey.task()
    def work() -> None: ...

    with running(huey, workers=1, max_tasks=2) as consumer:
        for _ in range(3):
            work()
        wait_until(lambda: huey.pending_count() == 1)
        wait_until(lambda: not consumer.is_healthy())

        consumer.check_worker_health()

        wait_until(lambda: huey.pending_count() == 0)


@pytest.mark.parametrize("worker_type", ["process", "greenlet"])
def test_only_threads_are_on_offer(huey: StreamHuey, worker_type: str) -> None:
    with pytest.raises(ConfigurationError, match="threads only"):
        huey.create_consumer(worker_type=worker_type)


def test_a_chore_that_fails_is_done_again_and_disturbs_no_other(huey: StreamHuey, caplog: Any) -> None:
    done = []

    def away() -> None:
        raise ConnectionError("valkey is away")

    flag = threading.Event()
    flag.set()
    keeper = Keeper(huey, flag, [(0.0, away), (0.0, lambda: done.append(1))], [away, lambda: done.append(2)])

    for _ in range(3):
        keeper.loop()
    keeper.shutdown()

    assert done == [1, 1, 1, 2]
    assert caplog.text.count("what keeps this worker's hold on its work fails") == 2
