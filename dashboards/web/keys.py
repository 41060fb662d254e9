"""Keys of an account: created, rotated and revoked on its page. The text of a new one is shown this once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.core.keys import DEFAULT_OVERLAP, LONGEST_LIFE, Scope
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from dashboards.web.forms import invalid, read_form

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.audit import Audit
    from app.core.keys import ApiKey
    from app.core.keys_service import Keys
    from dashboards.web.accounts import AccountPage
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard


def blueprint(pages: Pages, guard: SessionGuard, audit: Audit, page: AccountPage, keys: Keys) -> Blueprint:
    """Return the routes of keys."""
    routes = pages.blueprint("keys")

    def key_of(account_id: str, key_id: str) -> ApiKey:
        for key in keys.of_account(account_id):
            if key.key_id == key_id:
                return key
        raise Problem(ProblemType.NOT_FOUND, "There is no such key.")

    @routes.post("/accounts/<account_id>/keys")
    @guard.role(Role.MANAGER)
    @pages.refused_on(page)
    def issue(account_id: str) -> Response:
        form, now = read_form(), datetime.now(UTC)
        scopes = _scopes(form.every("scope"))
        _check_may(guard, scopes)
        with audit.change(guard.actor(), "keys.create", account_id, now=now, scopes=sorted(scopes)):
            issued = keys.create(account_id, scopes, now=now, expires_at=_expiry(form.text("days"), now))
        return page(account_id, issued=issued)

    @routes.post("/accounts/<account_id>/keys/<key_id>/rotate")
    @guard.role(Role.MANAGER)
    def rotate(account_id: str, key_id: str) -> Response:
        key, now = key_of(account_id, key_id), datetime.now(UTC)
        _check_may(guard, key.scopes)
        with audit.change(guard.actor(), "keys.rotate", f"{account_id}/{key_id}", now=now):
            issued = keys.rotate(key_id, DEFAULT_OVERLAP, now=now)
        return page(account_id, issued=issued)

    @routes.post("/accounts/<account_id>/keys/<key_id>/revoke")
    @guard.role(Role.MANAGER)
    def revoke(account_id: str, key_id: str) -> Response:
        key, now = key_of(account_id, key_id), datetime.now(UTC)
        _check_may(guard, key.scopes)
        with audit.change(guard.actor(), "keys.revoke", f"{account_id}/{key_id}", now=now):
            keys.revoke(key_id, now)
        return pages.go(f"/ui/accounts/{account_id}#keys")

    return routes


def _scopes(asked: Sequence[str]) -> list[Scope]:
    if not set(asked) <= set(Scope):
        raise invalid("scope", f"It is one of {', '.join(Scope)}")
    return [Scope(each) for each in asked]


def _check_may(guard: SessionGuard, scopes: Collection[Scope]) -> None:
    if Scope.ADMIN in scopes and not guard.may(Role.ADMIN):
        raise Problem(ProblemType.FORBIDDEN, "A key with the scope admin is for admins to give and to take.")


def _expiry(days: str, now: datetime) -> datetime | None:
    if not days:
        return None
    digits = days.isascii() and days.isdigit() and len(days) <= len(str(LONGEST_LIFE.days))
    if not digits or not 1 <= int(days) <= LONGEST_LIFE.days:
        raise invalid("days", f"It is a number of days, from 1 to {LONGEST_LIFE.days}.")
    return now + timedelta(days=int(days))
