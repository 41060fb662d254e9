"""Incidents and maintenance made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from reporting.reports.model import Action, Contributor, Incident, Maintenance
from tests.reporting.reports.parts import tally

CONTRIBUTORS = (
    Contributor(dimension="route", value="POST /pay", bad=9_804, share=Decimal("0.804")),
    Contributor(dimension="status", value="503", bad=11_902, share=Decimal("0.976")),
    Contributor(dimension="account", value="acme-003", bad=4_102, share=Decimal("0.336")),
    Contributor(dimension="reason", value="dependency-unavailable", bad=11_902, share=Decimal("0.976")),
)


def incident(
    name: str, title: str, began: datetime, minutes: int, *, bad: int, severity: str = "page", known: bool = True
) -> Incident:
    return Incident(
        incident_id=name,
        title=title,
        service="checkout",
        severity=severity,
        source="alert",
        started_at=began,
        resolved_at=began + timedelta(minutes=minutes),
        minutes=minutes,
        requests_bad=bad,
        requests_total=bad * 9,
        accounts_hurt=88,
        budget_slo="availability",
        budget_share=Decimal(bad) / Decimal(41_160),
        seconds_to_detect=140,
        seconds_to_acknowledge=412 if known else None,
        seconds_to_resolve=minutes * 60,
        acknowledged_by="Ada" if known else None,
        root_cause="A deploy of the payment gateway closed all connections at once." if known else None,
        actions=(
            Action(text="Drain connections before a deploy", owner="Payments core", due=date(2026, 11, 20)),
            Action(text="Alert on refused connections of the gateway", owner="SRE", done=True),
        )
        if known
        else (),
        contributors=CONTRIBUTORS,
    )


def short_incident() -> Incident:
    return incident("inc-13", "Checkout answers burns fast", datetime(2026, 10, 13, 8, 12, tzinfo=UTC), 18, bad=1_204)


def upgrade() -> Maintenance:
    return Maintenance(
        service="checkout",
        starts_at=datetime(2026, 10, 20, 1, 0, tzinfo=UTC),
        ends_at=datetime(2026, 10, 20, 1, 45, tzinfo=UTC),
        author="grace",
        reason="PostgreSQL 18 upgrade",
        excluded=tally(7_525, 6_670),
    )
