"""Workers as real processes die while they make and send a report: there is one report, and its reader gets it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core.alert_tables import notifications
from app.core.report_tables import reports
from app.core.settings import hand_down
from app.process import Process, ProcessSpec
from app.task_queue import task_queue
from reporting.reports.archive import Paper, State
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import Rhythm
from tests.core.notify.receivers import take_mail
from tests.reporting.reports.conftest import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.database import Database
    from app.core.settings import Settings
    from app.core.valkey import Valkey
    from tests.core.notify.receivers import Mailbox

PROGRAM = (sys.executable, "-m", "app.cli.main", "worker", "--port", "0")
PATIENCE_S = 85
"""For a worker to start and to make a report on a busy machine, twice within pytest's own limit."""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    yield from take_mail()


@pytest.fixture
def mailing(settings: Settings, mailbox: Mailbox) -> Settings:
    return replace(settings, smtp_url=mailbox.url, mail_from="slipstream@slip.example", outgoing_networks="127.0.0.0/8")


@pytest.fixture
def start_worker(mailing: Settings, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPSTREAM_")}
    hand_down(mailing, environment)
    environment |= {"SLIPSTREAM_RECLAIM_AFTER_S": "1"}
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


@pytest.mark.parametrize(("place", "copies"), [("reports.finishing", {1}), ("notify.sent", {2})])
def test_a_worker_that_dies_in_the_middle_leaves_one_report_and_at_least_one_mail(
    start_worker: Callable[..., Process],
    mailing: Settings,
    database: Database,
    valkey: Valkey,
    mailbox: Mailbox,
    eventually: Callable[..., None],
    tmp_path: Path,
    place: str,
    copies: set[int],
) -> None:
    workshop = Workshop(database)
    workshop.now = datetime.now(UTC) - timedelta(days=8)
    rhythm = Rhythm(kind=Kind.WEEKLY, timezone="UTC", hour=7, scope=Scope())
    workshop.subscriptions.add(rhythm, workshop.now, audience=["mia@example.org"], paper=Paper.A4, by="ben")
    workshop.now = datetime.now(UTC)
    workshop.schedule.run(workshop.now)
    task_queue(mailing, database, valkey).make_reports()
    marker = tmp_path / "hits"

    first = start_worker(SLIPSTREAM_FAILPOINTS=f"{place}=kill@{marker}")
    eventually(lambda: not first.running, timeout_s=PATIENCE_S)
    start_worker()

    def is_finished() -> bool:
        with database.begin() as connection:
            return connection.scalar(select(notifications.c.finished_at)) is not None

    eventually(is_finished, timeout_s=PATIENCE_S)
    assert marker.read_text().startswith(place)
    with database.begin() as connection:
        assert connection.execute(select(reports.c.revision, reports.c.state)).all() == [(1, State.READY)]
    assert len(mailbox.messages) in copies
    assert len({message["Message-ID"] for message in mailbox.messages}) == 1
    assert next(mailbox.messages[0].iter_attachments()).get_content()
