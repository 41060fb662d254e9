"""What follows from a task's end happens exactly once, however often its body runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from huey.api import chord

from app.core.queue.dead_letters import DeadLetters

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from huey.api import Task

    from app.core.queue.stream_huey import StreamHuey
    from app.core.valkey import Valkey


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
