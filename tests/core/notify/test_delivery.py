"""What is in the outbox arrives: at least once, in order, also when the first of a chain is down."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import select
from structlog.testing import capture_logs

from app.core.alert_tables import deliveries, notifications
from app.core.notify import delivery, outbox_store
from app.core.notify.delivery import CLAIMED_FOR
from app.core.notify.errors import DeliveryError
from app.core.queue.backoff import Backoff
from tests.core.notify.conftest import NOW, ON_CALL, OTHER, PAGE, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.notify.notification import Notification
    from app.core.notify.targets import Target
    from tests.core.notify.conftest import Town

FAILS = DeliveryError("on-call.example answered 500")
REFUSES = DeliveryError("on-call.example answered 404", refused=True)


@pytest.fixture(autouse=True)
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger that no test before has set up, and so captures what is logged here."""
    monkeypatch.setattr(delivery, "log", structlog.get_logger())


def test_everybody_of_the_route_is_told_once(make_deliveries: Any, write: Any, town: Town, unfinished: Any) -> None:
    write(1)
    run = make_deliveries(f"{PAGE} {OTHER}")

    run.deliver("incident-1", by="task-1")
    run.deliver("incident-1", by="task-2")

    assert sorted(town.heard) == [(ON_CALL, "ntf_1"), (OTHER, "ntf_1")]
    assert unfinished() == []


def test_what_fails_is_tried_again_and_what_comes_after_it_waits(
    make_deliveries: Any, write: Any, town: Town, unfinished: Any
) -> None:
    write(1, 2)
    town.down = {ON_CALL: FAILS}
    run = make_deliveries(ON_CALL)

    run.deliver("incident-1", by="a")
    assert town.heard == []
    town.down = {}
    run.deliver("incident-1", by="b")

    assert town.heard == [(ON_CALL, "ntf_1"), (ON_CALL, "ntf_2")]
    assert unfinished() == []


def test_nobody_hears_of_an_end_before_the_beginning(make_deliveries: Any, write: Any, town: Town) -> None:
    write(1, 2)
    run = make_deliveries(ON_CALL)
    send, failures = town.send, [FAILS]

    def fail_at_first(target: Target, notification: Notification, now: datetime) -> None:
        if failures:
            raise failures.pop()
        send(target, notification, now)

    run._send = fail_at_first
    run.deliver("incident-1", by="a")
    assert town.heard == []
    run.deliver("incident-1", by="b")

    assert town.by(ON_CALL) == ["ntf_1", "ntf_2"]


def test_a_failed_try_waits_for_its_time(make_deliveries: Any, write: Any, town: Town, database: Database) -> None:
    write(1)
    town.down = {ON_CALL: FAILS}
    run = make_deliveries(ON_CALL)
    run._backoff = Backoff(base_s=100_000, cap_s=100_000)

    run.deliver("incident-1", by="a")
    run.deliver("incident-1", by="b")

    assert town.tries == [ON_CALL]
    with database.begin() as connection:
        (row,) = connection.execute(select(deliveries)).all()
        assert connection.scalar(select(notifications.c.next_at)) == row.next_at
    assert (row.state, row.attempts, row.reason) == ("pending", 1, FAILS.reason)


def test_the_second_of_a_chain_is_told_when_the_first_is_down_and_the_first_when_it_is_back(
    make_deliveries: Any, write: Any, town: Town, unfinished: Any
) -> None:
    write(1)
    town.down = {ON_CALL: FAILS}
    run = make_deliveries()

    for number in range(3):
        run.deliver("incident-1", by=f"task-{number}")
        town.now += timedelta(seconds=1)
    write(2)
    run.deliver("incident-1", by="later")

    assert town.by(SECOND) == ["ntf_1", "ntf_2"]  # It hears of the end of what it has heard begin.
    assert unfinished() == ["ntf_1", "ntf_2"]
    town.down = {}
    town.now += timedelta(seconds=1)
    run.deliver("incident-1", by="last")
    assert town.by(ON_CALL) == ["ntf_1", "ntf_2"]
    assert town.by(SECOND) == ["ntf_1", "ntf_2"]
    assert unfinished() == []


def test_one_hiccup_does_not_make_a_target_down_and_one_refusal_does(
    make_deliveries: Any, write: Any, town: Town
) -> None:
    write(1)
    write(2, subject="incident-2")
    run = make_deliveries()
    run._backoff = Backoff(base_s=100_000, cap_s=100_000)

    town.down = {ON_CALL: FAILS}
    run.deliver("incident-1", by="a")
    town.down = {ON_CALL: REFUSES}
    run.deliver("incident-2", by="b")

    assert town.by(SECOND) == ["ntf_2"]


