"""What is kept of counts as they grow old: sums stay right, and what comes late is added and never put in their place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.core.accepted_minutes import AcceptedMinutes
from app.core.counting.thinning import RuleThinning
from app.core.minute_folding import MinuteFolding
from app.core.telemetry.additions_store import add_requests
from app.core.telemetry.rollups import Rollups
from app.core.telemetry.thinning import RequestThinning
from app.slo_composition import compose_slos
from ingestion.writer import Writer
from reporting.evaluation import request_store
from reporting.evaluation.request_store import Scope
from reporting.evaluation.tiles import tiles_of
from reporting.reports.figures.requests_store import Rows
from reporting.slo.windows import minute_of
from tests.reporting.evaluation.definitions import slo, together
from tests.reporting.evaluation.recount import Request, store
from tests.reporting.evaluation.stored_events import batch
from tests.reporting.evaluation.test_ingestion_slis import COMPLETE, Intake

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from app.slo_composition import SLOParts

DAY = timedelta(days=1)
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NOW = MIDNIGHT + timedelta(hours=12)
KEPT = {"minutes_kept": 35 * DAY, "quarters_kept": 100 * DAY}
QUARTER_WINDOW = {"duration": "90d", "isRolling": True}
YEAR = {"duration": "366d", "isRolling": True}
REQUESTS = together(
    slo("all", total={"service": "slipstream"}, good={"service": "slipstream", "status": "<500"}, window=YEAR),
    slo("acme", total={"account_id": "acme"}, good={"account_id": "acme", "duration_ms": "<500"}, window=YEAR),
    slo(
        "sliced",
        total={"service": "slipstream"},
        good={"service": "slipstream", "status": "<500"},
        window=YEAR,
        method="RatioTimeslices",
        timeSliceWindow="1d",
    ),
)


def old_requests(*, writer: str = "w", days: tuple[int, ...] = (1, 34, 40, 150)) -> list[Request]:
    return [
        Request(
            minute_of(MIDNIGHT - back * DAY) + 17 * n,
            "/a",
            500 if n % 10 == 0 else 200,
            1_000 + 1_000_000 * (n % 2),
            writer=writer,
            account="acme",
        )
        for back in days
        for n in range(20)
    ]


def thinning(database: Database) -> RequestThinning:
    return RequestThinning(database, **KEPT)


def rows(database: Database, what: str) -> int:
    with database.begin() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())  # noqa: S608 - A test's own.


def figures(database: Database, valkey: Valkey, at: datetime = NOW) -> dict[str, tuple[int, int]]:
    """What is counted by somebody who remembers nothing."""
    counted = [
        (each.definition.name, each.figures.counts) for each in compose_slos(database, valkey).evaluator.every(at)
    ]
    return {name: (counts.good, counts.total) for name, counts in counted}


@pytest.fixture
def requested(database: Database, parts: SLOParts) -> SLOParts:
    store(database, old_requests())
    parts.catalogue.apply(REQUESTS, by="test", now=NOW)
    Rollups(database).add_up(NOW)
    return parts


@pytest.mark.usefixtures("requested")
def test_old_minutes_go_and_the_figures_stay(database: Database, valkey: Valkey) -> None:
    before = figures(database, valkey)

    steps = thinning(database).run(NOW)

    assert steps > 0
    assert rows(database, "request_minutes") == rows(database, "account_request_minutes") == 2 * 20
    assert figures(database, valkey) == before
    assert thinning(database).run(NOW) == 0


def test_a_service_of_which_only_old_requests_are_kept_is_still_read(database: Database) -> None:
    with database.begin() as connection:
        add_requests(connection, "shop", {(minute_of(NOW - 40 * DAY), "acme", "/pay", "POST", "", 200, "", None): 3})
    Rollups(database).add_up(NOW)
    thinning(database).run(NOW)
    assert rows(database, "request_minutes") == 0

    everything = Scope(None, None)
    tiles = set(tiles_of(minute_of(MIDNIGHT - 60 * DAY), minute_of(MIDNIGHT)))
    with database.begin() as connection:
        found = list(request_store.rows(connection, everything, tiles, histograms=False))
        assert Rows(connection, everything, None).services == ["shop"]
    assert sum(row.requests for _, row in found) == 3


@pytest.mark.usefixtures("requested")
def test_old_quarters_go_and_the_figures_stay(database: Database, valkey: Valkey) -> None:
    before = figures(database, valkey)
    thinning(database).run(NOW)
    assert rows(database, "request_rollups WHERE width = 15 AND bucket < now() - interval '120 days'") > 0

    assert thinning(database).purge_quarters(NOW) > 0

    assert rows(database, "request_rollups WHERE width = 15 AND bucket < now() - interval '120 days'") == 0
    assert rows(database, "account_request_rollups WHERE width = 15 AND bucket < now() - interval '120 days'") == 0
    assert figures(database, valkey) == before


@pytest.mark.usefixtures("requested")
@pytest.mark.parametrize("thinned_at_once", [False, True])
def test_what_comes_late_is_added_and_not_put_in_their_place(
    database: Database, valkey: Valkey, *, thinned_at_once: bool
) -> None:
    rollups, thinner = Rollups(database), thinning(database)
    thinner.run(NOW)
    thinner.purge_quarters(NOW)
    before = figures(database, valkey)
    remembering = compose_slos(database, valkey).evaluator
    remembering.every(NOW)

    store(database, old_requests(writer="late", days=(40, 150)))
    for _ in range(2):
        if not thinned_at_once:
            rollups.add_up(NOW)
        thinner.run(NOW)
        rollups.add_up(NOW)

    after = figures(database, valkey)
    assert after["all"] == (before["all"][0] + 2 * 18, before["all"][1] + 2 * 20)
    assert after["acme"] == (before["acme"][0] + 2 * 10, before["acme"][1] + 2 * 20)
    assert after["sliced"] == before["sliced"], "as many of each day are bad as before"
    assert rows(database, "request_minutes") == 2 * 20
    now = {each.definition.name: each.figures.counts.total for each in remembering.every(NOW)}
    assert now == {name: total for name, (_, total) in after.items()}


@pytest.mark.usefixtures("requested")
def test_a_quarter_of_which_some_is_not_in_its_day_yet_waits_for_that(database: Database, valkey: Valkey) -> None:
    store(database, old_requests(writer="late", days=(40,)))

    thinning(database).run(NOW)
    assert (
        rows(
            database,
            "request_minutes WHERE minute < now() - interval '37 days' AND minute > now() - interval '80 days'",
        )
        == 40
    )

    Rollups(database).add_up(NOW)
    thinning(database).run(NOW)
    assert rows(database, "request_minutes") == 2 * 20
    assert figures(database, valkey)["all"][1] == 5 * 20


def test_whoever_writes_the_minutes_of_today_waits_for_nobody(requested: SLOParts, database: Database) -> None:
    del requested
    with database.begin() as writing:
        add_requests(writing, "shop", {(minute_of(NOW), "acme", "/pay", "POST", "", 200, "", None): 1})
        assert thinning(database).run(NOW) > 0


def test_counts_of_rules_go_and_the_figures_stay(database: Database, valkey: Valkey, parts: SLOParts) -> None:
    parts.catalogue.apply(
        slo("paid", source="events", total={"type": "a"}, good={"type": "a", "payload.n": "<50"}, window=YEAR),
        by="test",
        now=NOW,
    )
    while parts.slos._backfill.step(NOW):
        pass
    add_events(database, "first")
    before = figures(database, valkey)
    assert before["paid"] == (100, 120)

    assert RuleThinning(database, **KEPT, rules_kept=DAY).run(NOW) > 0

    assert rows(database, "rule_counts WHERE width = 1 AND bucket < now() - interval '37 days'") == 0
    assert rows(database, "rule_counts WHERE width = 15 AND bucket < now() - interval '102 days'") == 0
    assert figures(database, valkey) == before
    add_events(database, "late")
    assert figures(database, valkey)["paid"] == (200, 240)
    RuleThinning(database, **KEPT, rules_kept=DAY).run(NOW)
    assert figures(database, valkey)["paid"] == (200, 240)


def add_events(database: Database, prefix: str) -> None:
    events = [
        {
            "event_id": f"{prefix}-{back}-{n}",
            "type": "a",
            "timestamp": (MIDNIGHT - back * DAY + timedelta(minutes=11 * n)).isoformat(),
            "payload": {"n": n},
        }
        for back in (40, 150)
        for n in range(60)
    ]
    writer = Writer(database, statement_events=1_000, clock=lambda: NOW)
    writer.store([batch(events, account_id="acme", number=len(prefix), received=NOW)])


def test_minutes_of_ingestion_are_folded_and_the_figures_stay(
    database: Database, valkey: Valkey, parts: SLOParts
) -> None:
    intake = Intake(database, valkey)
    parts.catalogue.apply(COMPLETE.replace("duration: 30d", "duration: 366d"), by="test", now=NOW)
    for back in (1, 38, 39):
        for n in range(40):
            accepted = MIDNIGHT - back * DAY + timedelta(minutes=7 * n)
            intake.accept(3, accepted)
            intake.store(2, accepted=accepted, stored=accepted + timedelta(seconds=n % 3))
    AcceptedMinutes(database, valkey).keep(NOW)
    before = figures(database, valkey)
    assert before["complete"] == (240, 360)
    folding = MinuteFolding(database, **KEPT)

    assert folding.run(NOW) > 0

    assert (
        rows(
            database,
            "outcome_minutes WHERE minute < now() - interval '37 days' AND extract(minute FROM minute)::int % 15 > 0",
        )
        == 0
    )
    assert (
        rows(
            database,
            "accepted_minutes WHERE minute < now() - interval '37 days' AND extract(minute FROM minute)::int % 15 > 0",
        )
        == 0
    )
    assert figures(database, valkey) == before
    assert folding.run(NOW) == 0
    MinuteFolding(database, minutes_kept=35 * DAY, quarters_kept=36 * DAY).run(NOW)
    assert rows(database, "outcome_minutes WHERE minute < now() - interval '37 days'") <= 2 * 3
    assert figures(database, valkey) == before
