"""`/ui/accounts/<id>/delete` and `/ui/erasures`: accounts that are erased, and how far that is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.roles import Role
from dashboards.web.forms import invalid, read_form

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from app.core.erasure.erasures import Erasures
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard

_ON_THE_PAGE = 200


def blueprint(pages: Pages, guard: SessionGuard, audit: Audit, erasures: Erasures) -> Blueprint:
    """Return the routes of erasures."""
    routes = pages.blueprint("erasures")

    @routes.post("/accounts/<account_id>/delete")
    @guard.role(Role.ADMIN)
    def delete(account_id: str) -> Response:
        actor, now = guard.actor(), datetime.now(UTC)
        with audit.change(actor, "accounts.delete", account_id, now=now):
            if read_form().text("confirm") != account_id:
                raise invalid("confirm", f"is to be {account_id}, as a sign that it is meant")
            erasures.begin(account_id, by=actor.name, now=now)
        return pages.go("/ui/erasures")

    @routes.get("/erasures")
    @guard.role(Role.ADMIN)
    def every() -> Response:
        return pages.page("accounts/erasures.html", erasures=erasures.page(limit=_ON_THE_PAGE))

    return routes
