"""`/status`: the public page, its JSON and feed, and badges. It knows no session, sets no cookie, and asks for no key."""

from __future__ import annotations

import time
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from app.core.clock import CLOCK
from app.core.http.operations import Answer, Content, Operation, Parameter, describe
from app.core.problems import Problem, ProblemType
from dashboards.status.html import badge_name, policy, with_age
from dashboards.status.rendering import ATOM, BADGES, HTML, JSON
from dashboards.status.view import StatusView

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from dashboards.status.copies import Copies

_TAG = "Status"
_NONE = "default-src 'none'; frame-ancestors 'none'"
_TYPES = {
    HTML: "text/html; charset=utf-8",
    JSON: "application/json",
    ATOM: "application/atom+xml; charset=utf-8",
    BADGES: "image/svg+xml; charset=utf-8",
}
_EXAMPLE = {
    "as_of": "2026-11-22T10:17:00Z",
    "timezone": "Europe/Berlin",
    "state": "operational",
    "headline": "checkout works",
    "services": [
        {
            "name": "checkout",
            "state": "operational",
            "promise": "99.9 % of requests are answered without a server error.",
            "target": 0.999,
            "good_ratio": 0.9997,
            "days": [{"on": "2026-11-22", "state": "operational", "good_ratio": 0.9999, "maintenance_minutes": 0}],
        }
    ],
    "incidents": [],
    "maintenance": [],
}
_HEADERS = {"ETag": "Of this copy.", "Age": "Seconds since it was made."}
_UNCHANGED = Answer(status=304, about="The copy that you have is the last one.", headers=_HEADERS)
STATUS = Operation(
    summary="How everything is, for everybody",
    about="Needs no key. Made once in some seconds; while its sources are away it is the last one, with its `Age`.",
    tag=_TAG,
    answers=(
        Answer(
            status=200,
            about="The status page.",
            content=(Content(shape=StatusView, example=_EXAMPLE),),
            headers=_HEADERS,
        ),
        _UNCHANGED,
    ),
    problems=(ProblemType.DEPENDENCY_UNAVAILABLE, ProblemType.TIMEOUT),
)
FEED = Operation(
    summary="Published incidents as a feed",
    tag=_TAG,
    answers=(
        Answer(
            status=200,
            about="Atom, the last to begin first.",
            content=(Content(shape={"type": "string"}, content_type=_TYPES[ATOM]),),
            headers=_HEADERS,
        ),
        _UNCHANGED,
    ),
    problems=(ProblemType.DEPENDENCY_UNAVAILABLE, ProblemType.TIMEOUT),
)
BADGE = Operation(
    summary="A service's state as a badge",
    tag=_TAG,
    parameters=(
        Parameter(name="service", where="path", about="A service of the page.", required=True, example="slipstream"),
    ),
    answers=(
        Answer(
            status=200,
            about="An SVG picture.",
            content=(Content(shape={"type": "string"}, content_type=_TYPES[BADGES]),),
            headers=_HEADERS,
        ),
        _UNCHANGED,
    ),
    problems=(ProblemType.DEPENDENCY_UNAVAILABLE, ProblemType.TIMEOUT),
)


def blueprint(copies: Copies, guard: Guard, *, fresh_s: int) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("status", __name__)

    @routes.get("/status")
    @guard.public
    @describe(None)
    def status() -> Response:
        return answer(HTML, HTML, policy())

    @routes.get("/status.json")
    @guard.public
    @describe(STATUS)
    def status_json() -> Response:
        return answer(JSON, JSON, _NONE)

    @routes.get("/status.atom")
    @guard.public
    @describe(FEED)
    def status_atom() -> Response:
        return answer(ATOM, ATOM, _NONE)

    @routes.get("/status/badges/<service>.svg")
    @guard.public
    @describe(BADGE)
    def status_badge(service: str) -> Response:
        return answer(f"{BADGES}/{badge_name(service)}", BADGES, f"{_NONE}; style-src 'none'")

    def answer(name: str, kind: str, csp: str) -> Response:
        copy, failed = copies.current(time.monotonic())
        if name not in copy.files:
            raise Problem(ProblemType.NOT_FOUND, "There is no such service on the status page.")
        age = max(timedelta(0), CLOCK.now() - copy.as_of)
        response = Response(content_type=_TYPES[kind])
        response.headers.update(
            {
                "Age": str(int(age.total_seconds())),
                "Cache-Control": f"public, max-age={fresh_s}, stale-while-revalidate=60, stale-if-error=86400",
                "Content-Security-Policy": csp,
                "Referrer-Policy": "no-referrer",
            }
        )
        body = copy.files[name]
        if failed and kind == HTML:
            # It says how old it is, so that it is another one every time.
            response.data = with_age(body, age)
            return response
        response.set_etag(copy.tag(name))
        if request.if_none_match.contains(copy.tag(name)):
            response.status_code = HTTPStatus.NOT_MODIFIED
            return response
        response.data = body
        return response

    return routes
