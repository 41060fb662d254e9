"""The way of counts to PostgreSQL: within a second, through outages, up to the end of the process and past it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from app.core.database import Database
from app.core.errors import DependencyError
from app.core.tables import failed_requests, request_minutes
from app.core.telemetry.dead_processes import collect_dead
from app.core.telemetry.telemetry import telemetry
from app.core.telemetry.telemetry_store import TelemetryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.core.telemetry.telemetry import Telemetry

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def nowhere() -> Iterator[Database]:
    database = Database(NOWHERE, pool_timeout_s=0.1)
    yield database
    database.close()


def start(database: Database, directory: Path | None = None) -> Telemetry:
    return telemetry(database, directory=directory, now=datetime.now(UTC))


def answer(measured: Telemetry, *statuses: int, route: str = "/events") -> None:
    for status in statuses:
        measured.recorder.finish(measured.recorder.begin(route, "POST"), status=status, reason="because")


def counted(database: Database) -> dict[int, int]:
    query = select(request_minutes.c.status, func.sum(request_minutes.c.requests)).group_by(request_minutes.c.status)
    with database.begin() as connection:
        return {status: int(requests) for status, requests in connection.execute(query)}


def test_a_flush_stores_all_that_was_counted(database: Database) -> None:
    measured = start(database)
    answer(measured, 202, 202, 503)

    assert measured.flusher.flush()

    assert counted(database) == {202: 2, 503: 1}
    with database.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(failed_requests)) == 1


def test_flushing_often_counts_every_request_once(database: Database) -> None:
    measured = start(database)

    for _ in range(5):
        answer(measured, 202, 429)
        measured.flusher.flush()
    measured.flusher.flush()

    assert counted(database) == {202: 5, 429: 5}


def test_the_thread_flushes_by_itself(database: Database, eventually: Callable[[Callable[[], object]], None]) -> None:
    measured = start(database)
    measured.flusher.start()
    answer(measured, 202)

    eventually(lambda: counted(database) == {202: 1})

    measured.flusher.close()


def test_nothing_is_lost_while_postgresql_is_away(database: Database, nowhere: Database) -> None:
    measured = start(nowhere)
    for _ in range(3):
        answer(measured, 202, 500)
        assert not measured.flusher.flush()

    measured.flusher._store = TelemetryStore(database)
    assert measured.flusher.flush()

    assert counted(database) == {202: 3, 500: 3}
    with database.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(failed_requests)) == 3


def test_an_outage_is_a_warning_and_its_end_is_news(
    database: Database, nowhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger that other tests have used keeps to what was configured then.
    monkeypatch.setattr("app.core.telemetry.flusher._log", structlog.get_logger())
    measured = start(nowhere)
    answer(measured, 202)
    with capture_logs() as lines:
        measured.flusher.flush()
        measured.flusher.flush()
        measured.flusher._store = TelemetryStore(database)
        measured.flusher.flush()
        measured.flusher.flush()

    waits, flows = lines
    assert (waits["event"], waits["log_level"]) == ("telemetry_waits", "warning")
    assert "postgresql" in waits["error"]
    assert flows == {"event": "telemetry_flows_again", "log_level": "info"}


def test_a_flush_whose_commit_is_unknown_is_repeated_without_counting_twice(database: Database) -> None:
    class Forgetful(TelemetryStore):
        def write_rows(self, *args: Any) -> int:
            super().write_rows(*args)
            raise DependencyError("postgresql", "the answer to COMMIT was lost")

    measured = start(database)
    measured.flusher._store = Forgetful(database)
    answer(measured, 202)
    assert not measured.flusher.flush()

    measured.flusher._store = TelemetryStore(database)
    answer(measured, 202)
    assert measured.flusher.flush()

    assert counted(database) == {202: 2}


def test_a_table_that_is_missing_loses_nothing(database: Database) -> None:
    measured = start(database)
    answer(measured, 202)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE request_minutes RENAME TO gone"))
    assert not measured.flusher.flush()

    with database.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO request_minutes"))

    assert measured.flusher.flush()
    assert counted(database) == {202: 1}


def test_closing_flushes_and_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    measured = start(database, tmp_path)
    measured.flusher.start()
    answer(measured, 202)

    measured.flusher.close()
    measured.flusher.close()

    assert counted(database) == {202: 1}
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_stored_at_the_end_is_stored_by_who_comes_next(
    database: Database, nowhere: Database, tmp_path: Path
) -> None:
    measured = start(nowhere, tmp_path)
    answer(measured, 202, 202, 500)
    measured.flusher.close()

    (dead,) = collect_dead(tmp_path, TelemetryStore(database))

    assert counted(database) == {202: 2, 500: 1}
    assert (dead.unfinished, dead.uncounted) == ((), 0)
    assert list(tmp_path.iterdir()) == []


def test_a_postgresql_that_does_not_answer_does_not_hold_up_the_end(database: Database, tmp_path: Path) -> None:
    entered, awake = threading.Event(), threading.Event()

    class Silent(TelemetryStore):
        def write_rows(self, *args: Any) -> int:
            entered.set()
            awake.wait()
            return super().write_rows(*args)

    measured = start(database, tmp_path)
    measured.flusher._store = Silent(database)
    measured.flusher._last_flush_s = 0.05
    answer(measured, 202)
    measured.flusher.start()
    entered.wait()
    answer(measured, 500)
    measured.flusher.close()

    collect_dead(tmp_path, TelemetryStore(database))
    awake.set()
    measured.flusher._thread.join()

    assert counted(database) == {202: 1, 500: 1}


PROGRAM = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from app.core.database import Database
from app.core.telemetry.telemetry import telemetry

url, directory, ending = sys.argv[1:]
measured = telemetry(Database(url), directory=Path(directory), now=datetime.now(UTC))
measured.flusher.start()
for status in (202, 202, 429):
    measured.recorder.finish(measured.recorder.begin("/events", "POST"), status=status)
if ending == "killed":
    measured.flusher.flush()
    measured.recorder.begin("/events", "POST")
    measured.recorder.begin("/events", "POST")
    os.kill(os.getpid(), signal.SIGKILL)
if ending == "forked":
    import multiprocessing
    print("ready", flush=True)
    def child():
        own = telemetry(Database(url), directory=Path(directory), now=datetime.now(UTC))
        own.flusher.start()
        own.recorder.finish(own.recorder.begin("/events", "POST"), status=201)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
"""


