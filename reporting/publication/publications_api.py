"""`/incidents/{id}/publish` and `/updates`: what of an incident is on the public status page, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from reporting.alerts.paging import read_id
from reporting.publication.publications import NewUpdate, Publishing
from reporting.publication.publications_description import (
    GET,
    PUBLISH,
    TELL,
    WITHDRAW,
    PublicationView,
    UpdateView,
)

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from reporting.publication.publication import PublishedIncident
    from reporting.publication.publications import Publications


def blueprint(publications: Publications, guard: Guard) -> Blueprint:
    """Return the routes of publications."""
    routes = Blueprint("publications", __name__)

    @routes.get("/incidents/<incident_id>/publish")
    @guard.admin
    @describe(GET)
    def get_publication(incident_id: str) -> Response:
        return json_response(_view(publications.get(read_id(incident_id, "incident"))))

    @routes.post("/incidents/<incident_id>/publish")
    @guard.admin
    @changes("incidents.publish", "incident_id", "title")
    @describe(PUBLISH)
    def publish(incident_id: str) -> Response:
        wanted = read_json(request, Publishing)
        name = read_id(incident_id, "incident")
        return json_response(_view(publications.publish(name, wanted, CLOCK.now(), by=g.principal.name)))

    @routes.delete("/incidents/<incident_id>/publish")
    @guard.admin
    @changes("incidents.withdraw", "incident_id")
    @describe(WITHDRAW)
    def withdraw(incident_id: str) -> Response:
        publications.withdraw(read_id(incident_id, "incident"), CLOCK.now())
        return Response(status=204)

    @routes.post("/incidents/<incident_id>/updates")
    @guard.admin
    @changes("incidents.tell", "incident_id", "status")
    @describe(TELL)
    def tell(incident_id: str) -> Response:
        wanted = read_json(request, NewUpdate)
        name = read_id(incident_id, "incident")
        return json_response(_view(publications.tell(name, wanted, CLOCK.now(), by=g.principal.name)), 201)

    return routes


def _view(published: PublishedIncident) -> PublicationView:
    return PublicationView(
        incident_id=published.incident_id,
        service=published.service,
        title=published.title,
        started_at=published.started_at,
        resolved_at=published.resolved_at,
        published_at=published.published_at,
        published_by=published.published_by,
        updates=[UpdateView(each.at, each.progress, each.text) for each in published.updates],
    )
