"""A report of a real database: empty, filled, of a part of it, and the same again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from app.core.telemetry.rollups import Rollups
from reporting.reports.figures.periods import read_period
from reporting.reports.figures.scoping import UnknownScopeError
from reporting.reports.model import Decision, Scope, Standing
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.recount import Request, store

if TYPE_CHECKING:
    from app.core.database import Database
    from app.slo_composition import SLOParts

NOW = datetime.now(UTC)
SLOS = Path(__file__).resolve().parents[3] / "slos"
MONTH = read_period("last-month", "Europe/Berlin", NOW)


def apply_shipped(parts: SLOParts) -> None:
    text = "\n---\n".join(path.read_text("utf-8") for path in sorted(SLOS.glob("*.yaml")))
    parts.catalogue.apply(text, by="test", now=NOW)


def some_requests(count: int) -> list[Request]:
    chance = random.Random(5)
    first = minute_of(MONTH.start)
    return [
        Request(
            minute=first + chance.randrange(-20 * 1_440, 30 * 1_440),
            route=chance.choice(("/events", "/accounts/{id}/summary")),
            status=chance.choice((200,) * 50 + (503, 429)),
            duration_us=int(10 ** chance.uniform(2, 5)),
            tier=chance.choice(("free", "standard")),
            account=chance.choice((None, "acme")),
        )
        for _ in range(count)
    ]


def test_nothing_is_unknown_and_never_good(parts: SLOParts) -> None:
    apply_shipped(parts)

    report = parts.compiler.compile(MONTH, Scope(), NOW)

    assert report.verdict.decision is Decision.UNKNOWN
    assert {promise.standing for promise in report.promises} == {Standing.NO_DATA}
    assert {day.standing for day in report.days} == {Standing.NO_DATA}
    assert report.overview.requests.sli is None
    assert report.burn_downs == ()


def test_the_same_data_make_the_same_report_however_they_are_added_up(database: Database, parts: SLOParts) -> None:
    store(database, some_requests(800))
    apply_shipped(parts)

    from_minutes = parts.compiler.compile(MONTH, Scope(), NOW)
    Rollups(database).add_up(NOW)
    added_up = parts.compiler.compile(MONTH, Scope(), NOW)

    assert added_up == from_minutes
    assert added_up.overview.requests.total > 300


def test_a_report_of_a_part_has_the_requests_of_that_part(database: Database, parts: SLOParts) -> None:
    requests = some_requests(800)
    store(database, requests)
    Rollups(database).add_up(NOW)
    apply_shipped(parts)
    span = range(minute_of(MONTH.start), minute_of(MONTH.end))
    within = [request for request in requests if request.minute in span]

    def total(scope: Scope) -> tuple[int, int]:
        report = parts.compiler.compile(MONTH, scope, NOW)
        (availability,) = [each for each in report.promises if each.slo == "availability"]
        assert availability.tally.total == report.overview.requests.total
        assert sum(day.requests.total for day in report.days) == report.overview.requests.total
        return report.overview.requests.total, len(report.promises)

    assert total(Scope(service="slipstream")) == (len(within), 4)
    assert total(Scope(tier="free")) == (sum(request.tier == "free" for request in within), 3)
    assert total(Scope(account_id="acme")) == (sum(request.account == "acme" for request in within), 3)
    assert parts.compiler.compile(MONTH, Scope(service="other"), NOW).promises == ()


def test_requests_of_an_account_to_a_service_that_says_itself_who_called_are_not_reported(parts: SLOParts) -> None:
    with pytest.raises(UnknownScopeError):
        parts.compiler.compile(MONTH, Scope(service="checkout", account_id="acme"), NOW)


def test_a_report_says_which_promises_late_records_have_changed(database: Database, parts: SLOParts) -> None:
    apply_shipped(parts)
    requests = some_requests(300)
    store(database, requests)
    first = parts.compiler.compile(MONTH, Scope(), NOW)
    late = [late_copy(request) for request in requests[:40] if request.route == "/events"]
    store(database, late)

    again = parts.compiler.compile(MONTH, Scope(), NOW, first)

    assert {each.slo for each in again.promises if each.restated} == {"availability", "ingest-latency"}
    assert not any(each.restated for each in parts.compiler.compile(MONTH, Scope(), NOW, again).promises)


def late_copy(request: Request) -> Request:
    return Request(request.minute, "/events", 200, 1_000, method="POST", writer="late")


def test_the_time_it_was_made_at_is_all_that_differs(database: Database, parts: SLOParts) -> None:
    store(database, some_requests(100))
    apply_shipped(parts)

    one, two = (parts.compiler.compile(MONTH, Scope(), now) for now in (NOW, datetime.now(UTC)))

    assert structs.replace(one, generated_at=two.generated_at) == two
