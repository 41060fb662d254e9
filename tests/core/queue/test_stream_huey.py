from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from huey import crontab
from huey import signals as huey_signals
from huey.api import chord
from huey.exceptions import CancelExecution, RetryTask, TaskException, TaskLockedException

from app.core.queue.backoff import Backoff
from app.core.queue.dead_letters import DeadLetters
from app.core.queue.keys import GROUP
from app.core.queue.stream_huey import StreamHuey
from app.core.queue.task_errors import DependencyAwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from huey.api import Task

    from app.core.valkey import Valkey


def pending(redis_client: redis.Redis) -> int:
    """Tasks that a worker has in hand or has left behind."""
    return int(redis_client.xpending("{tasks}:q", GROUP)["pending"])


@pytest.fixture
def execute_next(huey: StreamHuey) -> Callable[[], Any]:
    def execute() -> Any:
        task = huey.dequeue()
        assert task is not None
        return huey.execute(task)

    return execute


@pytest.fixture
def drain(huey: StreamHuey) -> Callable[[], None]:
    """Execute everything, also what is scheduled for later."""

    def execute_all() -> None:
        while huey.pending_count() or huey.scheduled_count():
            huey.read_schedule(datetime(2100, 1, 1))  # noqa: DTZ001
            task = huey.dequeue()
            assert task is not None
            huey.execute(task, datetime(2100, 1, 1))  # noqa: DTZ001

    return execute_all


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


class TestConsequences:
    """What follows from a task's end happens exactly once, however often its body runs."""

    def test_a_second_run_changes_nothing(self, huey: StreamHuey, redis_client: redis.Redis) -> None:
        runs = []

        @huey.task()
        def follow(value: int) -> None: ...

        @huey.task()
        def work() -> int:
            runs.append(1)
            return len(runs)

        huey.enqueue(work.s().then(follow))
        task = huey.dequeue()
        twin = huey.deserialize_task(task.delivery.message)
        twin.delivery = task.delivery

        huey.execute(task)
        huey.execute(twin)

        assert len(runs) == 2
        assert [waiting.args for waiting in huey.pending()] == [(1,)]

    def test_a_failure_after_another_worker_s_success_is_dropped(self, huey: StreamHuey) -> None:
        runs = []

        @huey.task(retries=1)
        def work() -> None:
            runs.append(1)
            if len(runs) == 2:
                raise ValueError("the second run fails")

        work()
        task = huey.dequeue()
        twin = huey.deserialize_task(task.delivery.message)
        twin.delivery = task.delivery
        huey.execute(task)
        huey.execute(twin)

        assert (huey.pending_count(), huey.scheduled_count(), len(DeadLetters(huey))) == (0, 0, 0)

    def test_a_chord_joins_once_although_its_members_run_twice(self, huey: StreamHuey) -> None:
        @huey.task()
        def member(number: int) -> int:
            return number

        @huey.task()
        def join(numbers: list[int]) -> int:
            return sum(numbers)

        huey.enqueue(chord([member.s(1), member.s(2), member.s(3)], join))
        tasks = [huey.dequeue() for _ in range(3)]
        for task in tasks[:2]:
            for _ in range(2):
                self._settled_by_nobody(huey, task)
        assert huey.pending_count() == 0

        for task in (*tasks, *tasks):
            huey.execute(task)

        (callback,) = huey.pending()
        assert callback.args == ([1, 2, 3],)

    def test_the_last_member_of_a_chord_may_die_between_its_result_and_its_end(self, huey: StreamHuey) -> None:
        @huey.task()
        def member(number: int) -> int:
            return number

        @huey.task()
        def join(numbers: list[int]) -> int:
            return sum(numbers)

        huey.enqueue(chord([member.s(1), member.s(2)], join))
        tasks = [huey.dequeue() for _ in range(2)]
        huey.execute(tasks[0])
        self._settled_by_nobody(huey, tasks[1])
        assert huey.pending_count() == 0

        huey.execute(tasks[1])

        assert [callback.args for callback in huey.pending()] == [([1, 2],)]

    def test_bookkeeping_of_a_chord_is_cleared(self, huey: StreamHuey, redis_client: redis.Redis) -> None:
        @huey.task()
        def member(number: int) -> int:
            return number

        @huey.task()
        def join(numbers: list[int]) -> int:
            return sum(numbers)

        joined = huey.enqueue(chord([member.s(1), member.s(2)], join))
        for _ in range(3):
            huey.execute(huey.dequeue())

        assert joined() == 3
        (fired,) = redis_client.hkeys("{tasks}:chords")
        assert fired.endswith(b":fired")
        assert redis_client.httl("{tasks}:chords", fired)[0] > 0

    def test_what_the_body_enqueues_is_there_at_once(self, huey: StreamHuey, execute_next: Callable[[], Any]) -> None:
        seen = []

        @huey.task()
        def other() -> None: ...

        @huey.task()
        def work() -> None:
            other()
            seen.append(huey.pending_count())

        work()
        execute_next()

        assert seen == [1]

    def test_what_a_hook_writes_is_there_at_once(self, huey: StreamHuey, execute_next: Callable[[], Any]) -> None:
        seen = []

        @huey.task()
        def work() -> None: ...

        @huey.post_execute()
        def hook(task: Task, value: Any, error: Any) -> None:
            huey.put("key", "value")
            seen.append(huey.get("key", peek=True))
            huey.delete("key")
            seen.append(huey.get("key", peek=True))

        work()
        execute_next()

        assert seen == ["value", None]

    def test_a_revocation_for_once_outlives_a_worker_that_dies_with_it(
        self, huey: StreamHuey, execute_next: Callable[[], Any]
    ) -> None:
        runs = []

        @huey.task()
        def work() -> None:
            runs.append(1)

        result = work()
        result.revoke()
        self._settled_by_nobody(huey, task := huey.dequeue())

        huey.execute(task)

        assert runs == []
        assert not result.is_revoked()

    @staticmethod
    def _settled_by_nobody(huey: StreamHuey, task: Any) -> None:
        """Execute a task whose worker dies just before the settlement."""

        def die(_name: str) -> None:
            raise SystemExit

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(huey, "failpoint", lambda name: die(name) if name == "queue.before_ack" else None)
            with pytest.raises(SystemExit):
                huey.execute(task)


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


def test_threads_do_not_share_what_they_collect(huey: StreamHuey, valkey: Valkey) -> None:
    """A producer in the same process writes at once while a task of another thread is being ended."""
    inside, go_on = threading.Event(), threading.Event()

    @huey.task()
    def work() -> None: ...

    def failpoint(name: str) -> None:
        if name == "queue.before_ack":
            inside.set()
            go_on.wait(60)

    work()
    huey.failpoint = failpoint
    thread = threading.Thread(target=lambda: huey.execute(huey.dequeue()))
    thread.start()
    assert inside.wait(60)
    work()
    count = huey.pending_count()
    go_on.set()
    thread.join()

    assert count == 1
