"""When nobody evaluates, every API process knows, and exactly one pages, without PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.core.keyspace import ALERTS_EVALUATED, EVALUATOR_PAGING
from app.core.notify.direct import tell_at_once
from app.core.notify.errors import DeliveryError
from app.core.notify.routes import make_routes
from app.core.notify.urgency import Urgency
from app.core.valkey import Valkey
from reporting.alerts.machine_turn import MachineTurn
from reporting.alerts.watch import EvaluatorWatch, News
from reporting.alerts.watch_message import compose
from tests.reporting.alerts.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import redis

    from app.core.notify.notification import Notification
    from app.core.notify.targets import Target
    from reporting.alerts.watch import Health


class Paged:
    def __init__(self) -> None:
        self.told: list[Notification] = []
        self.health: list[Health] = []
        self.reachable = True
        self.dies = False

    def __call__(self, notification: Notification) -> bool:
        if self.dies:
            raise KeyboardInterrupt
        if self.reachable:
            self.told.append(notification)
        return self.reachable


@pytest.fixture
def paged() -> Paged:
    return Paged()


@pytest.fixture
def watch(valkey: Valkey, paged: Paged) -> Callable[..., EvaluatorWatch]:
    def make(name: str = "api-1", **options: Any) -> EvaluatorWatch:
        given = {"machine": None, "calm_s": 0, **options}
        client = given.pop("valkey", valkey)
        return EvaluatorWatch(client, paged, compose, name=name, heard=paged.health.append, **given)

    return make


@pytest.fixture
def evaluated(redis_client: redis.Redis) -> Callable[[float], None]:
    """Says that alerts were evaluated so many seconds ago."""

    def set_age(seconds: float) -> None:
        now_s, now_us = redis_client.time()
        redis_client.set(ALERTS_EVALUATED, now_s * 1_000 + now_us // 1_000 - round(seconds * 1_000))

    return set_age


def test_while_alerts_are_evaluated_nothing_is_told_and_everybody_knows(
    watch: Any, paged: Paged, evaluated: Any
) -> None:
    evaluated(100)

    assert watch().look() is News.NOTHING

    assert timedelta(seconds=100) <= (paged.health[0].age or timedelta(0)) < timedelta(seconds=115)
    assert not paged.health[0].is_dead


def test_after_two_minutes_exactly_one_of_many_pages_once(watch: Any, paged: Paged, evaluated: Any) -> None:
    evaluated(121)
    processes = [watch(f"api-{number}") for number in range(8)]
    start = threading.Barrier(8)

    def look(process: EvaluatorWatch) -> None:
        start.wait()
        for _ in range(3):
            process.look()

    threads = [threading.Thread(target=look, args=(process,)) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (told,) = paged.told
    assert (told.urgency, told.event) == (Urgency.PAGE, "watch.firing")
    assert told.title == "slipstream: Alerts are not evaluated"
    assert all(health.is_dead for health in paged.health)


def test_when_alerts_are_evaluated_again_that_is_told_once(watch: Any, paged: Paged, evaluated: Any) -> None:
    processes = [watch(f"api-{number}") for number in range(2)]
    evaluated(121)
    for process in processes:
        process.look()
    evaluated(1)
    for process in processes * 2:
        process.look()

    assert [told.event for told in paged.told] == ["watch.firing", "watch.resolved"]
    assert paged.told[1].id == f"{paged.told[0].id}.back"
    evaluated(121)
    processes[1].look()
    assert len(paged.told) == 3


def test_a_process_that_dies_while_it_pages_is_made_up_for_by_the_same_id(
    watch: Any, paged: Paged, evaluated: Any, redis_client: redis.Redis
) -> None:
    evaluated(121)
    paged.dies = True
    with pytest.raises(KeyboardInterrupt):
        watch("api-1").look()
    paged.dies = False

    assert watch("api-2").look() is News.NOTHING  # It may still be at it.
    assert 0 < redis_client.pttl(EVALUATOR_PAGING) <= 60_000
    redis_client.delete(EVALUATOR_PAGING)
    assert watch("api-2").look() is News.DEAD

    last = redis_client.get(ALERTS_EVALUATED) or b""
    assert [told.id for told in paged.told] == [f"watch.{last.decode()}"]


def test_who_reaches_nobody_leaves_it_to_the_next_try(
    watch: Any, paged: Paged, evaluated: Any, redis_client: redis.Redis
) -> None:
    evaluated(121)
    paged.reachable = False
    assert watch().look() is News.NOTHING
    redis_client.delete(EVALUATOR_PAGING)
    paged.reachable = True

    assert watch().look() is News.DEAD


def test_an_installation_without_any_worker_is_noticed(watch: Any, paged: Paged, redis_client: redis.Redis) -> None:
    process = watch()
    assert process.look() is News.NOTHING
    first_asked = int(redis_client.get(ALERTS_EVALUATED) or 0)

    redis_client.set(ALERTS_EVALUATED, first_asked - 121_000)

    assert process.look() is News.DEAD


def test_a_process_that_has_just_started_waits_for_the_workers(watch: Any, paged: Paged, evaluated: Any) -> None:
    """An installation that was switched off over night must not page when it is switched on."""
    now = [0.0]
    process = watch(calm_s=60, monotonic=lambda: now[0])
    evaluated(30_000)

    assert process.look() is News.NOTHING
    assert paged.health[0].is_dead
    now[0] = 61
    assert process.look() is News.DEAD


def test_without_valkey_one_process_of_the_machine_pages(watch: Any, paged: Paged, tmp_path: Path) -> None:
    nowhere = Valkey(f"unix://{tmp_path}/none.sock", timeout_s=0.1)
    now = [0.0]
    options = {"valkey": nowhere, "machine": MachineTurn(tmp_path / "turn"), "monotonic": lambda: now[0]}
    processes = [watch(f"api-{number}", **options) for number in range(3)]

    for moment in (0.0, 119.0, 121.0, 500.0):
        now[0] = moment
        for process in processes:
            process.look()

    (told,) = paged.told
    assert told.id.startswith("watch.valkey.")
    assert paged.health[-1].age is None
    assert paged.health[-1].is_dead


def test_when_valkey_comes_back_the_workers_get_time_and_the_next_outage_is_told(
    watch: Any, paged: Paged, valkey: Valkey, tmp_path: Path, evaluated: Any
) -> None:
    nowhere = Valkey(f"unix://{tmp_path}/none.sock", timeout_s=0.1)
    now = [0.0]
    process = watch(machine=MachineTurn(tmp_path / "turn"), monotonic=lambda: now[0], calm_s=60)

    def outage() -> None:
        process._script._valkey = nowhere
        for _ in range(2):
            process.look()
            now[0] += 121
        process._script._valkey = valkey

    outage()
    evaluated(242)
    assert process.look() is News.NOTHING
    evaluated(1)
    now[0] += 61
    assert process.look() is News.NOTHING
    outage()

    assert [told.event for told in paged.told] == ["watch.firing"] * 2


def test_an_outage_after_a_restart_is_told_although_nobody_saw_the_end_of_the_last(
    watch: Any, paged: Paged, tmp_path: Path, evaluated: Any
) -> None:
    nowhere = Valkey(f"unix://{tmp_path}/none.sock", timeout_s=0.1)
    now = [0.0]
    options = {"machine": MachineTurn(tmp_path / "turn"), "monotonic": lambda: now[0]}

    def outage(process: EvaluatorWatch) -> None:
        process._script._valkey = nowhere
        for _ in range(2):
            process.look()
            now[0] += 121

    outage(watch("before", **options))
    restarted = watch("after", **options)
    evaluated(1)
    restarted.look()
    outage(restarted)

    assert [told.event for told in paged.told] == ["watch.firing"] * 2


def test_telling_at_once_reaches_the_second_when_the_first_is_down() -> None:
    heard: list[str] = []

    def send(target: Target, _notification: Notification, _now: datetime) -> None:
        if "first" in target.address:
            raise DeliveryError("down")
        heard.append(target.address)

    routes = make_routes(
        page="https://first.example|https://second.example https://third.example",
        ticket=None,
        alertmanager="http://am.example",
    )

    assert tell_at_once(routes, send, compose(News.DEAD, "watch.1", NOW), NOW)
    assert heard == ["https://second.example", "https://third.example", "http://am.example"]
    only = make_routes(page="https://first.example", ticket=None, alertmanager=None)
    assert not tell_at_once(only, send, compose(News.DEAD, "watch.1", NOW), NOW)


def test_our_own_mistake_with_one_chain_keeps_no_other_from_being_told() -> None:
    heard: list[str] = []

    def send(target: Target, _notification: Notification, _now: datetime) -> None:
        if "first" in target.address:
            raise TypeError("ours")
        heard.append(target.address)

    routes = make_routes(
        page="https://first.example|https://second.example https://third.example", ticket=None, alertmanager=None
    )

    assert tell_at_once(routes, send, compose(News.DEAD, "watch.1", NOW), NOW)
    assert heard == ["https://second.example", "https://third.example"]
