"""`/ui/`: how every promise stands, what fires, and what waits, on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.core.errors import DependencyError
from app.core.roles import Role
from dashboards.web.fresh import Fresh
from dashboards.web.promises import verdict, worst_first
from reporting.alerts.alerts_store import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.queue.stats import QueueStats
    from dashboards.web.pages import Pages
    from dashboards.web.promises import Promise, Verdict
    from dashboards.web.session_guard import SessionGuard
    from reporting.alerts.alerts_service import Alerts
    from reporting.alerts.incident import Incident
    from reporting.alerts.incidents_service import Incidents
    from reporting.alerts.standing import StandingAlert
    from reporting.slo_service import SLOs

FRESH_S = 5.0
_MOST = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is in the queue: events and bytes, the age of the oldest in seconds, and workers that are there."""

    events: int
    bytes: int
    oldest_s: float
    workers: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything of one moment; `waiting` is None while Valkey is away."""

    at: datetime
    verdict: Verdict
    promises: Sequence[Promise]
    alerts: Sequence[StandingAlert]
    incidents: Sequence[Incident]
    evaluated_at: datetime | None
    waiting: Waiting | None


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    slos: SLOs,
    *,
    alerts: Alerts,
    incidents: Incidents,
    queue: Callable[[], QueueStats],
) -> Blueprint:
    """Return the routes of the overview."""
    routes = pages.blueprint("overview")

    def read(now: datetime) -> Overview:
        promises = worst_first(slos.standing(now))
        page = alerts.page(Selection(over=False), after=None, limit=_MOST)
        return Overview(
            at=now,
            verdict=verdict(promises),
            promises=promises,
            alerts=page.alerts,
            incidents=incidents.page(service=None, is_open=True, after=None, limit=_MOST),
            evaluated_at=page.evaluated_at,
            waiting=_waiting(queue),
        )

    fresh = Fresh(read, seconds=FRESH_S)

    @routes.get("/")
    @guard.role(Role.VIEWER)
    def overview() -> Response:
        return pages.page("overview/overview.html", overview=fresh.get(CLOCK.now()))

    @routes.get("/overview/live")
    @guard.role(Role.VIEWER)
    def live() -> Response:
        return pages.page("overview/live.html", overview=fresh.get(CLOCK.now()))

    return routes


def _waiting(queue: Callable[[], QueueStats]) -> Waiting | None:
    try:
        stats = queue()
    except DependencyError:
        return None
    return Waiting(
        events=sum(lane.events for lane in stats.lanes),
        bytes=sum(lane.bytes for lane in stats.lanes),
        oldest_s=max((lane.oldest_age_ms for lane in stats.lanes), default=0) / 1_000,
        workers=len(stats.leases),
    )
