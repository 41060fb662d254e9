"""`/report-subscriptions`: for operators."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from flask import Blueprint, Response, g, request
from msgspec import Meta, Struct

from app.core.clock import CLOCK
from app.core.http.json_body import read_json
from app.core.http.operations import Answer, Content, Operation, Parameter, describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.problems import ProblemType
from reporting.alerts.paging import read_id
from reporting.reports.archive import Paper
from reporting.reports.model import Kind, Scope
from reporting.reports.schedule import Rhythm
from reporting.reports_description import TAG, Name, Recipients

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from reporting.reports.subscriptions import Subscription
    from reporting.reports.subscriptions_service import Subscriptions

HOUR = 7


class NewSubscription(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who gets the reports of which periods, at this hour of the day after each, by the clocks of `timezone`.

    Without a time zone it is that of the installation; of nobody, reports are made for the archive.
    """

    kind: Kind
    audience: Recipients = []
    timezone: Annotated[str, Meta(max_length=100)] | None = None
    hour: Annotated[int, Meta(ge=0, le=23)] = HOUR
    service: Name | None = None
    account_id: Name | None = None
    tier: Name | None = None
    paper: Paper = Paper.A4


class ChangedSubscription(NewSubscription, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same of one that is there, with the `audience_digest` that was answered: nobody is put back who has left since."""

    audience_digest: Annotated[str, Meta(max_length=64)]


class SubscriptionView(Struct, frozen=True, kw_only=True):
    """A subscription; the report of `next_period` is due at `due_at`."""

    subscription_id: str
    kind: Kind
    audience: tuple[str, ...]
    audience_digest: str
    timezone: str
    hour: int
    service: str | None
    account_id: str | None
    tier: str | None
    paper: Paper
    author: str
    created_at: datetime
    next_period: str
    due_at: datetime


class SubscriptionList(Struct, frozen=True):
    """Subscriptions, the last to be made first."""

    subscriptions: list[SubscriptionView]


_NEW: dict[str, Any] = {"kind": "weekly", "audience": ["mia@example.org"], "timezone": "Europe/Berlin"}
_CHANGED = {**_NEW, "audience_digest": "2185f8d9db3e25555b813ec60e4873cc5452aa80dc94ef6fd231b751c8c8dd25"}
_EXAMPLE = {
    "subscription_id": "sub_07d2e4b836005f1c9a00",
    **_CHANGED,
    "hour": HOUR,
    "service": "checkout",
    "account_id": None,
    "tier": None,
    "paper": "a4",
    "author": "operator",
    "created_at": "2026-11-22T10:00:00Z",
    "next_period": "2026-W47",
    "due_at": "2026-11-23T06:00:00Z",
}
_LIST = Operation(
    summary="List subscriptions of reports",
    tag=TAG,
    answers=(
        Answer(
            status=200,
            about="All that hold.",
            content=(Content(shape=SubscriptionList, example={"subscriptions": [_EXAMPLE]}),),
        ),
    ),
)
_ADD = Operation(
    summary="Subscribe to reports",
    about=(
        "From the period on that is going on. After downtime the reports of up to four missed periods are made. Every mail has a "
        "link that ends it for its reader (RFC 8058)."
    ),
    tag=TAG,
    body=(Content(shape=NewSubscription, example=_NEW),),
    answers=(Answer(status=201, about="It holds.", content=(Content(shape=SubscriptionView, example=_EXAMPLE),)),),
    problems=(ProblemType.INVALID_REQUEST, ProblemType.CONFLICT),
)
_ID = Parameter(
    name="subscription_id",
    where="path",
    about="The id of a subscription.",
    required=True,
    example="sub_07d2e4b836005f1c9a00",
)
_CHANGE = Operation(
    summary="Change a subscription of reports",
    about=(
        "All of it, as for a new one. The report that was the next is the next still, unless weeks become months. When somebody "
        "has left by the link in a mail, `audience_digest` is another: 409, and nothing is changed."
    ),
    tag=TAG,
    parameters=(_ID,),
    body=(Content(shape=ChangedSubscription, example=_CHANGED),),
    answers=(Answer(status=200, about="It holds so.", content=(Content(shape=SubscriptionView, example=_EXAMPLE),)),),
    problems=(ProblemType.INVALID_REQUEST, ProblemType.CONFLICT),
)
_REMOVE = Operation(
    summary="End a subscription of reports",
    tag=TAG,
    parameters=(_ID,),
    answers=(Answer(status=204, about="It has ended."),),
)


def blueprint(subscriptions: Subscriptions, guard: Guard, *, timezone: str) -> Blueprint:
    """Return the routes of subscriptions; `timezone` is that of those which name none."""
    routes = Blueprint("report_subscriptions", __name__)

    @routes.get("/report-subscriptions")
    @guard.admin
    @describe(_LIST)
    def list_subscriptions() -> Response:
        return json_response(SubscriptionList([view_of(each) for each in subscriptions.all()]))

    @routes.post("/report-subscriptions")
    @guard.admin
    @changes("subscriptions.add", "kind", "audience", "service", "account_id", "tier")
    @describe(_ADD)
    def add_subscription() -> Response:
        wanted = read_json(request, NewSubscription)
        rhythm = rhythm_of(wanted, timezone)
        added = subscriptions.add(
            rhythm, CLOCK.now(), audience=wanted.audience, paper=wanted.paper, by=g.principal.name
        )
        return json_response(view_of(added), 201)

    @routes.put("/report-subscriptions/<subscription_id>")
    @guard.admin
    @changes("subscriptions.change", "subscription_id", "kind", "audience", "service", "account_id", "tier")
    @describe(_CHANGE)
    def change_subscription(subscription_id: str) -> Response:
        wanted = read_json(request, ChangedSubscription)
        changed = subscriptions.change(
            read_id(subscription_id, "subscription"),
            rhythm_of(wanted, timezone),
            CLOCK.now(),
            audience=wanted.audience,
            seen=wanted.audience_digest,
            paper=wanted.paper,
        )
        return json_response(view_of(changed))

    @routes.delete("/report-subscriptions/<subscription_id>")
    @guard.admin
    @changes("subscriptions.remove", "subscription_id")
    @describe(_REMOVE)
    def remove_subscription(subscription_id: str) -> Response:
        subscriptions.remove(read_id(subscription_id, "subscription"), CLOCK.now())
        return Response(status=204)

    return routes


def rhythm_of(wanted: NewSubscription, default_timezone: str) -> Rhythm:
    """Return which reports are wanted, and when."""
    return Rhythm(
        kind=wanted.kind,
        timezone=wanted.timezone or default_timezone,
        hour=wanted.hour,
        scope=Scope(service=wanted.service, account_id=wanted.account_id, tier=wanted.tier),
    )


def view_of(subscription: Subscription) -> SubscriptionView:
    """Return a subscription as it is shown."""
    rhythm = subscription.rhythm
    return SubscriptionView(
        subscription_id=subscription.subscription_id,
        kind=rhythm.kind,
        audience=subscription.audience,
        audience_digest=subscription.audience_digest,
        timezone=rhythm.timezone,
        hour=rhythm.hour,
        service=rhythm.scope.service,
        account_id=rhythm.scope.account_id,
        tier=rhythm.scope.tier,
        paper=subscription.paper,
        author=subscription.author,
        created_at=subscription.created_at,
        next_period=subscription.next_period,
        due_at=subscription.due_at,
    )
