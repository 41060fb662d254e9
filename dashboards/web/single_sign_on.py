"""`/ui/login/oidc`: signing in where one's organisation does.

What must be remembered meanwhile is in one cookie: a secret, from which the rest is derived, and the page that was wanted.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import request

from app.core.problems import Problem, ProblemType
from app.core.roles import role_of
from app.core.sessions_service import derived, new_secret
from dashboards.web.forms import query
from dashboards.web.pages import PREFIX
from dashboards.web.sign_in import following

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint
    from werkzeug.wrappers import Response

    from app.core.login_throttle import LoginThrottle
    from app.core.openid import OpenId
    from app.core.roles import Role
    from app.core.users_service import Users
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard

CALLBACK = f"{PREFIX}/login/oidc/callback"
_LIFE_S = 600
_LONGEST_PAGE = 500


def blueprint(
    pages: Pages,
    guard: SessionGuard,
    users: Users,
    openid: OpenId,
    throttle: LoginThrottle,
    *,
    role_claim: str,
    roles: Mapping[str, Role],
) -> Blueprint:
    """Return the routes of signing in elsewhere. A return for which the issuer is asked counts as a try to sign in does."""
    routes = pages.blueprint("single_sign_on")
    cookie = f"{guard.cookie}-oidc"

    @routes.get("/login/oidc")
    @guard.public
    def leave() -> Response:
        throttle.leave(guard.address)
        secret = new_secret()
        place = openid.begin(
            state=derived(secret, "state"), nonce=derived(secret, "nonce"), verifier=derived(secret, "verifier")
        )
        response = pages.go(place)
        wanted = following(query("next"))
        # The page begins with a slash, which no secret has. Browsers drop a cookie that is too long.
        kept = wanted if len(wanted) <= _LONGEST_PAGE else f"{PREFIX}/"
        guard.set_cookie(response, cookie, secret + kept, max_age_s=_LIFE_S)
        return response

    @routes.get("/login/oidc/callback")
    @guard.public
    def come_back() -> Response:
        secret, slash, wanted = request.cookies.get(cookie, "").partition("/")
        code, state = query("code"), (query("state") or "").encode("utf-8", "backslashreplace")
        if not secret or not hmac.compare_digest(derived(secret, "state").encode(), state):
            raise Problem(ProblemType.FORBIDDEN, "This login was begun somewhere else, or too long ago. Begin again.")
        if code is None:
            raise Problem(ProblemType.FORBIDDEN, "Your organisation did not let you in.")
        throttle.come_back(guard.address)
        now = datetime.now(UTC)
        claims = openid.finish(code, nonce=derived(secret, "nonce"), verifier=derived(secret, "verifier"), now=now)
        role = role_of(_groups(claims.get(role_claim)), roles)
        if role is None:
            raise Problem(ProblemType.FORBIDDEN, "None of your groups has a role here. Ask who runs Slipstream.")
        name = _name(claims)
        user = users.by_identity(openid.identity(claims), name, role, by=guard.actor(name), now=now)
        throttle.came_back(guard.address)
        response = pages.go(following(slash + wanted))
        guard.open(response, user.username)
        # Once: whoever comes back a second time has no cookie any more.
        guard.set_cookie(response, cookie, "", max_age_s=0)
        return response

    return routes


def _groups(claim: Any) -> set[str]:
    if isinstance(claim, str):
        return {claim}
    return {each for each in claim if isinstance(each, str)} if isinstance(claim, list) else set()


def _name(claims: Mapping[str, Any]) -> str:
    for claim in ("preferred_username", "email", "sub"):
        name = claims.get(claim)
        if isinstance(name, str) and name:
            return name.lower()
    return ""
