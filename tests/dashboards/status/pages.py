"""Pages that are made by hand, as pictures and tests of forms need them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.status.model import Day, Service, StatusPage
from dashboards.status.state import State
from reporting.publication.publication import Progress, PublicUpdate, PublishedIncident
from reporting.slo.burn_rate_alert import AlertSeverity

NOW = datetime(2026, 11, 22, 14, 17, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def day(ago: int, state: State = State.OPERATIONAL, good: int = 1_000, total: int = 1_000, minutes: int = 0) -> Day:
    return Day(on=TODAY - timedelta(days=ago), state=state, good=good, total=total, maintenance_minutes=minutes)


def service(name: str = "checkout", state: State = State.OPERATIONAL, *last: Day) -> Service:
    """A service of 90 days, of which the last are given."""
    days = [day(ago) for ago in range(89, len(last) - 1, -1)]
    return Service(name=name, state=state, promise="99.9 % work.", target=Decimal("0.999"), days=(*days, *last))


def incident(**changed: Any) -> PublishedIncident:
    given: dict[str, Any] = {
        "incident_id": "inc_1",
        "service": "checkout",
        "severity": AlertSeverity.PAGE,
        "title": "Payments fail",
        "started_at": NOW - timedelta(hours=2),
        "resolved_at": None,
        "published_at": NOW - timedelta(hours=1),
        "published_by": "Ada of the on-call team",
        "updates": (PublicUpdate(NOW - timedelta(minutes=30), Progress.IDENTIFIED, "A database is full."),),
    }
    return PublishedIncident(**given | changed)


def page(*services: Service, **changed: Any) -> StatusPage:
    given: dict[str, Any] = {
        "as_of": NOW,
        "zone": ZoneInfo("Europe/Berlin"),
        "services": services,
        "incidents": (),
        "maintenance": (),
        "past_days": tuple(TODAY - timedelta(days=ago) for ago in range(14)),
    }
    return StatusPage(**given | changed)
