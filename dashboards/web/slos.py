"""`/ui/slos`: every promise, and of each its budget, how it burns, what was bad, and what is written in its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.core.clock import CLOCK
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.burning import burning
from dashboards.web.forms import query
from dashboards.web.fresh import Fresh, FreshEach
from dashboards.web.promises import promise_of, worst_first
from reporting.charts.slo_page import bad_events, budget_left, durations
from reporting.definitions.export import export
from reporting.slo.windows import minute_of
from reporting.slo_view import shown

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.alerts.incident import Incident
    from reporting.alerts.incidents_service import Incidents
    from reporting.annotations.annotation import Annotation
    from reporting.annotations.annotations_service import Annotations
    from reporting.evaluation.evaluator import Shown
    from reporting.slo_history import History, SLOHistory
    from reporting.slo_service import SLOs


class Range(NamedTuple):
    """A stretch of time up to now, in minutes: how long, in which buckets, and in which wider ones for durations."""

    length: int
    width: int
    wide: int
    bucket: str


RANGES = {
    "1h": Range(60, 1, 5, "a minute"),
    "6h": Range(360, 5, 15, "5 minutes"),
    "1d": Range(1_440, 15, 60, "15 minutes"),
    "7d": Range(10_080, 120, 360, "2 hours"),
    "30d": Range(43_200, 1_440, 1_440, "a day"),
}
DEFAULT_RANGE = "7d"
_SHOWN_S = 5.0
_HISTORY_S = 30.0
_PINS = 9
_RECENT = 100
_MOST_DEPLOYS = 30


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    slos: SLOs,
    history: SLOHistory,
    *,
    incidents: Incidents,
    annotations: Annotations,
    timezone: str,
) -> Blueprint:
    """Return the routes of SLOs."""
    routes = pages.blueprint("slos")
    every = Fresh(lambda now: worst_first(slos.standing(now)), seconds=_SHOWN_S)
    each = FreshEach(slos.evaluated, seconds=_SHOWN_S)

    def read(key: tuple[str, str], now: datetime) -> tuple[History, list[Incident], list[Annotation]]:
        evaluation = found(key[0], now).evaluation
        wanted, end = RANGES[key[1]], minute_of(now) + 1
        read_now = history.read(evaluation, (end - wanted.length, end), width=wanted.width, wide=wanted.wide)
        service = evaluation.definition.service
        recent = incidents.page(service=service, is_open=None, after=None, limit=_RECENT)
        since = read_now.spots[0].start
        hurt = [one for one in reversed(recent) if one.resolved_at is None or one.resolved_at > since]
        deploys = annotations.page(service=service, since=since, limit=_MOST_DEPLOYS)
        return read_now, hurt[-_PINS:], deploys[::-1]

    histories = FreshEach(read, seconds=_HISTORY_S)

    def found(name: str, now: datetime) -> Shown:
        evaluated = each.get(name, now)
        if evaluated is None:
            raise Problem(ProblemType.NOT_FOUND, "There is no such SLO.")
        return evaluated

    @routes.get("/slos")
    @guard.role(Role.VIEWER)
    def overview() -> Response:
        promises = every.get(CLOCK.now())
        services = sorted({one.slo.service for one in promises})
        wanted = query("service")
        return pages.page(
            "slos/slos.html",
            promises=[one for one in promises if wanted in {None, one.slo.service}],
            services=services,
            wanted=wanted,
            everything=len(promises),
        )

    @routes.get("/slos/<name>")
    @guard.role(Role.VIEWER)
    def one(name: str) -> Response:
        evaluated = found(name, CLOCK.now())
        definition = evaluated.evaluation.definition
        return pages.page(
            "slos/slo.html",
            promise=promise_of(shown(*evaluated)),
            burning=burning(evaluated.evaluation),
            description=definition.description,
            written=export([definition.written]),
            ranges=tuple(RANGES),
            chosen=chosen_range(),
        )

    @routes.get("/slos/<name>/live")
    @guard.role(Role.VIEWER)
    def live(name: str) -> Response:
        evaluated = found(name, CLOCK.now())
        return pages.page(
            "slos/live.html", promise=promise_of(shown(*evaluated)), burning=burning(evaluated.evaluation)
        )

    @routes.get("/slos/<name>/charts")
    @guard.role(Role.VIEWER)
    def charts(name: str) -> Response:
        chosen, now = chosen_range(), CLOCK.now()
        slo = shown(*found(name, now))
        past, pinned, deploys = histories.get((name, chosen), now)
        measured = any(spot.total for spot in past.spots)
        return pages.page(
            "slos/charts.html",
            slo=slo,
            history=past,
            measured=measured,
            incidents=pinned,
            deploys=deploys,
            bucket=RANGES[chosen].bucket,
            chosen=chosen,
            left=budget_left(past.spots, pinned, deploys=deploys, zone=timezone),
            bad=bad_events(past.spots, deploys=deploys, zone=timezone, unit="requests" if past.routes else slo.unit),
            durations=durations(past.speeds, deploys=deploys, end=past.spots[-1].end, zone=timezone)
            if past.speeds
            else None,
        )

    return routes


def chosen_range() -> str:
    """Return the name of the range that is asked for."""
    wanted = query("range") or DEFAULT_RANGE
    if wanted not in RANGES:
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`range` is one of {', '.join(RANGES)}.")
    return wanted
