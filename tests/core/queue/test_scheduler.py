from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from huey import crontab

from app.core.queue.scheduler import CATCH_UP_MINUTES, StreamScheduler
from app.core.queue.stream_huey import StreamHuey

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.valkey import Valkey

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


@pytest.fixture
def hire(valkey: Valkey) -> Callable[..., StreamScheduler]:
    """The scheduler of another worker process, with the same periodic tasks."""

    def make(*, utc: bool = True, **tasks: Any) -> StreamScheduler:
        huey = StreamHuey(client=valkey, utc=utc, read_timeout_s=0.01)
        for name, due in (tasks or {"hourly": crontab(minute="0")}).items():
            huey.periodic_task(due, name=name)(lambda: None)
        return StreamScheduler(huey, threading.Event(), interval=1, periodic=True)

    return make


def enqueued(scheduler: StreamScheduler) -> list[str]:
    return [task.name for task in scheduler.huey.pending()]


def test_a_task_is_enqueued_in_its_minute_and_in_no_other(hire: Callable[..., StreamScheduler]) -> None:
    scheduler = hire()

    for after in range(-5, 6):
        scheduler.tick(minute(NOON) + after)

    assert enqueued(scheduler) == ["hourly"]


def test_any_number_of_schedulers_enqueue_it_once(hire: Callable[..., StreamScheduler]) -> None:
    schedulers = [hire() for _ in range(3)]
    for scheduler in schedulers:
        scheduler.tick(minute(NOON) - 1)

    threads = [threading.Thread(target=scheduler.tick, args=(minute(NOON),)) for scheduler in schedulers * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert enqueued(schedulers[0]) == ["hourly"]


def test_a_scheduler_whose_clock_is_behind_repeats_nothing(hire: Callable[..., StreamScheduler]) -> None:
    ahead, behind = hire(each=crontab()), hire(each=crontab())
    ahead.tick(minute(NOON))

    for late in range(-3, 1):
        behind.tick(minute(NOON) + late)

    assert enqueued(ahead) == ["each"]


def test_ticks_missed_while_no_worker_ran_are_caught_up_by_one(hire: Callable[..., StreamScheduler]) -> None:
    hire(each=crontab()).tick(minute(NOON))

    back = hire(each=crontab())
    back.tick(minute(NOON) + 500)
    back.tick(minute(NOON) + 500)

    assert enqueued(back) == ["each", "each"]


def test_one_missed_tick_is_caught_up_by_whichever_worker_comes_first(hire: Callable[..., StreamScheduler]) -> None:
    hire().tick(minute(NOON) - 10)

    for scheduler in (hire(), hire(), hire()):
        scheduler.tick(minute(NOON) + 20)

    assert enqueued(hire()) == ["hourly"]


def test_a_new_task_begins_with_the_present(hire: Callable[..., StreamScheduler]) -> None:
    scheduler = hire()

    scheduler.tick(minute(NOON) + 20)

    assert enqueued(scheduler) == []


def test_a_task_that_never_ran_is_caught_up_as_well(hire: Callable[..., StreamScheduler]) -> None:
    """A monthly task was deployed, and its first month ended while no worker ran."""
    hire(monthly=crontab(day="1", hour="6", minute="0")).tick(minute(NOON))

    back = hire(monthly=crontab(day="1", hour="6", minute="0"))
    back.tick(minute(datetime(2026, 12, 1, 9, 0, tzinfo=UTC)))

    assert enqueued(back) == ["monthly"]


def test_nothing_older_than_the_limit_is_caught_up(hire: Callable[..., StreamScheduler]) -> None:
    once = hire(once=lambda moment: moment == datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001 (as Huey has its times)
    once.tick(minute(NOON) - 1)

    once.tick(minute(NOON) + CATCH_UP_MINUTES + 1)

    assert enqueued(once) == []


@pytest.mark.parametrize("utc", [True, False], ids=["utc", "local"])
def test_a_task_sees_the_time_as_its_huey_has_it(hire: Callable[..., StreamScheduler], utc: bool) -> None:
    seen: list[datetime] = []

    def due(moment: datetime) -> bool:
        seen.append(moment)
        return False

    hire(utc=utc, spy=due).tick(minute(NOON))

    assert seen[-1] == (NOON if utc else NOON.astimezone()).replace(tzinfo=None)


def test_every_task_has_ticks_of_its_own(hire: Callable[..., StreamScheduler]) -> None:
    scheduler = hire(each=crontab(), hourly=crontab(minute="0"), daily=crontab(minute="0", hour="0"))

    for after in range(120):
        scheduler.tick(minute(NOON) + after)

    assert Counter(enqueued(scheduler)) == {"each": 120, "hourly": 2}


def test_a_pass_moves_everything_that_is_due(hire: Callable[..., StreamScheduler]) -> None:
    scheduler = hire()
    storage = scheduler.huey.storage
    for number in range(450):
        storage.add_to_schedule(b"%d" % number, datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001
    storage.add_to_schedule(b"later", datetime(2026, 11, 22, 13, 0))  # noqa: DTZ001

    scheduler._pass(datetime(2026, 11, 22, 12, 30))  # noqa: DTZ001

    assert (storage.queue_size(), storage.scheduled_items()) == (450, [b"later"])


def test_a_scheduler_without_periodic_tasks_moves_what_is_due_all_the_same(valkey: Valkey) -> None:
    huey = StreamHuey(client=valkey, read_timeout_s=0.01)
    huey.periodic_task(crontab(), name="each")(lambda: None)
    huey.storage.add_to_schedule(b"due", datetime.now(UTC) - timedelta(seconds=5))
    scheduler = StreamScheduler(huey, threading.Event(), interval=1, periodic=False)

    scheduler._pass(None)

    assert huey.storage.enqueued_items() == [b"due"]