def test_one_target_that_is_down_keeps_no_other_from_being_told(make_deliveries: Any, write: Any, town: Town) -> None:
    write(1, 2)
    town.down = {ON_CALL: FAILS}

    make_deliveries(f"{ON_CALL} {OTHER}").deliver("incident-1", by="a")

    assert town.by(OTHER) == ["ntf_1", "ntf_2"]


def test_our_own_mistake_with_one_notification_is_not_the_end_of_all(
    make_deliveries: Any, write: Any, town: Town
) -> None:
    write(1)
    town.down = {ON_CALL: TypeError("ours")}  # type: ignore[dict-item]

    make_deliveries().deliver("incident-1", by="a")

    assert town.by(SECOND) == ["ntf_1"]


def test_what_cannot_be_delivered_for_a_day_is_given_up_and_said_so(
    make_deliveries: Any, write: Any, town: Town, unfinished: Any
) -> None:
    write(1)
    town.down = {ON_CALL: FAILS}
    town.now += timedelta(hours=24)

    with capture_logs() as logs:
        make_deliveries(ON_CALL).deliver("incident-1", by="a")

    assert unfinished() == []
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["event"] == "notification_given_up"


def test_without_anybody_to_tell_it_is_logged(make_deliveries: Any, write: Any, unfinished: Any) -> None:
    write(1)

    with capture_logs() as logs:
        make_deliveries("").deliver("incident-1", by="a")

    assert [line["notification_id"] for line in logs if line["event"] == "notification"] == ["ntf_1"]
    assert unfinished() == []


def test_two_tasks_are_never_at_one_subject(make_deliveries: Any, write: Any, town: Town, database: Database) -> None:
    write(1)
    with database.begin() as connection:
        until = NOW + timedelta(seconds=60)
        claimed = outbox_store.claim(connection, "incident-1", by="first", now=NOW, until=until)
    assert len(claimed.notifications) == 1
    write(2)

    make_deliveries().deliver("incident-1", by="second")
    assert town.tries == []
    town.now += timedelta(seconds=61)
    make_deliveries().deliver("incident-1", by="third")

    assert town.by(ON_CALL) == ["ntf_1", "ntf_2"]


def test_a_task_that_is_slow_keeps_its_claim(make_deliveries: Any, write: Any, town: Town) -> None:
    write(*range(20))
    run = make_deliveries(ON_CALL)
    send = town.send

    def send_slowly(target: Target, notification: Notification, now: datetime) -> None:
        if town.now - NOW > CLAIMED_FOR:
            make_deliveries(ON_CALL).deliver("incident-1", by="another")
        send(target, notification, now)
        town.now += timedelta(seconds=9)

    run._send = send_slowly
    run.deliver("incident-1", by="slow")

    assert town.by(ON_CALL) == [f"ntf_{number}" for number in range(20)]


def test_chains_take_one_connection_between_them(
    make_deliveries: Any, write: Any, town: Town, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery shares its connections with those who store events."""
    write(1)
    begin, free = database.begin, threading.Semaphore()
    alone: list[bool] = []

    @contextmanager
    def begin_slowly() -> Iterator[Connection]:
        with begin() as connection:
            alone.append(free.acquire(timeout=0))
            time.sleep(0.05)
            yield connection
        if alone[-1]:
            free.release()

    monkeypatch.setattr(database, "begin", begin_slowly)
    make_deliveries(f"{ON_CALL} {SECOND} {OTHER}").deliver("incident-1", by="a")

    assert sorted(town.heard) == [(ON_CALL, "ntf_1"), (OTHER, "ntf_1"), (SECOND, "ntf_1")]
    assert all(alone)


def test_a_task_that_was_interrupted_goes_on_at_once_and_repeats_no_more_than_it_must(
    make_deliveries: Any, write: Any, town: Town
) -> None:
    write(1, 2, 3)
    run = make_deliveries()
    send = town.send

    def die_at_the_second(target: Target, notification: Notification, now: datetime) -> None:
        send(target, notification, now)
        if notification.id == "ntf_2":
            raise KeyboardInterrupt

    run._send = die_at_the_second
    with pytest.raises(KeyboardInterrupt):
        run.deliver("incident-1", by="task-1")
    make_deliveries().deliver("incident-1", by="task-1")

    assert town.by(ON_CALL) == ["ntf_1", "ntf_2", "ntf_2", "ntf_3"]


def test_alertmanager_is_told_of_alerts_beside_everybody_else(make_deliveries: Any, write: Any, town: Town) -> None:
    alert = {"labels": {"alertname": "x"}, "annotations": {}, "starts_at": NOW}
    write(1)
    write(2, alerts=(alert,), subject="incident-2")
    run = make_deliveries(ON_CALL, alertmanager="http://am.example:9093")

    run.deliver("incident-1", by="a")
    run.deliver("incident-2", by="b")

    assert sorted(town.heard) == [
        ("http://am.example:9093", "ntf_2"),
        (ON_CALL, "ntf_1"),
        (ON_CALL, "ntf_2"),
    ]
