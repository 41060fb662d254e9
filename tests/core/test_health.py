"""Readiness: a reason for each dependency, within a deadline, without troubling them more than once a second."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest

from app.core.errors import DependencyUnavailableError
from app.core.health import Check, CheckState, Readiness, Status

if TYPE_CHECKING:
    from collections.abc import Callable


def check(name: str, result: str | Exception | None = None, *, required: bool = True) -> Check:
    def run() -> str | None:
        if isinstance(result, Exception):
            raise result
        return result

    return Check(name=name, run=run, required=required)


AWAY = DependencyUnavailableError("valkey", "cannot be reached")


@pytest.mark.parametrize(
    ("checks", "status", "http_status"),
    [
        ((check("a"), check("b", required=False)), Status.READY, 200),
        ((check("a"), check("b", AWAY, required=False)), Status.DEGRADED, 200),
        ((check("a", AWAY), check("b", required=False)), Status.UNREADY, 503),
        ((check("a", "It is too old."),), Status.UNREADY, 503),
        ((check("a", ValueError("a bug")),), Status.UNREADY, 503),
        ((), Status.READY, 200),
    ],
)
def test_a_process_is_ready_when_all_it_needs_is_there(
    checks: tuple[Check, ...], status: Status, http_status: int
) -> None:
    report = Readiness(checks).report()

    assert (report.status, report.http_status) == (status, http_status)


def test_every_dependency_has_its_reason() -> None:
    report = Readiness([check("valkey", AWAY), check("postgresql"), check("migrations", "Too old.")]).report()

    assert msgspec.json.decode(msgspec.json.encode(report)) == {
        "status": "unready",
        "checks": {
            "valkey": {"status": "failing", "detail": "cannot be reached"},
            "postgresql": {"status": "ok"},
            "migrations": {"status": "failing", "detail": "Too old."},
        },
    }


def test_what_cannot_be_found_out_may_be_unknown_rather_than_failing() -> None:
    def run() -> str | None:
        raise AWAY

    report = Readiness([Check(name="migrations", run=run, without_answer=CheckState.UNKNOWN)]).report()

    assert (report.status, report.checks["migrations"].status) == (Status.DEGRADED, CheckState.UNKNOWN)


def test_a_dependency_is_asked_once_a_second_however_many_ask() -> None:
    now = 100.0
    asked = []
    readiness = Readiness([Check(name="a", run=lambda: asked.append(1))], timer=lambda: now)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: readiness.report(), range(200)))
    assert len(asked) == 1

    now = 101.0
    readiness.report()
    assert len(asked) == 2


def test_a_dependency_that_does_not_answer_is_reported_and_not_asked_again(
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    asked = []
    answer = threading.Event()

    def run() -> None:
        asked.append(1)
        answer.wait()

    readiness = Readiness([Check(name="slow", run=run), check("quick")], deadline_s=0.05, keep_s=0)

    for _ in range(3):
        report = readiness.report()
        assert report.checks["slow"].detail == "It gives no answer."
        assert report.checks["quick"].status is CheckState.OK
    assert len(asked) == 1

    answer.set()
    eventually(lambda: readiness.report().status is Status.READY)


def test_while_a_report_is_made_others_get_the_last_one() -> None:
    answer = threading.Event()
    answer.set()
    entered = threading.Event()

    def run() -> None:
        entered.set()
        answer.wait()

    readiness = Readiness([Check(name="slow", run=run)], deadline_s=60, keep_s=0)
    readiness.report()
    answer.clear()
    entered.clear()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(readiness.report)
        entered.wait()
        assert readiness.report().status is Status.READY
        assert not first.done()
        answer.set()


def test_a_process_that_is_about_to_end_is_not_ready() -> None:
    readiness = Readiness([check("a")])
    readiness.report()

    readiness.stop()

    assert (readiness.report().status, readiness.report().http_status) == (Status.STOPPING, 503)
