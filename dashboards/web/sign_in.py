"""Signing in and out, and what belongs to no page: `/`, scripts and styles, and addresses where there is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from flask import request

from app.core.http.application import WholeResponse
from app.core.http.recording import recorded_otherwise
from app.core.problems import Problem, ProblemType
from app.core.roles import Role
from app.core.sessions_service import derived, new_secret
from app.core.users import OPERATOR
from dashboards.web.forms import query, read_form
from dashboards.web.pages import LOGIN, PREFIX
from dashboards.web.session_guard import check_csrf

if TYPE_CHECKING:
    from flask import Blueprint
    from flask.blueprints import BlueprintSetupState
    from werkzeug.wrappers import Response

    from app.core.login_throttle import LoginThrottle
    from app.core.sessions_service import Sessions
    from app.core.users_service import Users
    from dashboards.web.assets import Assets
    from dashboards.web.pages import Pages
    from dashboards.web.session_guard import SessionGuard

_OURS = re.compile(r"/ui/[\x21-\x5b\x5d-\x7e]*")
"""A path of ours, printable and without a backslash, which some browsers read as a slash."""
_FORM_LIFE_S = 3_600
_FOR_EVER = "public, max-age=31536000, immutable"
_WRONG = "That is not right: check the name and the password."
_WRONG_TOKEN = "That is not the admin token of this installation."  # noqa: S105 - A sentence.


def blueprint(
    pages: Pages, guard: SessionGuard, sessions: Sessions, users: Users, throttle: LoginThrottle, *, sso: bool = False
) -> Blueprint:
    """Return the routes of signing in and out. `sso`: whether there is a login elsewhere as well."""
    routes = pages.blueprint("sign_in")
    # A cookie of its own, before there is a session: a form of another site has none, and a session always is a new one.
    form_cookie = f"{guard.cookie}-form"

    def form(*, error: str = "", username: str = "", status: int = 200) -> Response:
        secret = request.cookies.get(form_cookie) or new_secret()
        response = pages.page(
            "sign_in/sign_in.html",
            status=status,
            token=derived(secret, "sign in"),
            error=error,
            username=username,
            following=following(query("next")),
            first=not users.any_can_sign_in(),
            sso=sso,
        )
        guard.set_cookie(response, form_cookie, secret, max_age_s=_FORM_LIFE_S)
        return response

    def let_in(name: str) -> Response:
        response = pages.go(following(query("next")))
        guard.open(response, name)
        guard.set_cookie(response, form_cookie, "", max_age_s=0)
        return response

    @routes.get("/login")
    @guard.public
    def ask() -> Response:
        return form() if guard.session() is None else pages.go(following(query("next")))

    @routes.post("/login")
    @guard.public
    @recorded_otherwise("A session is opened and recorded by one transaction.")
    def sign_in() -> Response:
        fields = read_form()
        secret = request.cookies.get(form_cookie)
        if secret is None:
            raise Problem(ProblemType.FORBIDDEN, "Your browser has sent no cookie. Allow cookies, and try again.")
        check_csrf(derived(secret, "sign in"))
        token, username, password = fields.text("token"), fields.text("username").lower(), fields.raw("password")
        name = OPERATOR if token else username
        throttle.enter(name, guard.address)
        if token:
            if not sessions.is_admin_token(token):
                return form(error=_WRONG_TOKEN, status=401)
        elif users.by_password(username, password, datetime.now(UTC)) is None:
            return form(error=_WRONG, username=username, status=401)
        throttle.succeeded(name, guard.address)
        return let_in(name)

    @routes.post("/logout")
    @guard.role(Role.VIEWER)
    def sign_out() -> Response:
        response = pages.go(LOGIN)
        guard.close(response)
        return response

    return routes


def ground(pages: Pages, guard: SessionGuard, assets: Assets) -> Blueprint:
    """Return the routes that are there for all pages."""
    routes = pages.blueprint("ground")

    @routes.get("/static/<version>/<path:name>")
    @guard.public
    def static(version: str, name: str) -> Response:
        asset = assets.find(name)
        if asset is None or version != assets.version:
            raise Problem(ProblemType.NOT_FOUND, "There is nothing at this address.")
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return WholeResponse(asset.zipped, 200, headers, content_type=asset.content_type)
        return WholeResponse(asset.body, 200, headers, content_type=asset.content_type)

    @routes.get("/<path:_place>")
    @guard.role(Role.VIEWER)
    def nothing(_place: str) -> Response:
        raise Problem(ProblemType.NOT_FOUND, "There is nothing at this address.")

    @routes.record_once
    def _entrance(state: BlueprintSetupState) -> None:
        """`/` and `/ui` lead to the first page."""
        state.app.add_url_rule("/", "ui_entrance", guard.public(lambda: pages.go(f"{PREFIX}/")))

    return routes


def following(wanted: str | None) -> str:
    """Return the page that somebody wanted before he had to sign in; the first one for what is no page of ours."""
    if wanted is None or not (_OURS.fullmatch(wanted) and _OURS.fullmatch(unquote(wanted))):
        return f"{PREFIX}/"
    return wanted
