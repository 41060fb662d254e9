"""Tasks whose workers are killed: their bodies run at least once, and what follows exactly once."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import redis
    from huey.api import Task

    from tests.core.queue.kills.conftest import Crew

NUMBERS = range(20)


@pytest.mark.parametrize("failpoint", ["queue.before_run", "task.mid_run", "queue.before_ack", "queue.after_ack"])
def test_every_task_runs_and_its_follower_runs_once(crew: Crew, producer: Any, failpoint: str) -> None:
    for number in NUMBERS:
        producer.enqueue(producer.work.s(number).then(producer.follow))

    crew.killed_at(failpoint, bulk=False)
    crew.finish(bulk=False)

    check_tasks(crew)


def check_tasks(crew: Crew) -> None:
    """At least once for the body, exactly once for what follows from it."""
    assert set(crew.noted("ran")) == {str(number) for number in NUMBERS}
    assert Counter(crew.noted("followed")) == Counter(str(number) for number in NUMBERS)


@pytest.mark.parametrize("failpoint", ["queue.before_retry", "queue.before_ack", "queue.after_ack"])
def test_a_retry_is_neither_lost_nor_doubled(crew: Crew, producer: Any, failpoint: str) -> None:
    for number in NUMBERS:
        producer.enqueue(producer.flaky.s(number).then(producer.follow))

    crew.killed_at(failpoint, bulk=False)
    crew.finish(bulk=False)

    check_tasks(crew)


def test_a_killed_schedule_mover_leaves_every_task_in_one_place(
    crew: Crew, producer: Any, redis_client: redis.Redis
) -> None:
    for number in range(500):
        task: Task = producer.follow.s(number)
        producer.storage.add_to_schedule(producer.serialize_task(task), producer._get_timestamp())

    crew.killed_at("queue.schedule_mover", bulk=False, workers=0)
    assert redis_client.xlen("{tasks}:q") + redis_client.zcard("{tasks}:schedule") == 500
    crew.finish(bulk=False)

    assert Counter(crew.noted("followed")) == Counter(str(number) for number in range(500))


def test_a_task_that_kills_its_workers_is_a_dead_letter_in_the_end(
    crew: Crew, producer: Any, redis_client: redis.Redis
) -> None:
    producer.kill()

    ends = crew.replace_whoever_dies(bulk=False, redeliveries=1)

    assert ends == [-signal.SIGKILL] * 2
    ((_, letter),) = redis_client.xrange("{tasks}:dead")
    assert b"its process died (signal SIGKILL)" in letter[b"reason"]
    assert letter[b"e"] == b"4"


def test_periodic_tasks_run_once_per_tick_with_three_workers_of_which_one_is_killed(crew: Crew) -> None:
    workers = [crew.hire(bulk=False, periodic="run") for _ in range(3)]
    crew.wait_until(lambda: len(crew.noted("ticks")) >= 3, "some ticks")
    workers[0].kill()
    crew.wait_until(lambda: len(crew.noted("ticks")) >= 6, "more ticks")
    for worker in workers[1:]:
        worker.send_signal(signal.SIGTERM)
        assert crew.end_of(worker) == 0
    crew.finish(bulk=False, periodic="drain")

    ticks = crew.noted("ticks")
    assert len(set(ticks)) == len(ticks)
    # The killed worker may not have come to note its last tick.
    assert len(ticks) <= crew.ticked <= len(ticks) + 1


def test_the_checker_goes_red_when_the_acknowledgement_comes_before_the_work(crew: Crew, producer: Any) -> None:
    for number in NUMBERS:
        producer.enqueue(producer.work.s(number).then(producer.follow))

    crew.killed_at("queue.before_run", bulk=False, sabotage=True)
    crew.finish(bulk=False)

    with pytest.raises(AssertionError):
        check_tasks(crew)
