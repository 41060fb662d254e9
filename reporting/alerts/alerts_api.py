"""`/alerts`: for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, request

from app.core.clock import CLOCK
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from reporting.alerts.alerts_description import (
    ACKNOWLEDGE,
    GET,
    LIST,
    AlertHistory,
    AlertPage,
    AlertView,
    ChangeView,
)
from reporting.alerts.alerts_store import Selection
from reporting.alerts.paging import read_choice, read_id, read_limit, read_place, read_text, write_place
from reporting.slo.alert_state import AlertState
from reporting.slo.burn_rate_alert import AlertSeverity

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
    from reporting.alerts.alerts_service import Alerts
    from reporting.alerts.standing import StandingAlert


def blueprint(alerts: Alerts, guard: Guard) -> Blueprint:
    """Return the routes of alerts."""
    routes = Blueprint("alerts", __name__)

    @routes.get("/alerts")
    @guard.admin
    @describe(LIST)
    def list_alerts() -> Response:
        limit = read_limit(request.args.get("limit"))
        page = alerts.page(_selection(), after=read_place(request.args.get("after")), limit=limit + 1)
        found = page.alerts[:limit]
        following = write_place((found[-1].alert.breached_at, found[-1].alert_id)) if len(page.alerts) > limit else None
        return json_response(AlertPage([view_of(alert) for alert in found], following, page.evaluated_at))

    @routes.get("/alerts/<alert_id>")
    @guard.admin
    @describe(GET)
    def get_alert(alert_id: str) -> Response:
        alert, changes = alerts.get(read_id(alert_id, "alert"))
        history = [ChangeView(each.at, each.state, each.actor, each.notification_id) for each in changes]
        return json_response(AlertHistory(view_of(alert), history))

    @routes.post("/alerts/<alert_id>/ack")
    @guard.admin
    @changes("alerts.acknowledge", "alert_id")
    @describe(ACKNOWLEDGE)
    def acknowledge(alert_id: str) -> Response:
        return json_response(view_of(alerts.acknowledge(read_id(alert_id, "alert"), CLOCK.now(), by=g.principal.name)))

    return routes


def view_of(alert: StandingAlert) -> AlertView:
    """Return an alert as it is shown."""
    return AlertView(
        alert_id=alert.alert_id,
        slo=alert.slo,
        service=alert.service,
        rule=alert.rule,
        severity=alert.severity,
        state=alert.alert.state,
        breached_at=alert.alert.breached_at,
        since=alert.alert.since,
        seen_at=alert.alert.seen_at,
        frozen=alert.alert.frozen,
        notified=alert.alert.notified,
        incident_id=alert.incident_id,
        figures=alert.figures,
    )


def _selection() -> Selection:
    over = read_choice("over", request.args.get("over"), ("true", "false"))
    return Selection(
        state=read_choice("state", request.args.get("state"), AlertState),
        severity=read_choice("severity", request.args.get("severity"), AlertSeverity),
        service=read_text("service", request.args.get("service")),
        slo=read_text("slo", request.args.get("slo")),
        over=None if over is None else over == "true",
    )
