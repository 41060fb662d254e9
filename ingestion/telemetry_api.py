"""`POST /telemetry`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, g, request

from app.core.errors import DependencyError
from app.core.http.body import LARGEST_BODY, read_body
from app.core.http.operations import describe
from app.core.http.recording import recorded_otherwise
from app.core.http.rendering import json_response
from app.core.keys import Scope
from app.core.problems import Problem, ProblemType
from ingestion.events.compression import inflate
from ingestion.idempotency import REPLAYED_HEADER, idempotency_key
from ingestion.telemetry.batch import read_batch
from ingestion.telemetry_description import POST_TELEMETRY, Counted

if TYPE_CHECKING:
    from datetime import timedelta

    from flask import Request
    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
    from ingestion.telemetry.intake import Intake, Receipt

_ACCEPTED = 202


def blueprint(guard: Guard, intake: Intake, *, retention: timedelta) -> Blueprint:
    """Return the route by which telemetry of other services comes in."""
    routes = Blueprint("telemetry", __name__)

    @routes.post("/telemetry")
    @guard.scope(Scope.TELEMETRY_WRITE)
    @recorded_otherwise("Every request is counted, once.")
    @describe(POST_TELEMETRY)
    def post_telemetry() -> Response:
        account_id = g.principal.account_id
        try:
            receipt = _receive(intake, account_id, retention)
        except Problem:
            # Also who is refused is told what is left to him, if that can be found out.
            with suppress(DependencyError):
                standing = intake.look(account_id, datetime.now(UTC))
                g.headers = None if standing is None else standing.headers()
            raise
        g.headers = None if receipt.standing is None else receipt.standing.headers()
        headers = {REPLAYED_HEADER: "true"} if receipt.replayed else None
        return json_response(Counted(receipt.accepted), _ACCEPTED, headers)

    return routes


def _receive(intake: Intake, account_id: str | None, retention: timedelta) -> Receipt:
    key = idempotency_key(request.headers.get("Idempotency-Key"))
    _check_type(request)
    body = inflate(read_body(request), request.headers.get("Content-Encoding"), limit=LARGEST_BODY)
    now = datetime.now(UTC)
    batch = read_batch(body, now=now, retention=retention)
    return intake.take(batch, account_id, idempotency_key=key, now=now)


def _check_type(given: Request) -> None:
    charset = given.mimetype_params.get("charset", "utf-8").lower()
    if given.mimetype not in {"", "application/json"} or charset not in {"utf-8", "utf8"}:
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, "Telemetry is taken as application/json in UTF-8.")
