"""SLOs that say what a test wants, and time that passes as it wants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.core.alert_tables import notifications
from reporting.alerts import alerts_store
from reporting.alerts.ack_links import AckLinks
from reporting.alerts.evaluation import Evaluation
from reporting.alerts.reading import SloReading
from reporting.alerts.telling import Teller
from reporting.slo.alert_catalogue import WORKBOOK
from reporting.slo.burn_rate_alert import AlertSeverity, fastest_first
from reporting.slo.objective import Objective
from reporting.slo.signals import Signal
from reporting.slo.state import SLOState

if TYPE_CHECKING:
    from app.core.database import Database
    from reporting.alerts.reading import Unknown
    from reporting.alerts.standing import StandingAlert

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RULES = fastest_first(tuple(pair.for_period(timedelta(days=30)) for pair in WORKBOOK.pairs))
B, C, N, L = Signal.BREACHING, Signal.CLEAR, Signal.NO_DATA, Signal.LOW_TRAFFIC
REMIND = {AlertSeverity.PAGE: timedelta(minutes=30)}
FAST = "page-1h-5m"


def reading(name: str = "availability", *signals: Signal, **changed: Any) -> SloReading:
    """An SLO whose rules say this; those that are not named are clear."""
    given = SloReading(
        name=name,
        service="checkout",
        target=Objective(target=Decimal("0.999")),
        rules=RULES,
        signals=(*signals, *[C] * (len(RULES) - len(signals))),
        burn_rates={"5m": Decimal("88.2"), "1h": Decimal("20.31"), "30m": None},
        budget_remaining_ratio=Decimal("0.62"),
        state=SLOState.BURNING if B in signals else SLOState.HEALTHY,
    )
    return replace(given, **changed)


class Days:
    """Evaluates what `slos` say, thirty seconds after thirty seconds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.slos: list[SloReading | Unknown] = []
        self.now = NOW
        self.links = AckLinks("https://slip.example")
        self.teller = Teller(link=self.links.link, remind_after=REMIND)
        self.evaluation = Evaluation(database, lambda _: self.slos, self.teller, spacing_s=0)

    def say(self, *slos: SloReading | Unknown, steps: int = 1, by: str = "worker") -> None:
        self.slos = list(slos)
        for _ in range(steps):
            assert self.evaluation.run(self.now, by=by)
            self.now += timedelta(seconds=30)

    def standing(self) -> dict[tuple[str, str], StandingAlert]:
        with self.database.begin() as connection:
            return alerts_store.current(connection)

    def states(self) -> dict[str, str]:
        return {f"{slo}/{rule}": str(each.alert.state) for (slo, rule), each in self.standing().items()}

    def told(self) -> list[dict[str, Any]]:
        with self.database.begin() as connection:
            return list(connection.scalars(select(notifications.c.payload).order_by(notifications.c.number)))

    def events(self) -> list[str]:
        return [each["event"].removeprefix("incident.") for each in self.told()]


@pytest.fixture
def days(database: Database) -> Days:
    return Days(database)
