from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.core.queue.client import RedisClient
from app.core.queue.delivery import Effects
from app.core.queue.keys import GROUP
from app.core.queue.storage import MOVE_AT_ONCE, StreamStorage
from app.core.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from app.core.queue.client import Client
    from app.core.queue.delivery import Delivery


REDIS_PY = pytest.param(RedisClient, marks=pytest.mark.one_server("it knows no clusters"))


@pytest.fixture(params=[Valkey, REDIS_PY], ids=["socket", "redis-py"])
def client(request: pytest.FixtureRequest, valkey_url: str) -> Client:
    client: Client = request.param(valkey_url, timeout_s=5.0)
    return client


@pytest.fixture
def hire(client: Client) -> Callable[..., StreamStorage]:
    """A storage of another worker process."""

    def make(worker: str = "me", reclaim_after_s: float = 60.0) -> StreamStorage:
        return StreamStorage(
            client=client, worker=worker, reclaim_after_s=reclaim_after_s, read_timeout_s=0.01, utc=True
        )

    return make


@pytest.fixture
def storage(hire: Callable[..., StreamStorage]) -> StreamStorage:
    return hire()


def settle(storage: StreamStorage, delivery: Delivery | None) -> bool:
    assert delivery is not None
    return storage.stream.settle(Effects(delivery))


def test_a_task_is_pending_until_it_is_settled(storage: StreamStorage, redis_client: redis.Redis) -> None:
    storage.enqueue(b"work")

    delivery = storage.stream.take()

    assert delivery is not None
    assert delivery.message == b"work"
    assert storage.queue_size() == 0
    assert redis_client.xpending("{tasks}:q", GROUP)["pending"] == 1
    assert (settle(storage, delivery), settle(storage, delivery)) == (True, False)
    assert (redis_client.xlen("{tasks}:q"), redis_client.xpending("{tasks}:q", GROUP)["pending"]) == (0, 0)


def test_dequeue_is_what_any_huey_expects_of_a_storage(storage: StreamStorage, redis_client: redis.Redis) -> None:
    storage.enqueue(b"work")

    assert storage.dequeue() == b"work"
    assert storage.dequeue() is None
    assert redis_client.xlen("{tasks}:q") == 0


def test_a_high_priority_goes_first_but_never_starves_the_rest(storage: StreamStorage) -> None:
    for number in range(30):
        storage.enqueue(b"normal %d" % number, priority=0 if number % 2 else None)
        storage.enqueue(b"high %d" % number, priority=number + 1)

    order = [storage.dequeue() for _ in range(60)]

    assert None not in order
    high = [message for message in order if message and message.startswith(b"high")]
    normal = [message for message in order if message and message.startswith(b"normal")]
    assert high == [b"high %d" % number for number in range(30)]
    assert normal == [b"normal %d" % number for number in range(30)]
    assert sum(message.startswith(b"high") for message in order[:27] if message) == 24


def test_what_both_streams_answer_at_once_is_kept_for_the_next_call(storage: StreamStorage) -> None:
    assert storage.dequeue() is None
    storage.enqueue(b"normal")
    storage.enqueue(b"high", priority=1)

    both = [storage.stream._wait(urgent=False), storage.stream._from_surplus(urgent=False)]

    assert [delivery.message for delivery in both if delivery] == [b"high", b"normal"]


def test_waiting_tasks_are_listed_in_the_order_in_which_they_will_be_taken(storage: StreamStorage) -> None:
    for number in range(5):
        storage.enqueue(b"normal %d" % number)
    storage.enqueue(b"high", priority=1)
    storage.stream.take()
    assert storage.enqueued_items(limit=3) == [b"normal 0", b"normal 1", b"normal 2"]
    assert len(storage.enqueued_items()) == 5