def run(database_url: str, directory: Path, ending: str) -> int:
    command = [sys.executable, "-c", PROGRAM, database_url, str(directory), ending]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode


def test_the_end_of_a_process_flushes(database: Database, database_url: str, tmp_path: Path) -> None:
    assert run(database_url, tmp_path, "ended") == 0

    assert counted(database) == {202: 2, 429: 1}
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_a_forked_process_flushes(database: Database, database_url: str, tmp_path: Path) -> None:
    assert run(database_url, tmp_path, "forked") == 0

    assert counted(database) == {202: 2, 429: 1, 201: 1}
    assert list(tmp_path.iterdir()) == []


def test_requests_of_a_killed_process_count_as_bad_once(database: Database, database_url: str, tmp_path: Path) -> None:
    assert run(database_url, tmp_path, "killed") == -signal.SIGKILL

    (dead,) = collect_dead(tmp_path, TelemetryStore(database))
    assert collect_dead(tmp_path, TelemetryStore(database)) == []

    assert sum(unfinished.requests for unfinished in dead.unfinished) == 2
    assert dead.uncounted == 0
    assert counted(database) == {202: 2, 429: 1, 599: 2}
    bad = select(request_minutes).where(request_minutes.c.status == 599)
    with database.begin() as connection:
        found = connection.execute(bad).mappings().one()
    assert (found["reason"], found["route"], found["method"], found["buckets"]) == (
        "process-died",
        "/events",
        "POST",
        [],
    )


def test_what_a_dead_process_left_waits_for_postgresql(
    database: Database, nowhere: Database, database_url: str, tmp_path: Path
) -> None:
    run(database_url, tmp_path, "killed")
    with pytest.raises(DependencyError):
        collect_dead(tmp_path, TelemetryStore(nowhere))

    assert len(collect_dead(tmp_path, TelemetryStore(database))) == 1


def test_a_living_process_collects_what_a_dead_one_left(
    database: Database, database_url: str, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    run(database_url, tmp_path, "killed")
    measured = start(database, tmp_path)
    measured.flusher.start()

    eventually(lambda: counted(database).get(599) == 2)

    measured.flusher.close()
    assert list(tmp_path.iterdir()) == []
