"""`/livez`, `/readyz` and `/metrics`: for those who run the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from app.core.health import LivenessReport, ReadinessReport
from app.core.http.addresses import FORWARDED, is_loopback
from app.core.http.operations import Answer, Content, Operation, describe
from app.core.http.rendering import WAITING, json_response, retry_after
from app.core.keys import Scope
from app.core.metrics.exposition import CONTENT_TYPE

if TYPE_CHECKING:
    from app.core.health import Readiness
    from app.core.http.guard import Guard
    from app.core.metrics.exposition import Exposition

_TAG = "Operations"
_READY = {"status": "ready", "checks": {"valkey": {"status": "ok"}, "postgresql": {"status": "ok"}}}
_UNREADY = {
    "status": "unready",
    "checks": {"valkey": {"status": "failing", "detail": "cannot be reached"}, "postgresql": {"status": "ok"}},
}

LIVEZ = Operation(
    summary="Tell whether the process answers",
    tag=_TAG,
    answers=(Answer(status=200, about="It does.", content=(Content(shape=LivenessReport, example={"status": "ok"}),)),),
)
READYZ = Operation(
    summary="Tell whether the process is ready for requests",
    about=(
        "`degraded` is ready: events are accepted while PostgreSQL is away, and stored when it is back. "
        "Every check has a deadline, and the report is at most a second old."
    ),
    tag=_TAG,
    answers=(
        Answer(status=200, about="Ready, or degraded.", content=(Content(shape=ReadinessReport, example=_READY),)),
        Answer(
            status=503,
            about="Not ready, with reasons.",
            content=(Content(shape=ReadinessReport, example=_UNREADY),),
            headers={"Retry-After": "Seconds until it is worth asking again."},
        ),
    ),
)
METRICS = Operation(
    summary="Metrics for Prometheus",
    about="Needs the scope `admin`, unless the API listens on a loopback address and no proxy stands before it.",
    tag=_TAG,
    answers=(
        Answer(
            status=200,
            about="All processes of the API together.",
            content=(Content(shape={"type": "string"}, content_type=CONTENT_TYPE),),
        ),
    ),
)


def blueprint(guard: Guard, readiness: Readiness, exposition: Exposition, *, host: str) -> Blueprint:
    """Return the routes; `host` is the address on which the API listens."""
    routes = Blueprint("operations", __name__)
    local = is_loopback(host)

    @routes.get("/livez")
    @guard.public
    @describe(LIVEZ)
    def livez() -> Response:
        return json_response(LivenessReport())

    @routes.get("/readyz")
    @guard.public
    @describe(READYZ)
    def readyz() -> Response:
        report = readiness.report()
        headers = {"Retry-After": str(retry_after(None))} if report.http_status in WAITING else None
        return json_response(report, report.http_status, headers)

    @routes.get("/metrics")
    @(guard.public if local else guard.admin)
    @describe(METRICS)
    def metrics() -> Response:
        # A proxy on the same machine makes a loopback listener public.
        if local and not request.environ.keys().isdisjoint(FORWARDED):
            guard.check(Scope.ADMIN)
        return Response(exposition.render(), content_type=CONTENT_TYPE)

    return routes
