"""`/incidents`: for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, request

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from reporting.alerts.alerts_api import view_of as alert_view
from reporting.alerts.incidents_description import (
    ADD,
    CHANGE,
    GET,
    LIST,
    IncidentDetail,
    IncidentPage,
    IncidentView,
)
from reporting.alerts.incidents_service import IncidentChange, NewIncident
from reporting.alerts.paging import read_choice, read_id, read_limit, read_place, read_text, write_place

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
    from reporting.alerts.incident import Incident
    from reporting.alerts.incidents_service import Incidents


def blueprint(incidents: Incidents, guard: Guard) -> Blueprint:
    """Return the routes of incidents."""
    routes = Blueprint("incidents", __name__)

    @routes.get("/incidents")
    @guard.admin
    @describe(LIST)
    def list_incidents() -> Response:
        limit = read_limit(request.args.get("limit"))
        is_open = read_choice("open", request.args.get("open"), ("true", "false"))
        page = incidents.page(
            service=read_text("service", request.args.get("service")),
            is_open=None if is_open is None else is_open == "true",
            after=read_place(request.args.get("after")),
            limit=limit + 1,
        )
        found = page[:limit]
        following = write_place((found[-1].started_at, found[-1].incident_id)) if len(page) > limit else None
        return json_response(IncidentPage([_view(incident) for incident in found], following))

    @routes.post("/incidents")
    @guard.admin
    @changes("incidents.add", "service", "title")
    @describe(ADD)
    def add_incident() -> Response:
        incident = incidents.add(read_json(request, NewIncident), CLOCK.now(), by=g.principal.name)
        return json_response(_view(incident), 201)

    @routes.get("/incidents/<incident_id>")
    @guard.admin
    @describe(GET)
    def get_incident(incident_id: str) -> Response:
        incident, alerts = incidents.get(read_id(incident_id, "incident"))
        return json_response(IncidentDetail(_view(incident), [alert_view(alert) for alert in alerts]))

    @routes.patch("/incidents/<incident_id>")
    @guard.admin
    @changes("incidents.change", "incident_id")
    @describe(CHANGE)
    def change_incident(incident_id: str) -> Response:
        wanted = read_json(request, IncidentChange)
        return json_response(_view(incidents.change(read_id(incident_id, "incident"), wanted, CLOCK.now())))

    return routes


def _view(incident: Incident) -> IncidentView:
    return IncidentView(**{name: getattr(incident, name) for name in IncidentView.__struct_fields__})
