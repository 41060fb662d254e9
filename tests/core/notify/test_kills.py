"""The worker as a real process dies on the way to somebody: he is told all the same, by the same id."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core.alert_tables import notifications
from app.core.notify import outbox_store
from app.core.settings import hand_down
from app.process import Process, ProcessSpec
from tests.core.notify.conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.database import Database
    from app.core.settings import Settings
    from tests.core.notify.receivers import Receiver

PROGRAM = (sys.executable, "-m", "app.cli.main", "worker", "--port", "0")
PATIENCE_S = 85
"""For a worker to start on a busy machine, twice within pytest's own limit."""


@pytest.fixture
def start_worker(notify_settings: Settings, receiver: Receiver, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPSTREAM_")}
    hand_down(notify_settings, environment)
    environment |= {"SLIPSTREAM_NOTIFY_PAGE": receiver.url, "SLIPSTREAM_RECLAIM_AFTER_S": "1"}
    started: list[Process] = []

    def start(**more: str) -> Process:
        spec = ProcessSpec(
            name="worker", argv=PROGRAM, env=environment | more, ready=lambda: True, log=tmp_path / "worker.log"
        )
        process = Process(spec)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.mark.parametrize(
    ("place", "copies"),
    [
        ("notify.claimed", {1}),
        ("notify.sent", {2}),
        # Any task may be the first to be acknowledged, and take a delivery that is on its way along.
        ("queue.before_ack", {1, 2}),
    ],
)
def test_a_worker_that_dies_between_the_change_and_its_delivery_costs_nobody_the_news(
    start_worker: Callable[..., Process],
    database: Database,
    receiver: Receiver,
    make_notification: Any,
    eventually: Callable[..., None],
    tmp_path: Path,
    place: str,
    copies: set[int],
) -> None:
    marker = tmp_path / "hits"
    with database.begin() as connection:
        outbox_store.add(connection, [make_notification()], NOW)

    first = start_worker(SLIPSTREAM_FAILPOINTS=f"{place}=kill@{marker}")
    eventually(lambda: not first.running, timeout_s=PATIENCE_S)
    start_worker()

    def is_finished() -> bool:
        with database.begin() as connection:
            return connection.scalar(select(notifications.c.finished_at)) is not None

    eventually(is_finished, timeout_s=PATIENCE_S)
    assert marker.read_text().startswith(place)
    assert set(receiver.ids) == {"ntf_1"}
    assert len(receiver.ids) in copies
