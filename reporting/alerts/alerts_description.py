"""What `reporting.alerts.alerts_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.http.paging import AFTER
from app.core.problems import ProblemType
from reporting.alerts.paging import LIMIT
from reporting.alerts.standing import Figures
from reporting.slo.alert_state import AlertState
from reporting.slo.burn_rate_alert import AlertSeverity

TAG = "Alerts"


class AlertView(Struct, frozen=True):
    """An alert. `since` is when it came into its state, `frozen` that nothing was known when it was last looked at."""

    alert_id: str
    slo: str
    service: str
    rule: str
    severity: AlertSeverity
    state: AlertState
    breached_at: datetime
    since: datetime
    seen_at: datetime
    frozen: bool
    notified: bool
    incident_id: str | None
    figures: Figures


class AlertPage(Struct, frozen=True):
    """Some alerts, the last to breach first; `next` is the `after` of the page behind, null on the last.

    `evaluated_at` is when alerts were last evaluated.
    """

    alerts: list[AlertView]
    next: str | None
    evaluated_at: datetime | None


class ChangeView(Struct, frozen=True):
    """`actor` is who did it, null for the evaluation; `notification_id` names the notification in which it was told."""

    at: datetime
    state: AlertState
    actor: str | None
    notification_id: str | None


class AlertHistory(Struct, frozen=True):
    """An alert with everything that became of it."""

    alert: AlertView
    changes: list[ChangeView]


_ALERT = {
    "alert_id": "alr_5f1c9a07d2e4b8360000",
    "slo": "availability",
    "service": "slipstream",
    "rule": "page-1h-5m",
    "severity": "page",
    "state": "firing",
    "breached_at": "2026-11-22T10:00:00Z",
    "since": "2026-11-22T10:00:00Z",
    "seen_at": "2026-11-22T10:04:30Z",
    "frozen": False,
    "notified": True,
    "incident_id": "inc_07d2e4b836005f1c9a00",
    "figures": {
        "target": "0.999",
        "limit": "14.4",
        "burn_rates": {"1h": "20.31", "5m": "88.2"},
        "budget_remaining_ratio": "0.62",
    },
}
_CHANGE = {"at": "2026-11-22T10:00:00Z", "state": "firing", "actor": None, "notification_id": "inc_07d2e4b836.17"}
_ID = Parameter(
    name="alert_id", where="path", about="The id of an alert.", required=True, example="alr_5f1c9a07d2e4b8360000"
)
_FILTERS = (
    Parameter(
        name="state",
        where="query",
        about="In this state alone.",
        schema={"type": "string", "enum": [state.value for state in AlertState]},
    ),
    Parameter(
        name="severity",
        where="query",
        about="Of this severity alone.",
        schema={"type": "string", "enum": [severity.value for severity in AlertSeverity]},
    ),
    Parameter(
        name="over",
        where="query",
        about="Whether they are over; without it, both.",
        schema={"type": "string", "enum": ["true", "false"]},
    ),
    Parameter(name="service", where="query", about="Of this service alone."),
    Parameter(name="slo", where="query", about="Of this SLO alone."),
)

LIST = Operation(
    summary="List alerts",
    about="All alerts there are and were, the last to breach first.",
    tag=TAG,
    parameters=(*_FILTERS, LIMIT, AFTER),
    answers=(
        Answer(
            status=200,
            about="A page.",
            content=(
                Content(
                    shape=AlertPage,
                    example={"alerts": [_ALERT], "next": None, "evaluated_at": "2026-11-22T10:04:30Z"},
                ),
            ),
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
GET = Operation(
    summary="Show an alert with its history",
    tag=TAG,
    parameters=(_ID,),
    answers=(
        Answer(
            status=200,
            about="The alert.",
            content=(Content(shape=AlertHistory, example={"alert": _ALERT, "changes": [_CHANGE]}),),
        ),
    ),
)
ACKNOWLEDGE = Operation(
    summary="Acknowledge an alert",
    about="Says that somebody is on it: it is not sent again, and everybody else is told. Repeating this is safe.",
    tag=TAG,
    parameters=(_ID,),
    answers=(
        Answer(
            status=200,
            about="It is acknowledged.",
            content=(Content(shape=AlertView, example={**_ALERT, "state": "acknowledged"}),),
        ),
    ),
    problems=(ProblemType.CONFLICT,),
)
