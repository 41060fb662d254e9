"""The page as JSON, and as OpenAPI describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from dashboards.status.state import State
from reporting.publication.publication import Progress

if TYPE_CHECKING:
    from dashboards.status.model import Day, Service, StatusPage
    from reporting.publication.publication import PublishedIncident


class DayView(Struct, frozen=True):
    """A day in the page's zone. `good_ratio` is null when nothing was measured, and leaves maintenance out."""

    on: date
    state: State
    good_ratio: float | None
    maintenance_minutes: int


class ServiceView(Struct, frozen=True):
    """A service; `days` end with today, and `good_ratio` is of all of them together."""

    name: str
    state: State
    promise: str
    target: float
    good_ratio: float | None
    days: list[DayView]


class PublicUpdateView(Struct, frozen=True):
    """One thing that the public was told of an incident."""

    at: datetime
    status: Progress
    text: str


class PublicIncidentView(Struct, frozen=True):
    """A published incident; without `resolved_at` it goes on."""

    id: str
    service: str
    title: str
    started_at: datetime
    resolved_at: datetime | None
    updates: list[PublicUpdateView]


class WindowView(Struct, frozen=True):
    """Maintenance that goes on or comes."""

    services: list[str]
    starts_at: datetime
    ends_at: datetime


class StatusView(Struct, frozen=True):
    """How everything is, as of an instant."""

    as_of: datetime
    timezone: str
    state: State
    headline: str
    services: list[ServiceView]
    incidents: list[PublicIncidentView]
    maintenance: list[WindowView]


def json_of(page: StatusPage) -> bytes:
    """Return the page as JSON."""
    return msgspec.json.encode(
        StatusView(
            as_of=page.as_of,
            timezone=page.zone.key,
            state=page.state,
            headline=page.headline,
            services=[_service(service) for service in page.services],
            incidents=[_incident(incident) for incident in page.incidents],
            maintenance=[WindowView(list(each.services), each.starts_at, each.ends_at) for each in page.maintenance],
        )
    )


def _service(service: Service) -> ServiceView:
    good, total = service.counts
    return ServiceView(
        name=service.name,
        state=service.state,
        promise=service.promise,
        target=float(service.target),
        good_ratio=good / total if total else None,
        days=[_day(day) for day in service.days],
    )


def _day(day: Day) -> DayView:
    return DayView(day.on, day.state, day.good / day.total if day.total else None, day.maintenance_minutes)


def _incident(incident: PublishedIncident) -> PublicIncidentView:
    return PublicIncidentView(
        id=incident.incident_id,
        service=incident.service,
        title=incident.title,
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        updates=[PublicUpdateView(each.at, each.progress, each.text) for each in incident.updates],
    )
