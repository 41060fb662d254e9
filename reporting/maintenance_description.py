"""What `reporting.maintenance_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from app.core.http.operations import Answer, Content, Operation, Parameter
from app.core.problems import ProblemType

_TAG = "Maintenance"
_Text = Annotated[str, Meta(min_length=1, max_length=500)]


class NewMaintenance(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Time to exclude from budgets: `[starts_at, ends_at)`, whole minutes, at most a week; with `rrule` the first time."""

    starts_at: datetime
    ends_at: datetime
    author: _Text
    reason: _Text
    service: _Text | None = None
    rrule: _Text | None = None
    timezone: _Text = "UTC"


class MaintenanceView(Struct, frozen=True, kw_only=True):
    """Time that is excluded. Without a service it is for all, without an rrule once."""

    maintenance_id: str
    service: str | None
    starts_at: datetime
    ends_at: datetime
    rrule: str | None
    timezone: str
    author: str
    reason: str
    created_at: datetime


class MaintenanceList(Struct, frozen=True):
    """All maintenance that was not removed, latest first."""

    maintenance: list[MaintenanceView]


_NEW: dict[str, Any] = {
    "service": "checkout",
    "starts_at": "2026-11-22T02:00:00Z",
    "ends_at": "2026-11-22T03:30:00Z",
    "rrule": "FREQ=MONTHLY;BYDAY=4SU",
    "timezone": "Europe/Berlin",
    "author": "Mia Berg",
    "reason": "Database upgrades",
}
_EXAMPLE = {"maintenance_id": "m-8d9bc0f1a2b3c4d5e6", **_NEW, "created_at": "2026-11-15T10:00:00Z"}
_ABOUT = (
    "Its minutes are left out of budgets and burn rates, also when they are past; every figure is shown with them as well. "
    "An `rrule` is of RFC 5545: FREQ of DAILY, WEEKLY, MONTHLY or YEARLY, with INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH."
)

LIST = Operation(
    summary="List maintenance",
    tag=_TAG,
    answers=(
        Answer(
            status=200,
            about="All of it, latest first.",
            content=(Content(shape=MaintenanceList, example={"maintenance": [_EXAMPLE]}),),
        ),
    ),
)
ADD = Operation(
    summary="Exclude time for maintenance",
    about=_ABOUT,
    tag=_TAG,
    body=(Content(shape=NewMaintenance, example=_NEW),),
    answers=(Answer(status=201, about="It is excluded.", content=(Content(shape=MaintenanceView, example=_EXAMPLE),)),),
    problems=(ProblemType.MALFORMED_JSON, ProblemType.INVALID_REQUEST, ProblemType.UNSUPPORTED_MEDIA_TYPE),
)
REMOVE = Operation(
    summary="Count time again",
    about="Removes maintenance, and counts its time again, also that of the past.",
    tag=_TAG,
    parameters=(
        Parameter(
            name="maintenance_id",
            where="path",
            about="As it was given when it was added.",
            required=True,
            example="m-8d9bc0f1a2b3c4d5e6",
        ),
    ),
    answers=(Answer(status=204, about="It is gone."),),
)
