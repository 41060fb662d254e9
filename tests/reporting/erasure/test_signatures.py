"""Who did something to alerts and promises, when an account is erased: its keys lose its name, and nobody else is touched."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.core.erasure import erasures_store
from app.core.erasure.erasure import stand_in
from app.core.erasure.purge import Purge
from reporting.alerts import alerts_store
from reporting.alerts.standing import Figures, StandingAlert
from reporting.catalogue import catalogue_store
from reporting.catalogue.catalogue import Catalogue
from reporting.erasure.slos import EraseSLOs
from reporting.slo.alert_state import Alert, AlertState
from reporting.slo.burn_rate_alert import AlertSeverity
from tests.core.erasure.begun import begun
from tests.reporting.evaluation.definitions import slo

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.erasure.erasure import Erasure

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SIGNED = ("mia", "mia/k3y", "mia-2/k3y")
"""A person who is called like the account, a key of the account, and one of another."""


@pytest.fixture
def erasure(database: Database) -> Erasure:
    erasure = begun("mia")
    with database.begin() as connection:
        erasures_store.put(connection, erasure)
    return erasure


@pytest.fixture
def left(erasure: Erasure) -> list[str]:
    return ["mia", f"{stand_in(erasure.digest)}/k3y", "mia-2/k3y"]


def test_the_record_of_an_alert_keeps_no_name_of_a_key(database: Database, erasure: Erasure, left: list[str]) -> None:
    alert = StandingAlert(
        alert_id="alr_1",
        slo="availability",
        service="slipstream",
        rule="page-1h-5m",
        severity=AlertSeverity.PAGE,
        alert=Alert(state=AlertState.FIRING, since=NOW, breached_at=NOW, seen_at=NOW, notified=True),
        figures=Figures(target="0.999", limit="14.4", burn_rates={}),
    )
    with database.begin() as connection:
        alerts_store.save(connection, [alert])
        for actor in SIGNED:
            alerts_store.record(connection, [("alr_1", NOW, AlertState.ACKNOWLEDGED, False)], actor=actor)

    assert sum(Purge(database, erasure, 1_000).run()) == 1

    with database.begin() as connection:
        assert [change.actor for change in alerts_store.changes_of(connection, "alr_1")] == left


def test_a_promise_stays_that_of_who_made_it(database: Database, erasure: Erasure, left: list[str]) -> None:
    for number, by in enumerate(SIGNED):
        text = slo(
            "pay",
            service="checkout",
            total={"route": "/pay"},
            good={"route": "/pay", "status": "<500"},
            target=0.9 + number / 100,
        )
        Catalogue(database).apply(text, by=by, now=NOW)

    list(EraseSLOs(database)(erasure, NOW))

    with database.begin() as connection:
        assert [version.applied_by for version in catalogue_store.versions(connection, "pay")] == left
