"""`/silences`: for operators."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request
from msgspec import Struct

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import Answer, Content, Operation, Parameter, describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import ProblemType
from reporting.alerts.alerts_description import TAG
from reporting.alerts.paging import MOST_ON_A_PAGE, read_choice, read_id
from reporting.alerts.silences_service import NewSilence

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from reporting.alerts.silence import Silence
    from reporting.alerts.silences_service import Silences


class SilenceView(Struct, frozen=True):
    """A silence; `ended_by` is who ended it before its time."""

    silence_id: str
    service: str | None
    slo: str | None
    severity: str | None
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    created_at: datetime
    ended_by: str | None


class SilenceList(Struct, frozen=True):
    """Silences, the last to end first."""

    silences: list[SilenceView]


_NEW = {"service": "checkout", "ends_at": "2026-11-22T14:00:00Z", "reason": "We move the database."}
_EXAMPLE = {
    "silence_id": "sil_07d2e4b836005f1c9a00",
    "service": "checkout",
    "slo": None,
    "severity": None,
    "starts_at": "2026-11-22T10:00:00Z",
    "ends_at": "2026-11-22T14:00:00Z",
    "author": "operator",
    "reason": "We move the database.",
    "created_at": "2026-11-22T10:00:00Z",
    "ended_by": None,
}
_ID = Parameter(
    name="silence_id", where="path", about="The id of a silence.", required=True, example="sil_07d2e4b836005f1c9a00"
)

LIST = Operation(
    summary="List silences",
    about=f"Those that are not over, or with `all=true` those that were as well; {MOST_ON_A_PAGE} at most.",
    tag=TAG,
    parameters=(
        Parameter(
            name="all",
            where="query",
            about="Also those that are over.",
            schema={"type": "string", "enum": ["true", "false"]},
        ),
    ),
    answers=(
        Answer(status=200, about="Silences.", content=(Content(shape=SilenceList, example={"silences": [_EXAMPLE]}),)),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
ADD = Operation(
    summary="Silence alerts",
    about=(
        "Nobody is told that these alerts fire while the silence holds; those that still fire afterwards are told then. "
        "The end of what was told before is told all the same."
    ),
    tag=TAG,
    body=(Content(shape=NewSilence, example=_NEW),),
    answers=(Answer(status=201, about="It holds.", content=(Content(shape=SilenceView, example=_EXAMPLE),)),),
    problems=(ProblemType.MALFORMED_JSON, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID_REQUEST),
)
END = Operation(
    summary="End a silence",
    about="It stays on the record, with who ended it.",
    tag=TAG,
    parameters=(_ID,),
    answers=(Answer(status=204, about="It is over."),),
)


def blueprint(silences: Silences, guard: Guard) -> Blueprint:
    """Return the routes of silences."""
    routes = Blueprint("silences", __name__)

    @routes.get("/silences")
    @guard.admin
    @describe(LIST)
    def list_silences() -> Response:
        everything = read_choice("all", request.args.get("all"), ("true", "false")) == "true"
        found = silences.page(CLOCK.now(), everything=everything, limit=MOST_ON_A_PAGE)
        return json_response(SilenceList([_view(silence) for silence in found]))

    @routes.post("/silences")
    @guard.admin
    @changes("silences.add", "service", "slo", "severity", "ends_at", "reason", otherwise="every service")
    @describe(ADD)
    def add_silence() -> Response:
        silence = silences.add(read_json(request, NewSilence), CLOCK.now(), by=g.principal.name)
        return json_response(_view(silence), 201)

    @routes.delete("/silences/<silence_id>")
    @guard.admin
    @changes("silences.end", "silence_id")
    @describe(END)
    def end_silence(silence_id: str) -> Response:
        silences.end(read_id(silence_id, "silence"), CLOCK.now(), by=g.principal.name)
        return Response(status=204)

    return routes


def _view(silence: Silence) -> SilenceView:
    return SilenceView(**{name: getattr(silence, name) for name in SilenceView.__struct_fields__})
