"""What `reporting.alerts.incidents_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.http.paging import AFTER
from app.core.problems import ProblemType
from reporting.alerts.alerts_description import AlertView
from reporting.alerts.incident import Action, Source
from reporting.alerts.incidents_service import IncidentChange, NewIncident
from reporting.alerts.paging import LIMIT
from reporting.slo.burn_rate_alert import AlertSeverity

_TAG = "Incidents"


class IncidentView(Struct, frozen=True):
    """An incident.

    `started_at` is when it began to hurt, `detected_at` when somebody was told, `resolved_at` when it was over.
    """

    incident_id: str
    service: str
    severity: AlertSeverity
    source: Source
    title: str
    started_at: datetime
    detected_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    root_cause: str
    actions: tuple[Action, ...]
    author: str | None
    updated_at: datetime


class IncidentPage(Struct, frozen=True):
    """Some incidents, the last to begin first; `next` is the `after` of the page behind, null on the last."""

    incidents: list[IncidentView]
    next: str | None


class IncidentDetail(Struct, frozen=True):
    """An incident with the alerts that saw it, the first to breach first."""

    incident: IncidentView
    alerts: list[AlertView]


_ACTION = {"text": "Alert on the age of the oldest connection.", "owner": "Ada", "due": "2026-12-01", "done": False}
_EXAMPLE = {
    "incident_id": "inc_07d2e4b836005f1c9a00",
    "service": "checkout",
    "severity": "page",
    "source": "alerts",
    "title": "checkout: availability",
    "started_at": "2026-11-22T10:00:00Z",
    "detected_at": "2026-11-22T10:01:30Z",
    "acknowledged_at": "2026-11-22T10:04:00Z",
    "acknowledged_by": "Ada (by link)",
    "resolved_at": "2026-11-22T10:31:00Z",
    "root_cause": "A connection pool that leaked.",
    "actions": [_ACTION],
    "author": None,
    "updated_at": "2026-11-22T11:00:00Z",
}
_INCIDENT = Content(shape=IncidentView, example=_EXAMPLE)
_ID = Parameter(
    name="incident_id", where="path", about="The id of an incident.", required=True, example="inc_07d2e4b836005f1c9a00"
)
_BODY_PROBLEMS = (ProblemType.MALFORMED_JSON, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID_REQUEST)

LIST = Operation(
    summary="List incidents",
    about="One for each cause that hurt a service: those that alerts have opened, and those that people wrote down.",
    tag=_TAG,
    parameters=(
        Parameter(name="service", where="query", about="Of this service alone."),
        Parameter(
            name="open",
            where="query",
            about="Whether they go on; without it, both.",
            schema={"type": "string", "enum": ["true", "false"]},
        ),
        LIMIT,
        AFTER,
    ),
    answers=(
        Answer(
            status=200,
            about="A page.",
            content=(Content(shape=IncidentPage, example={"incidents": [_EXAMPLE], "next": None}),),
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
ADD = Operation(
    summary="Write down an incident",
    about="One that no alert has seen. Nobody is told of it.",
    tag=_TAG,
    body=(
        Content(
            shape=NewIncident,
            example={
                "service": "checkout",
                "title": "Payments were charged twice",
                "started_at": "2026-11-22T10:00:00Z",
                "resolved_at": "2026-11-22T10:31:00Z",
                "severity": "page",
                "root_cause": "A retry without an idempotency key.",
                "actions": [_ACTION],
            },
        ),
    ),
    answers=(Answer(status=201, about="It is written down.", content=(_INCIDENT,)),),
    problems=_BODY_PROBLEMS,
)
GET = Operation(
    summary="Show an incident with its alerts",
    tag=_TAG,
    parameters=(_ID,),
    answers=(
        Answer(
            status=200,
            about="The incident.",
            content=(Content(shape=IncidentDetail, example={"incident": _EXAMPLE, "alerts": []}),),
        ),
    ),
)
CHANGE = Operation(
    summary="Say what an incident was",
    about="Its root cause and what is done about it, its title; of one that people wrote down also when it was.",
    tag=_TAG,
    parameters=(_ID,),
    body=(
        Content(
            shape=IncidentChange,
            example={"root_cause": "A connection pool that leaked.", "actions": [_ACTION]},
        ),
    ),
    answers=(Answer(status=200, about="The incident as it is now.", content=(_INCIDENT,)),),
    problems=_BODY_PROBLEMS,
)
