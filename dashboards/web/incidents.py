"""`/ui/incidents`: what hurt, why, what is done about it, and what the public is told."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.core.clock import CLOCK
from app.core.roles import Role
from dashboards.web.forms import query, read_form, shaped
from reporting.alerts.incident import Source
from reporting.alerts.incident_edits import WRITTEN, IncidentMovedError, seen_of
from reporting.alerts.incidents_service import IncidentChange, NewIncident
from reporting.alerts.paging import read_id, read_place, write_place
from reporting.publication.publication import Progress, usual_title
from reporting.publication.publications import NewUpdate, Publishing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from dashboards.web.forms import Form
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.alerts.alerts_service import Alerts
    from reporting.alerts.incident import Incident
    from reporting.alerts.incidents_service import Incidents
    from reporting.publication.publications import Publications

_SEEN = "seen_{}"
"""The hidden field of what a field was when the form was shown."""
_SPARE_ROWS = 2
_ON_A_PAGE = 25
_MOST = 100


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    audit: Audit,
    *,
    incidents: Incidents,
    alerts: Alerts,
    publications: Publications,
    public_services: Callable[[], Collection[str]],
    timezone: str,
) -> Blueprint:
    """Return the routes of incidents; `public_services` are those that the status page is about."""
    routes = pages.blueprint("incidents")

    @routes.get("/incidents")
    @guard.role(Role.VIEWER)
    def every() -> Response:
        place = read_place(query("after"))
        past = incidents.page(service=None, is_open=False, after=place, limit=_ON_A_PAGE + 1)
        shown = past[:_ON_A_PAGE]
        last = shown[-1] if len(past) > _ON_A_PAGE else None
        open_ones = incidents.page(service=None, is_open=True, after=None, limit=_MOST)
        return pages.page(
            "incidents/incidents.html",
            open_ones=open_ones,
            past=shown,
            published=publications.shown([each.incident_id for each in (*open_ones, *shown)]),
            following=None if last is None else write_place((last.started_at, last.incident_id)),
        )

    @routes.post("/incidents")
    @guard.role(Role.ONCALL)
    @pages.refused_on(every)
    def add() -> Response:
        form, actor = read_form(), guard.actor()
        values: dict[str, Any] = {name: form.text(name) for name in ("service", "title", "severity", "root_cause")}
        values["started_at"] = form.instant("started_at", timezone)
        values["resolved_at"] = form.instant("resolved_at", timezone)
        wanted = shaped(NewIncident, values)
        with audit.change(actor, "incidents.add", wanted.service, now=datetime.now(UTC), title=wanted.title):
            incident = incidents.add(wanted, CLOCK.now(), by=actor.name)
        return pages.go(f"/ui/incidents/{incident.incident_id}")

    @routes.get("/incidents/<incident_id>")
    @guard.role(Role.VIEWER)
    def one(incident_id: str) -> Response:
        incident, found = incidents.get(read_id(incident_id, "incident"))
        form = read_form()
        sent = len(form.every("action_text"))  # A form that comes back has as many rows.
        return pages.page(
            "incidents/incident.html",
            incident=incident,
            spare=(None,) * max(_SPARE_ROWS, sent - len(incident.actions)),
            seen=_seen_fields(incident, form),
            alerts=found,
            by_people=incident.source is Source.PEOPLE,
            published=publications.find(incident.incident_id),
            public=incident.service in public_services(),
            usual_title=usual_title(incident.service),
            steps=tuple(Progress),
        )

    @routes.post("/incidents/<incident_id>")
    @guard.role(Role.ONCALL)
    @pages.refused_on(one)
    def change(incident_id: str) -> Response:
        form, actor = read_form(), guard.actor()
        values: dict[str, Any] = {
            "title": form.text("title"),
            "root_cause": form.text("root_cause"),
            "actions": _actions(form),
        }
        if form.optional("resolved_at") is not None:
            values["resolved_at"] = form.instant("resolved_at", timezone)
        wanted = shaped(IncidentChange, values)
        seen = _seen(form)
        with _shown_again(form), audit.change(actor, "incidents.change", incident_id, now=datetime.now(UTC)):
            incidents.change(read_id(incident_id, "incident"), wanted, CLOCK.now(), seen=seen)
        return pages.go(f"/ui/incidents/{incident_id}")

    @routes.post("/incidents/<incident_id>/ack")
    @guard.role(Role.ONCALL)
    def acknowledge(incident_id: str) -> Response:
        actor = guard.actor()
        with audit.change(actor, "incidents.acknowledge", incident_id, now=datetime.now(UTC)):
            alerts.acknowledge_incident(read_id(incident_id, "incident"), CLOCK.now(), by=actor.name)
        return pages.go(f"/ui/incidents/{incident_id}")

    @routes.post("/incidents/<incident_id>/publish")
    @guard.role(Role.ONCALL)
    @pages.refused_on(one)
    def publish(incident_id: str) -> Response:
        wanted, actor = shaped(Publishing, {"title": read_form().optional("title")}), guard.actor()
        with audit.change(actor, "incidents.publish", incident_id, now=datetime.now(UTC), title=wanted.title):
            publications.publish(read_id(incident_id, "incident"), wanted, CLOCK.now(), by=actor.name)
        return pages.go(f"/ui/incidents/{incident_id}#public")

    @routes.post("/incidents/<incident_id>/updates")
    @guard.role(Role.ONCALL)
    @pages.refused_on(one)
    def tell(incident_id: str) -> Response:
        form, actor = read_form(), guard.actor()
        wanted = shaped(NewUpdate, {"status": form.text("status"), "text": form.text("text")})
        with audit.change(actor, "incidents.tell", incident_id, now=datetime.now(UTC), status=wanted.status):
            publications.tell(read_id(incident_id, "incident"), wanted, CLOCK.now(), by=actor.name)
        return pages.go(f"/ui/incidents/{incident_id}#public")

    @routes.post("/incidents/<incident_id>/withdraw")
    @guard.role(Role.ONCALL)
    def withdraw(incident_id: str) -> Response:
        with audit.change(guard.actor(), "incidents.withdraw", incident_id, now=datetime.now(UTC)):
            publications.withdraw(read_id(incident_id, "incident"), CLOCK.now())
        return pages.go(f"/ui/incidents/{incident_id}#public")

    return routes


def _seen_fields(incident: Incident, form: Form) -> dict[str, str]:
    """Return the hidden fields of what was seen. A form that comes back says still the same, whatever somebody else has done since."""
    return {
        field: form.text(field) or digest
        for name, digest in seen_of(incident).items()
        for field in (_SEEN.format(name),)
    }


@contextmanager
def _shown_again(form: Form) -> Iterator[None]:
    """Let a form whose fields somebody else has changed come back with what they say now: by that one he may write over them."""
    try:
        yield
    except IncidentMovedError as moved:
        form.forget(*(_SEEN.format(error.field) for error in moved.errors))
        raise


def _seen(form: Form) -> dict[str, str]:
    return {name: digest for name in WRITTEN if (digest := form.text(_SEEN.format(name)))}


def _actions(form: Form) -> list[dict[str, Any]]:
    """Read the rows of actions; one without words is none."""
    done = set(form.every("action_done"))
    rows = zip(form.every("action_text"), form.every("action_owner"), form.every("action_due"), strict=False)
    return [
        {"text": text, "owner": owner, "due": due or None, "done": str(number) in done}
        for number, (text, owner, due) in enumerate(rows)
        if text
    ]
