"""`/ui/alerts`: what fires, who is on it, what is silenced, and what was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.core.roles import Role
from dashboards.web.forms import invalid, query, read_form, shaped
from reporting.alerts.alerts_store import Selection
from reporting.alerts.paging import read_id, read_place, write_place
from reporting.alerts.silences_service import NewSilence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.alerts.alerts_service import Alerts
    from reporting.alerts.silences_service import Silences
    from reporting.definitions.definition import Definition

_MOST = 100
_ON_A_PAGE = 25
_HOURS = {"1": "1 hour", "4": "4 hours", "24": "a day", "168": "a week"}


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    audit: Audit,
    *,
    alerts: Alerts,
    silences: Silences,
    definitions: Callable[[], Sequence[Definition]],
) -> Blueprint:
    """Return the routes of alerts and silences."""
    routes = pages.blueprint("alerts")

    @routes.get("/alerts")
    @guard.role(Role.VIEWER)
    def every() -> Response:
        now = CLOCK.now()
        page = alerts.page(Selection(over=False), after=None, limit=_MOST)
        past = alerts.page(Selection(over=True), after=read_place(query("after")), limit=_ON_A_PAGE + 1).alerts
        shown = past[:_ON_A_PAGE]
        last = shown[-1] if len(past) > _ON_A_PAGE else None
        return pages.page(
            "alerts/alerts.html",
            open_ones=page.alerts,
            evaluated_at=page.evaluated_at,
            past=shown,
            following=None if last is None else write_place((last.alert.breached_at, last.alert_id)),
            silences=silences.page(now, everything=False, limit=_MOST),
            slos=sorted((each.name, each.service) for each in definitions()),
            hours=_HOURS,
        )

    @routes.get("/alerts/live")
    @guard.role(Role.VIEWER)
    def live() -> Response:
        page = alerts.page(Selection(over=False), after=None, limit=_MOST)
        return pages.page("alerts/live.html", open_ones=page.alerts, evaluated_at=page.evaluated_at)

    @routes.get("/alerts/<alert_id>")
    @guard.role(Role.VIEWER)
    def one(alert_id: str) -> Response:
        alert, changes = alerts.get(read_id(alert_id, "alert"))
        return pages.page("alerts/alert.html", alert=alert, changes=changes)

    @routes.post("/alerts/<alert_id>/ack")
    @guard.role(Role.ONCALL)
    def acknowledge(alert_id: str) -> Response:
        actor = guard.actor()
        with audit.change(actor, "alerts.acknowledge", alert_id, now=datetime.now(UTC)):
            alerts.acknowledge(read_id(alert_id, "alert"), CLOCK.now(), by=actor.name)
        return pages.go("/ui/alerts")

    @routes.post("/silences")
    @guard.role(Role.ONCALL)
    @pages.refused_on(every)
    def silence() -> Response:
        form, actor, now = read_form(), guard.actor(), CLOCK.now()
        hours = form.text("hours")
        if hours not in _HOURS:
            raise invalid("hours", f"It is one of {', '.join(_HOURS)}")
        wanted = shaped(
            NewSilence,
            {
                "ends_at": now + timedelta(hours=int(hours)),
                "reason": form.text("reason"),
                "service": form.optional("service"),
                "slo": form.optional("slo"),
                "severity": form.optional("severity"),
            },
        )
        matches = ", ".join(filter(None, (wanted.service, wanted.slo, wanted.severity)))
        with audit.change(actor, "silences.add", matches, now=datetime.now(UTC), hours=hours, reason=wanted.reason):
            silences.add(wanted, now, by=actor.name)
        return pages.go("/ui/alerts#silences")

    @routes.post("/silences/<silence_id>/end")
    @guard.role(Role.ONCALL)
    def end(silence_id: str) -> Response:
        actor = guard.actor()
        with audit.change(actor, "silences.end", silence_id, now=datetime.now(UTC)):
            silences.end(read_id(silence_id, "silence"), CLOCK.now(), by=actor.name)
        return pages.go("/ui/alerts#silences")

    return routes
