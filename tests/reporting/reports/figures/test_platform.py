"""What a report says of the platform itself: accounts and how they were treated, incidents with accounts, slices with deaths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from sqlalchemy import insert, text

from app.core.tables import circuit_changes, notices
from app.core.telemetry.rollups import Rollups
from ingestion.writer import Writer
from reporting.alerts import incidents_store
from reporting.reports.figures.periods import read_period
from reporting.reports.model import Scope
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, store
from tests.reporting.evaluation.stored_events import batch
from tests.reporting.reports.figures.test_sections import incident

if TYPE_CHECKING:
    from app.core.database import Database
    from app.slo_composition import SLOParts
    from tests.conftest import World

NOW = datetime.now(UTC)
MONTH = read_period("last-month", "Asia/Kathmandu", NOW)
FIRST = minute_of(MONTH.start)
MINUTE = timedelta(minutes=1)


def stored(
    database: Database, account_id: str, events: list[datetime], *, number: int, received: datetime = NOW
) -> None:
    made = [
        {"event_id": f"{number}-{place}", "type": "a", "timestamp": at.isoformat()} for place, at in enumerate(events)
    ]
    some = batch(made, account_id=account_id, number=number, received=received)
    Writer(database, statement_events=100, clock=lambda: received + timedelta(seconds=90)).store([some])


@pytest.mark.parametrize("added_up", [False, True], ids=["from minutes", "added up"])
@pytest.mark.usefixtures("world")
def test_accounts_are_shown_with_their_volume_and_what_protection_did(
    database: Database, parts: SLOParts, *, added_up: bool
) -> None:
    edges = [MONTH.start - MINUTE, MONTH.start, MONTH.start + timedelta(days=9), MONTH.end - MINUTE, MONTH.end]
    stored(database, "acme", edges, number=1)
    stored(database, "bolt", edges[:1], number=2)
    requests = [
        Request(minute_of(at), "/events", status, 100, tier="standard", account="acme")
        for at in edges
        for status in (202, 429, 500, 503)
    ]
    store(database, requests)
    with database.begin() as connection:
        connection.execute(text("UPDATE account_request_minutes SET reason = 'circuit-open' WHERE status = 503"))
        for number, at in enumerate(edges):
            change = {
                "change_id": f"c{number}",
                "changed_at": at,
                "before": "closed",
                "after": "open",
                "cause": "admitted",
            }
            connection.execute(insert(circuit_changes).values(account_id="acme", **change))
            notice = {"period": f"p{number}", "threshold": 80, "used": 8, "quota": 10, "noticed_at": at}
            connection.execute(insert(notices).values(account_id="bolt", **notice))
    if added_up:
        Rollups(database).add_up(NOW)

    report = parts.compiler.compile(MONTH, Scope(), NOW)
    acme, bolt = report.accounts
    of_bolt = parts.compiler.compile(MONTH, Scope(account_id="bolt"), NOW)

    assert (acme.account_id, acme.events, acme.share, acme.requests, acme.bad, acme.limited) == ("acme", 3, 1, 12, 6, 3)
    assert (acme.breaker_opened, acme.quota_notices, acme.refused) == (3, 0, 3)
    assert (bolt.account_id, bolt.events, bolt.requests, bolt.quota_notices) == ("bolt", 0, 0, 3)
    assert of_bolt.accounts == (structs.replace(bolt, share=None),)
    assert parts.compiler.compile(MONTH, Scope(service="checkout"), NOW).accounts == ()


def test_completeness_of_an_account_is_of_events_with_an_outcome(
    database: Database, parts: SLOParts, world: World
) -> None:
    stored(database, "acme", [NOW] * 4, number=1, received=MONTH.start + MINUTE)
    stored(database, "bolt", [NOW] * 2, number=2, received=MONTH.start + MINUTE)

    mine = parts.compiler.compile(MONTH, Scope(account_id="acme"), NOW).completeness
    everybody = parts.compiler.compile(MONTH, Scope(), NOW).completeness

    assert mine is not None
    assert everybody is not None
    assert (mine.accepted, mine.stored, mine.late, mine.balanced) == (4, 4, 4, None)
    # Valkey has counted nothing, because nothing went through admission: the report says that it does not add up.
    assert (everybody.accepted, everybody.stored, everybody.balanced) == (0, 6, False)
    assert parts.compiler.compile(MONTH, Scope(tier="free"), NOW).completeness is None


@pytest.mark.usefixtures("world")
def test_an_incident_of_the_platform_says_which_accounts_it_hurt(database: Database, parts: SLOParts) -> None:
    within = [("acme", 500), ("acme", 500), ("bolt", 503), ("corner", 200), (None, 500)]
    store(
        database,
        [Request(FIRST + 70 + n, "/events", status, 100, account=who) for n, (who, status) in enumerate(within)],
    )
    store(database, [Request(FIRST + 300, "/events", 500, 100, account="corner", writer="later")])
    all_of = {"service": "slipstream"}
    parts.catalogue.apply(
        slo("available", total=all_of, good=all_of | {"status": "<500"}, alerts=False), by="test", now=NOW
    )
    burns = incident(0, None, started_at=MONTH.start + 70 * MINUTE, resolved_at=MONTH.start + 75 * MINUTE)
    with database.begin() as connection:
        incidents_store.add(connection, [burns])

    (found,) = parts.compiler.compile(MONTH, Scope(), NOW).incidents
    (of_acme,) = parts.compiler.compile(MONTH, Scope(account_id="acme"), NOW).incidents

    assert (found.requests_bad, found.requests_total, found.accounts_hurt) == (4, 5, 2)
    assert (found.budget_slo, found.budget_share) == ("available", Context(prec=28).divide(Decimal(4), Decimal("0.06")))
    accounts = [(each.value, each.bad) for each in found.contributors if each.dimension == "account"]
    assert accounts == [("acme", 2), ("bolt", 1)]
    assert (of_acme.requests_bad, of_acme.requests_total, of_acme.accounts_hurt) == (2, 2, 1)


def test_slices_of_slowness_count_requests_that_never_finished_as_slow(database: Database, parts: SLOParts) -> None:
    fast, slow = Request(FIRST, "/events", 200, 100), Request(FIRST + 1, "/events", 200, 900_000)
    died, unknown = Request(FIRST + 2, "/events", 599, None), Request(FIRST + 3, "/events", 200, None)
    both = [Request(FIRST + 4, "/events", 200, 100), Request(FIRST + 4, "/events", 599, None)]
    store(database, [fast, slow, died, unknown, *both])
    quick, sluggish = {"duration_ms": "<500"}, {"duration_ms": ">=500"}
    sliced = {"method": "Timeslices", "timeSliceTarget": 0.5, "timeSliceWindow": "1m", "alerts": False}
    parts.catalogue.apply(
        together(slo("quick", total={}, good=quick, **sliced), slo("slow", total={}, bad=sluggish, **sliced)),
        by="test",
        now=NOW,
    )

    found = {each.slo: each.tally for each in parts.compiler.compile(MONTH, Scope(), NOW).promises}

    # Good: the fast one, and the half of the two. Bad: the slow one, the dead one. Nobody knows of the last one.
    assert {name: (tally.good, tally.total) for name, tally in found.items()} == {"quick": (2, 4), "slow": (2, 4)}
