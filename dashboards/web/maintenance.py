"""`/ui/maintenance`: time that does not count, with who said so and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.clock import CLOCK
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.forms import read_form, shaped
from reporting.maintenance_api import maintenance_of
from reporting.maintenance_description import NewMaintenance

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard
    from reporting.maintenance.maintenance import MaintenanceCalendar


def blueprint(
    pages: Pages, guard: SessionGuard, audit: Audit, calendar: MaintenanceCalendar, *, timezone: str
) -> Blueprint:
    """Return the routes of maintenance."""
    routes = pages.blueprint("maintenance")

    @routes.get("/maintenance")
    @guard.role(Role.VIEWER)
    def planned() -> Response:
        return pages.page("maintenance/maintenance.html", windows=calendar.every())

    @routes.post("/maintenance")
    @guard.role(Role.MANAGER)
    @pages.refused_on(planned)
    def plan() -> Response:
        form, actor, now = read_form(), guard.actor(), CLOCK.now()
        wanted = shaped(
            NewMaintenance,
            {
                "service": form.optional("service"),
                "starts_at": form.instant("starts_at", timezone),
                "ends_at": form.instant("ends_at", timezone),
                "rrule": form.optional("rrule"),
                "timezone": timezone,
                "author": actor.name,
                "reason": form.text("reason"),
            },
        )
        window = maintenance_of(wanted, now)
        subject = window.service or "every service"
        with audit.change(actor, "maintenance.add", subject, now=datetime.now(UTC), reason=window.reason):
            calendar.add(window)
        return pages.go("/ui/maintenance")

    @routes.post("/maintenance/<maintenance_id>/remove")
    @guard.role(Role.MANAGER)
    def remove(maintenance_id: str) -> Response:
        with audit.change(guard.actor(), "maintenance.remove", maintenance_id, now=datetime.now(UTC)):
            if not calendar.remove(maintenance_id, CLOCK.now()):
                raise Problem(ProblemType.NOT_FOUND, "There is no such maintenance.")
        return pages.go("/ui/maintenance")

    return routes