class TestSchedule:
    def test_what_is_due_moves_to_its_stream_and_never_to_the_caller(self, storage: StreamStorage) -> None:
        now = datetime(2026, 11, 22, 7, 30)  # noqa: DTZ001 (Huey's times are naive)
        storage.add_to_schedule(b"due", now)
        storage.add_to_schedule(b"due and urgent", now - timedelta(hours=1), priority=3)
        storage.add_to_schedule(b"later", now + timedelta(milliseconds=1))

        assert storage.read_schedule(now) == []
        assert storage.scheduled_items() == [b"later"]
        assert storage.enqueued_items() == [b"due and urgent", b"due"]

    def test_one_script_moves_a_bounded_number(self, storage: StreamStorage) -> None:
        for number in range(MOVE_AT_ONCE + 5):
            storage.add_to_schedule(b"%d" % number, datetime(2020, 1, 1))  # noqa: DTZ001

        assert [storage.move_due() for _ in range(3)] == [MOVE_AT_ONCE, 5, 0]
        assert storage.queue_size() == MOVE_AT_ONCE + 5

    def test_bytes_of_a_message_may_be_anything(self, storage: StreamStorage) -> None:
        message = bytes(range(256)) * 2 + b":::\r\n"
        storage.add_to_schedule(message, datetime(2020, 1, 1))  # noqa: DTZ001

        assert storage.scheduled_items() == [message]
        storage.move_due()
        assert storage.dequeue() == message

    def test_times_are_utc_or_local_as_huey_s_are(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        moment = datetime(2026, 7, 1, 12, 0, 0, 250_000, tzinfo=UTC)
        expected = round(moment.timestamp() * 1000)
        utc, local = StreamStorage(client=client, utc=True), StreamStorage(client=client, utc=False)

        assert utc.to_ms(moment.replace(tzinfo=None)) == expected
        assert local.to_ms(moment.astimezone().replace(tzinfo=None)) == expected
        assert utc.to_ms(moment) == local.to_ms(moment) == expected

    def test_valkey_s_clock_decides_what_is_due(self, storage: StreamStorage) -> None:
        now = datetime.fromtimestamp(storage.now_ms() / 1000, UTC)
        storage.add_to_schedule(b"due", now)
        storage.add_to_schedule(b"later", now + timedelta(hours=1))

        assert storage.move_due() == 1


class TestSilentWorkers:
    def test_a_silent_worker_s_task_is_taken_over_and_counted(self, hire: Callable[..., StreamStorage]) -> None:
        silent = hire("silent")
        silent.enqueue(b"work", priority=1)
        silent.stream.take()

        seen = []
        for heir in ("second", "third"):
            taken = hire(heir, reclaim_after_s=0.0).stream.take()
            assert taken is not None
            seen.append((taken.message, taken.redeliveries))

        assert seen == [(b"work", 1), (b"work", 2)]

    def test_a_worker_that_says_it_is_at_it_keeps_its_task(
        self, hire: Callable[..., StreamStorage], redis_client: redis.Redis
    ) -> None:
        busy, other = hire("busy"), hire("other")
        busy.enqueue(b"work")
        taken = busy.stream.take()
        assert taken is not None
        redis_client.xclaim("{tasks}:q", GROUP, "busy", 0, [taken.id], idle=3_600_000, justid=True)

        busy.stream.heartbeat()

        assert other.stream.take() is None

    def test_the_first_to_settle_decides(self, hire: Callable[..., StreamStorage]) -> None:
        zombie, heir = hire("zombie"), hire("heir", reclaim_after_s=0.0)
        zombie.enqueue(b"work")
        in_zombie_s_hand, in_heir_s_hand = zombie.stream.take(), heir.stream.take()

        assert (settle(heir, in_heir_s_hand), settle(zombie, in_zombie_s_hand)) == (True, False)

    def test_a_heartbeat_does_not_take_back_what_was_taken_over(
        self, hire: Callable[..., StreamStorage], redis_client: redis.Redis
    ) -> None:
        zombie, heir = hire("zombie"), hire("heir", reclaim_after_s=0.0)
        zombie.enqueue(b"work")
        zombie.stream.take()
        heir.stream.take()

        zombie.stream.heartbeat()

        (pending,) = redis_client.xpending_range("{tasks}:q", GROUP, "-", "+", 10)
        assert pending["consumer"] == b"heir"

    def test_what_is_let_go_is_taken_at_once(self, hire: Callable[..., StreamStorage]) -> None:
        leaver, heir = hire("leaver"), hire("heir")
        leaver.enqueue(b"work")
        taken = leaver.stream.take()
        assert taken is not None

        leaver.stream.let_go([taken])

        heir_s = heir.stream.take()
        assert heir_s is not None
        assert heir_s.message == b"work"

    def test_one_stale_task_is_found_behind_many_fresh_ones(
        self, hire: Callable[..., StreamStorage], redis_client: redis.Redis
    ) -> None:
        busy, heir = hire("busy"), hire("heir")
        for number in range(60):
            busy.enqueue(b"%d" % number)
        taken = [delivery for _ in range(60) if (delivery := busy.stream.take())]
        busy.stream.let_go([taken[55]])

        stale = heir.stream.take()

        assert stale is not None
        assert stale.message == b"55"
        assert heir.stream.take() is None

    def test_a_consumer_that_left_nothing_is_forgotten(
        self, hire: Callable[..., StreamStorage], redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.core.queue.task_stream._FORGET_CONSUMER_S", -1.0)
        dead, holding, me = hire("dead"), hire("holding"), hire("me", reclaim_after_s=60)
        dead.enqueue(b"done")
        dead.dequeue()
        holding.enqueue(b"held")
        holding.stream.take()

        me.stream.take()

        assert {consumer["name"] for consumer in redis_client.xinfo_consumers("{tasks}:q", GROUP)} == {
            b"holding",
            b"me",
        }


class TestNotUnderstood:
    def test_it_stays_for_a_newer_worker(self, hire: Callable[..., StreamStorage], redis_client: redis.Redis) -> None:
        old, new = hire("old"), hire("new", reclaim_after_s=0.0)
        old.enqueue(b"from the future")
        taken = old.stream.take()
        assert taken is not None

        assert not old.stream.postpone_unknown(taken, "unknown task", grace_s=3_600)

        assert settle(new, new.stream.take())
        assert redis_client.exists("{tasks}:unknown", "{tasks}:redelivered", "{tasks}:dead") == 0

    def test_it_is_a_dead_letter_when_nobody_has_understood_it_in_time(
        self, storage: StreamStorage, redis_client: redis.Redis
    ) -> None:
        storage.enqueue(b"from the future")
        taken = storage.stream.take()
        assert taken is not None

        assert storage.stream.postpone_unknown(taken, "unknown task", grace_s=0)

        ((_, letter),) = redis_client.xrange("{tasks}:dead")
        assert (letter[b"m"], letter[b"reason"]) == (b"from the future", b"unknown task")
        assert redis_client.xlen("{tasks}:q") == 0


class TestData:
    def test_a_value_with_a_time_to_live_expires(self, storage: StreamStorage, redis_client: redis.Redis) -> None:
        assert storage.put_if_empty("lock", b"1", ttl=30)
        assert not storage.put_if_empty("lock", b"2", ttl=30)
        storage.put_data("result", b"3", is_result=True)
        storage.put_data("revocation", b"4")

        lives = redis_client.httl("{tasks}:data", "lock", "result", "revocation")

        assert [0 < lives[0] <= 30, 30 < lives[1] <= 86_400, lives[2]] == [True, True, -1]


def test_a_flushed_queue_can_be_used_at_once(storage: StreamStorage) -> None:
    storage.enqueue(b"old")
    storage.stream.take()
    storage.flush_all()
    assert storage.stream._wait(urgent=False) is None

    storage.enqueue(b"new")

    assert storage.dequeue() == b"new"


def test_every_key_has_the_tag_of_the_queue(storage: StreamStorage, redis_client: redis.Redis) -> None:
    storage.enqueue(b"1")
    storage.enqueue(b"2", priority=1)
    storage.stream.take()
    storage.add_to_schedule(b"3", datetime(2030, 1, 1))  # noqa: DTZ001
    storage.put_data("key", b"value")
    storage.incr("counter")
    storage.join("chord", 0, 2, b"result")
    storage.tick("task", 1, b"message")

    assert {key.split(b":")[0] for key in redis_client.keys("*")} == {b"{tasks}"}
