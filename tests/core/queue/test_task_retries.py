"""What becomes of a task that fails: another try, and in the end a dead letter."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from huey import crontab
from huey.exceptions import CancelExecution, RetryTask, TaskException, TaskLockedException

from app.core.queue.backoff import Backoff
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.keys import GROUP
from app.core.queue.stream_huey import StreamHuey

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from app.core.valkey import Valkey


def pending(redis_client: redis.Redis) -> int:
    """Tasks that a worker has in hand or has left behind."""
    return int(redis_client.xpending("{tasks}:q", GROUP)["pending"])


class TestRetries:
    def test_three_are_the_default(self, valkey: Valkey) -> None:
        huey = StreamHuey(client=valkey)

        @huey.task()
        def work() -> None: ...

        @huey.periodic_task(crontab(minute="0"))
        def tick() -> None: ...

        @huey.task(retries=0)
        def once() -> None: ...

        assert (work.retries, tick.retries, once.retries) == (3, 3, 0)

    def test_a_retry_waits_in_the_schedule_and_remembers_its_attempts(
        self, huey: StreamHuey, execute_next: Callable[[], Any], redis_client: redis.Redis
    ) -> None:
        huey.backoff = Backoff(base_s=1_000, cap_s=1_000)

        @huey.task(retries=1)
        def work() -> None:
            raise ValueError("no")

        work()
        execute_next()

        assert (pending(redis_client), huey.pending_count(), huey.scheduled_count()) == (0, 0, 1)
        ((member, _),) = redis_client.zrange("{tasks}:schedule", 0, -1, withscores=True)
        assert member.startswith(b"2,1,0:")

    def test_waits_grow_with_the_attempts_and_are_capped(self, huey: StreamHuey, drain: Callable[[], None]) -> None:
        asked = []

        class Spy(Backoff):
            def delay_s(self, attempt: int, random: Any = None) -> float:
                asked.append(attempt)
                return 0.0

        huey.backoff = Spy()

        @huey.task(retries=3)
        def work() -> None:
            raise ValueError("no")

        work()
        drain()

        assert asked == [0, 1, 2]

    def test_a_task_s_own_delay_is_kept_to_the_letter(self, huey: StreamHuey, execute_next: Callable[[], Any]) -> None:
        huey.backoff = Backoff(base_s=1_000)

        @huey.task(retries=2, retry_delay=100, retry_backoff=3)
        def work() -> None:
            raise ValueError("no")

        work()
        before = huey._get_timestamp()
        execute_next()

        (again,) = huey.scheduled()
        assert 100 <= (again.eta - before).total_seconds() < 130
        assert again.retry_delay == 300

    def test_a_retry_and_the_acknowledgement_are_one_write(
        self, huey: StreamHuey, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever happens between the failure and the settlement, the task is in exactly one place."""
        seen = []
        settle = huey.storage.stream.settle

        def look_before(effects: Any) -> bool:
            seen.append((pending(redis_client), huey.scheduled_count(), redis_client.xlen("{tasks}:dead")))
            done = settle(effects)
            seen.append((pending(redis_client), huey.scheduled_count(), redis_client.xlen("{tasks}:dead")))
            return done

        monkeypatch.setattr(huey.storage.stream, "settle", look_before)
        huey.backoff = Backoff(base_s=1_000)

        @huey.task(retries=1)
        def work() -> None:
            raise ValueError("no")

        work()
        huey.execute(huey.dequeue())
        huey.read_schedule(datetime(2100, 1, 1))  # noqa: DTZ001
        huey.execute(huey.dequeue(), datetime(2100, 1, 1))  # noqa: DTZ001

        assert seen == [(1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1)]

    def test_retry_task_counts_as_an_attempt_of_its_own(self, huey: StreamHuey, drain: Callable[[], None]) -> None:
        runs = []

        @huey.task()
        def work() -> None:
            runs.append(1)
            if len(runs) < 5:
                raise RetryTask(delay=60)

        work()
        drain()

        assert len(runs) == 5


class TestDeadLetters:
    def test_the_last_failure_leaves_reason_traceback_attempts_and_payload(
        self, huey: StreamHuey, drain: Callable[[], None]
    ) -> None:
        @huey.task(retries=2)
        def work(number: int) -> None:
            raise ValueError("no")

        result = work(7)
        drain()

        (letter,) = DeadLetters(huey)
        assert letter.task.endswith(".work")
        assert (letter.reason, letter.attempts) == ("ValueError('no')", 3)
        assert letter.traceback.startswith("Traceback (most recent call last)")
        assert huey.deserialize_task(letter.payload).args == (7,)
        with pytest.raises(TaskException):
            result()

    @pytest.mark.parametrize(
        "end",
        [CancelExecution(retry=False), None],
        ids=["cancelled", "well"],
    )
    def test_an_end_that_was_meant_leaves_none(
        self, huey: StreamHuey, drain: Callable[[], None], end: Exception | None
    ) -> None:
        @huey.task(retries=2)
        def work() -> None:
            if end:
                raise end

        work()
        drain()

        assert len(DeadLetters(huey)) == 0

    def test_a_periodic_task_that_finds_itself_running_leaves_none(
        self, huey: StreamHuey, drain: Callable[[], None]
    ) -> None:
        def locked() -> None:
            raise TaskLockedException("still running")

        periodic = huey.periodic_task(crontab(), name="periodic")(locked)
        plain = huey.task(name="plain")(locked)
        periodic()
        plain()
        drain()

        assert [letter.task.rpartition(".")[2] for letter in DeadLetters(huey)] == ["plain"]

    def test_a_result_that_cannot_be_written_is_the_task_s_own_failure_and_is_not_tried_again(
        self, huey: StreamHuey, drain: Callable[[], None]
    ) -> None:
        runs = []

        @huey.task(retries=3)
        def work() -> UUID:
            runs.append(1)
            return UUID(int=0)

        result = work()
        drain()

        (letter,) = DeadLetters(huey)
        assert len(runs) == 1
        assert "value is a UUID, which a message cannot hold" in letter.reason
        with pytest.raises(TaskException, match="UUID"):
            result()
