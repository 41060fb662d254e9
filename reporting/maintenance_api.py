"""`/maintenance`: time that is excluded from budgets."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import FieldError, Problem, ProblemType
from app.domain.calendar import UnknownZoneError
from app.domain.recurrence import RecurrenceError
from reporting.maintenance.maintenance import Maintenance, MaintenanceError
from reporting.maintenance_description import (
    ADD,
    LIST,
    REMOVE,
    MaintenanceList,
    MaintenanceView,
    NewMaintenance,
)

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.http.guard import Guard
    from reporting.maintenance.maintenance import MaintenanceCalendar

_NO_SUCH_MAINTENANCE = "There is no such maintenance."


def blueprint(calendar: MaintenanceCalendar, guard: Guard) -> Blueprint:
    """Return the routes of maintenance."""
    routes = Blueprint("maintenance", __name__)

    @routes.get("/maintenance")
    @guard.admin
    @describe(LIST)
    def list_maintenance() -> Response:
        return json_response(MaintenanceList([_view(each) for each in calendar.every()]))

    @routes.post("/maintenance")
    @guard.admin
    @changes("maintenance.add", "service", "starts_at", "ends_at", "rrule", "reason", otherwise="every service")
    @describe(ADD)
    def add_maintenance() -> Response:
        maintenance = maintenance_of(read_json(request, NewMaintenance), CLOCK.now())
        calendar.add(maintenance)
        return json_response(_view(maintenance), 201)

    @routes.delete("/maintenance/<maintenance_id>")
    @guard.admin
    @changes("maintenance.remove", "maintenance_id")
    @describe(REMOVE)
    def remove_maintenance(maintenance_id: str) -> Response:
        if "\0" in maintenance_id or not calendar.remove(maintenance_id, CLOCK.now()):
            raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_MAINTENANCE)
        return Response(status=204)

    return routes


def maintenance_of(wanted: NewMaintenance, now: datetime) -> Maintenance:
    """Return what is wanted; raises `Problem` for what cannot be."""
    for name in ("author", "reason", "service", "rrule", "timezone"):
        if "\0" in (getattr(wanted, name) or ""):
            raise _invalid(name, "contains NUL, which no text may")
    try:
        return Maintenance(
            service=wanted.service,
            starts_at=_utc("starts_at", wanted.starts_at),
            ends_at=_utc("ends_at", wanted.ends_at),
            rrule=wanted.rrule,
            timezone=wanted.timezone,
            author=wanted.author,
            reason=wanted.reason,
            created_at=now,
        )
    except MaintenanceError as error:
        raise _invalid(error.field, str(error)) from error
    except RecurrenceError as error:
        raise _invalid("rrule", str(error)) from error
    except UnknownZoneError as error:
        raise _invalid("timezone", str(error)) from error


def _utc(name: str, instant: datetime) -> datetime:
    """Return an instant in UTC; a year that calendars have no room for is refused."""
    if instant.tzinfo is None:
        raise MaintenanceError(name, "has no zone: write it like 2026-11-22T02:00:00Z")
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise MaintenanceError(name, f"is in a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return instant.astimezone(UTC)


_FIRST_YEAR, _LAST_YEAR = 2000, 2200


def _invalid(field: str, message: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, "The maintenance is not valid.", (FieldError(message, field=field),))


def _view(maintenance: Maintenance) -> MaintenanceView:
    return MaintenanceView(
        maintenance_id=maintenance.maintenance_id,
        service=maintenance.service,
        starts_at=maintenance.starts_at,
        ends_at=maintenance.ends_at,
        rrule=maintenance.rrule,
        timezone=maintenance.timezone,
        author=maintenance.author,
        reason=maintenance.reason,
        created_at=maintenance.created_at,
    )
