"""`/slos`: how promises stand, and what is promised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from app.core.clock import CLOCK
from app.core.http.body import read_body
from app.core.http.operations import describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import FieldError, Problem, ProblemType
from reporting.definitions.findings import DefinitionError
from reporting.definitions.load import load
from reporting.slos_description import APPLY, GET, LIST, REMOVE, YAML_TYPES

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from reporting.slo_service import SLOs

LARGEST_TEXT = 1_000_000
"""Bytes."""
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_NO_SUCH_SLO = "There is no such SLO."


def blueprint(slos: SLOs, guard: Guard) -> Blueprint:
    """Return the routes of SLOs."""
    routes = Blueprint("slos", __name__)

    @routes.get("/slos")
    @guard.admin
    @describe(LIST)
    def list_slos() -> Response:
        return json_response(slos.overview(CLOCK.now()))

    @routes.get("/slos/<name>")
    @guard.admin
    @describe(GET)
    def get_slo(name: str) -> Response:
        now = CLOCK.now()
        found = slos.one(_name(name), _instant(request.args.get("at"), now))
        if found is None:
            raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_SLO)
        return json_response(found)

    @routes.put("/slos")
    @guard.admin
    @changes("slos.apply", _named)
    @describe(APPLY)
    def apply_slos() -> Response:
        dry_run = _switch("dry_run", request.args.get("dry_run", "0"))
        text = _text()
        try:
            return json_response(slos.apply(text, by=principal_name(), now=CLOCK.now(), dry_run=dry_run))
        except DefinitionError as error:
            raise _refusal(error) from error

    @routes.delete("/slos/<name>")
    @guard.admin
    @changes("slos.remove", "name")
    @describe(REMOVE)
    def remove_slo(name: str) -> Response:
        if not slos.remove(_name(name), by=principal_name(), now=CLOCK.now()):
            raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_SLO)
        return Response(status=204)

    return routes


def principal_name() -> str:
    """Return who is asking, for the record: an account and its key, or the operator."""
    principal = g.principal
    return "operator" if principal.account_id is None else f"{principal.account_id}/{principal.key_id}"


def _named() -> str | None:
    """Return the objects of the text to be applied, for the record; None when nothing is to be changed."""
    if request.args.get("dry_run", "0") != "0":
        return None
    return ", ".join(each.metadata.name for each in load(_text()).objects)


def _name(text: str) -> str:
    # PostgreSQL has no text with a NUL, so nothing has such a name.
    if "\0" in text:
        raise Problem(ProblemType.NOT_FOUND, _NO_SUCH_SLO)
    return text


def _text() -> str:
    body = read_body(request, limit=LARGEST_TEXT)
    if request.mimetype not in {"", *YAML_TYPES} or request.content_encoding:
        detail = f"Send `Content-Type: {YAML_TYPES[0]}`, without a Content-Encoding."
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(ProblemType.MALFORMED_REQUEST, "The body is not text in UTF-8.") from None


def _switch(name: str, text: str) -> bool:
    if text not in {"0", "1"}:
        raise Problem(ProblemType.MALFORMED_REQUEST, f"`{name}` is 0 or 1.")
    return text == "1"


def _instant(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not _OLDEST <= at <= now:
        raise Problem(
            ProblemType.MALFORMED_REQUEST,
            "`at` is an instant of the past, since the year 2000, like 2026-11-01T00:00:00Z.",
        )
    return at.astimezone(UTC)


def _refusal(error: DefinitionError) -> Problem:
    errors = tuple(
        FieldError(finding.message, field=_place(finding.document, finding.path)) for finding in error.findings
    )
    return Problem(ProblemType.INVALID_REQUEST, "The definitions cannot be applied.", errors)


def _place(document: str, path: str) -> str | None:
    return ": ".join(part for part in (document, path) if part) or None
