"""`/ui/users` and `/ui/audit`: who may sign in, in which role, and the record of what everybody changed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.audit import REFUSED
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.actors import who
from dashboards.web.forms import query, read_form

if TYPE_CHECKING:
    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from app.core.users_service import Users
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard

_ON_A_PAGE = 100
_PASSWORD_BYTES = 18
_LONGEST_NUMBER = 18


def blueprint(pages: Pages, guard: SessionGuard, audit: Audit, users: Users) -> Blueprint:
    """Return the routes of users and of the record."""
    routes = pages.blueprint("people")

    def shown(*, username: str = "", password: str = "") -> Response:
        return pages.page("users/users.html", users=users.every(), username=username, password=password)

    @routes.get("/users")
    @guard.role(Role.ADMIN)
    def every() -> Response:
        return shown()

    @routes.post("/users")
    @guard.role(Role.ADMIN)
    @pages.refused_on(shown)
    def create() -> Response:
        form, password = read_form(), secrets.token_urlsafe(_PASSWORD_BYTES)
        username = form.text("username").lower()
        users.create(username, form.text("role"), password, by=guard.actor(), now=datetime.now(UTC))
        return shown(username=username, password=password)

    @routes.post("/users/<username>/role")
    @guard.role(Role.ADMIN)
    @pages.refused_on(shown)
    def set_role(username: str) -> Response:
        users.set_role(username, read_form().text("role"), by=guard.actor(), now=datetime.now(UTC))
        return pages.go("/ui/users")

    @routes.post("/users/<username>/password")
    @guard.role(Role.ADMIN)
    def set_password(username: str) -> Response:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        users.set_password(username, password, by=guard.actor(), now=datetime.now(UTC))
        return shown(username=username, password=password)

    @routes.post("/users/<username>/disable")
    @guard.role(Role.ADMIN)
    def disable(username: str) -> Response:
        users.set_disabled(username, disabled=True, by=guard.actor(), now=datetime.now(UTC))
        return pages.go("/ui/users")

    @routes.post("/users/<username>/enable")
    @guard.role(Role.ADMIN)
    def enable(username: str) -> Response:
        users.set_disabled(username, disabled=False, by=guard.actor(), now=datetime.now(UTC))
        return pages.go("/ui/users")

    @routes.get("/audit")
    @guard.role(Role.ADMIN)
    def record() -> Response:
        before = query("before")
        if before is not None and not (before.isascii() and before.isdigit() and len(before) <= _LONGEST_NUMBER):
            raise Problem(ProblemType.MALFORMED_REQUEST, "`before` is the number of an entry.")
        actor, subject = query("actor"), query("subject")
        found = audit.page(
            actor=actor, subject=subject, before=None if before is None else int(before), limit=_ON_A_PAGE + 1
        )
        entries = found[:_ON_A_PAGE]
        following = entries[-1].entry_id if len(found) > _ON_A_PAGE else None
        return pages.page(
            "audit/audit.html",
            entries=entries,
            following=following,
            actor=actor or "",
            subject=subject or "",
            who=who,
            refused=f".{REFUSED}",
        )

    return routes
