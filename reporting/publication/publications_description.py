"""What `reporting.publication.publications_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.problems import ProblemType
from reporting.publication.publication import Progress
from reporting.publication.publications import NewUpdate, Publishing

_TAG = "Incidents"


class UpdateView(Struct, frozen=True):
    """One thing that the public was told."""

    at: datetime
    status: Progress
    text: str


class PublicationView(Struct, frozen=True):
    """An incident as the public sees it. `published_by` is null when the rule `STATUS_PUBLISH` did it; it is not shown."""

    incident_id: str
    service: str
    title: str
    started_at: datetime
    resolved_at: datetime | None
    published_at: datetime
    published_by: str | None
    updates: list[UpdateView]


_UPDATE = {"status": "identified", "text": "A database has run out of connections. We are adding more."}
_EXAMPLE = {
    "incident_id": "inc_07d2e4b836005f1c9a00",
    "service": "checkout",
    "title": "Payments are slow",
    "started_at": "2026-11-22T10:00:00Z",
    "resolved_at": None,
    "published_at": "2026-11-22T10:06:00Z",
    "published_by": "Ada",
    "updates": [{"at": "2026-11-22T10:14:00Z", **_UPDATE}],
}
_ANSWER = Content(shape=PublicationView, example=_EXAMPLE)
_ID = Parameter(
    name="incident_id", where="path", about="The id of an incident.", required=True, example="inc_07d2e4b836005f1c9a00"
)
_BODY_PROBLEMS = (ProblemType.MALFORMED_JSON, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID_REQUEST)

GET = Operation(
    summary="Show what the public sees of an incident",
    about="404 while it is a draft.",
    tag=_TAG,
    parameters=(_ID,),
    answers=(Answer(status=200, about="It is published.", content=(_ANSWER,)),),
)
PUBLISH = Operation(
    summary="Publish an incident",
    about=(
        "Shows it on the status page, with a title of its own: the incident's title, its cause and its actions stay inside. "
        "Again, it changes the title."
    ),
    tag=_TAG,
    parameters=(_ID,),
    body=(Content(shape=Publishing, example={"title": "Payments are slow"}),),
    answers=(Answer(status=200, about="It is published.", content=(_ANSWER,)),),
    problems=_BODY_PROBLEMS,
)
WITHDRAW = Operation(
    summary="Withdraw an incident",
    about="Makes it a draft again. No rule publishes it after that.",
    tag=_TAG,
    parameters=(_ID,),
    answers=(Answer(status=204, about="Nobody sees it any more."),),
)
TELL = Operation(
    summary="Tell the public how it goes on",
    about="Adds an update to a published incident. It is over when its alerts say so, whatever an update says.",
    tag=_TAG,
    parameters=(_ID,),
    body=(Content(shape=NewUpdate, example=_UPDATE),),
    answers=(Answer(status=201, about="It is on the status page.", content=(_ANSWER,)),),
    problems=_BODY_PROBLEMS,
)
