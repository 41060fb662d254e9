"""When a task is acknowledged, and when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from huey import signals as huey_signals
from huey.exceptions import TaskException

from app.core.queue.backoff import Backoff
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.keys import GROUP
from app.core.queue.stream_huey import StreamHuey
from app.core.queue.task_errors import DependencyAwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from app.core.valkey import Valkey


def pending(redis_client: redis.Redis) -> int:
    """Tasks that a worker has in hand or has left behind."""
    return int(redis_client.xpending("{tasks}:q", GROUP)["pending"])


def test_a_task_is_acknowledged_after_it_has_run(
    huey: StreamHuey, execute_next: Callable[[], Any], redis_client: redis.Redis
) -> None:
    seen = []

    @huey.task()
    def work() -> str:
        seen.append(pending(redis_client))
        return "done"

    result = work()
    execute_next()

    assert seen == [1]
    assert (pending(redis_client), redis_client.xlen("{tasks}:q")) == (0, 0)
    assert result() == "done"


class TestNeverAcknowledged:
    """What did not come to its end is delivered again."""

    def test_an_interrupted_task(
        self, huey: StreamHuey, execute_next: Callable[[], Any], redis_client: redis.Redis
    ) -> None:
        signals = []
        huey.signal(huey_signals.SIGNAL_INTERRUPTED)(lambda signal, *_: signals.append(signal))

        @huey.task()
        def work() -> None:
            raise KeyboardInterrupt

        work()
        execute_next()

        assert signals == ["interrupted"]
        assert pending(redis_client) == 1

    def test_a_task_whose_end_could_not_be_written(
        self, huey: StreamHuey, execute_next: Callable[[], Any], redis_client: redis.Redis, monkeypatch: Any
    ) -> None:
        @huey.task()
        def work() -> None: ...

        def away(*_: object) -> bool:
            raise ConnectionError("valkey is away")

        work()
        monkeypatch.setattr(huey.storage.stream, "reclaim_after_s", 0.0)
        monkeypatch.setattr(huey.storage.stream, "settle", away)
        with pytest.raises(ConnectionError):
            execute_next()

        assert pending(redis_client) == 1
        assert huey.storage.stream._in_hand == {}, "nobody says any more that somebody is at it"

    def test_a_task_whose_process_exits(
        self, huey: StreamHuey, execute_next: Callable[[], Any], redis_client: redis.Redis
    ) -> None:
        @huey.task()
        def work() -> None:
            raise SystemExit(1)

        work()
        with pytest.raises(SystemExit):
            execute_next()

        assert pending(redis_client) == 1


def test_an_end_is_written_although_valkey_was_away_for_a_moment(
    huey: StreamHuey, execute_next: Callable[[], Any], redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, outages = [], iter([True, False])
    settle = huey.storage.stream.settle
    monkeypatch.setattr("app.core.queue.stream_huey._DEFAULT_BACKOFF", Backoff(base_s=0, cap_s=0))

    def away_once(effects: Any) -> bool:
        if next(outages):
            raise ConnectionError("valkey is away")
        return settle(effects)

    monkeypatch.setattr(huey.storage.stream, "settle", away_once)

    @huey.task()
    def work() -> None:
        runs.append(1)

    work()
    execute_next()

    assert (runs, pending(redis_client)) == ([1], 0)


class TestDependencies:
    def test_one_that_is_away_costs_no_attempt(self, huey: StreamHuey, redis_client: redis.Redis, policy: Any) -> None:
        away_error = policy.pause_on[0]
        outages = iter([True, True, False])
        followed = []

        @huey.task()
        def follow(value: str) -> None:
            followed.append(value)

        @huey.task(retries=0)
        def work() -> str:
            if next(outages):
                raise away_error("the store is away")
            return "done"

        huey.enqueue(work.s().then(follow))
        task = huey.dequeue()
        for _ in range(2):
            with pytest.raises(DependencyAwayError, match="the store is away"):
                huey.execute(task)
            assert (pending(redis_client), huey.scheduled_count()) == (1, 0)
            assert len(huey.storage.stream._in_hand) == 1, "the worker still has it in hand"
        huey.execute(task)
        huey.execute(huey.dequeue())

        assert followed == ["done"]
        assert len(DeadLetters(huey)) == 0

    def test_outside_of_a_worker_it_is_an_error_like_any_other(self, valkey: Valkey, policy: Any) -> None:
        huey = StreamHuey(client=valkey, pause_on=policy.pause_on, immediate=True, retries=0)

        @huey.task()
        def work() -> None:
            raise policy.pause_on[0]("away")

        with pytest.raises(TaskException, match="away"):
            work()()


class TestNotUnderstood:
    def test_a_task_that_only_a_newer_release_knows_waits_for_it(
        self, huey: StreamHuey, valkey: Valkey, redis_client: redis.Redis
    ) -> None:
        newer = StreamHuey(client=valkey, retries=0, reclaim_after_s=0.0, read_timeout_s=0.01)

        @newer.task(name="invented")
        def work() -> str:
            return "done"

        result = work()
        assert huey.dequeue() is None
        assert pending(redis_client) == 1

        newer.execute(newer.dequeue())

        assert result() == "done"

    @pytest.mark.parametrize("message", [b"\x02from the future", b"\x01\xc1", b"\x80\x05pickle", b""])
    def test_what_nobody_understands_is_a_dead_letter_in_the_end_and_never_dropped(
        self, valkey: Valkey, message: bytes
    ) -> None:
        huey = StreamHuey(client=valkey, unknown_grace_s=0.0, read_timeout_s=0.01)
        huey.storage.enqueue(message)

        assert huey.dequeue() is None

        (letter,) = DeadLetters(huey)
        assert letter.payload == message
