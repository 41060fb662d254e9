"""`/tiers`: the named sets of limits, for operators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, request
from msgspec import Struct

from app.api.accounts import BODY_PROBLEMS, TAG
from app.core.http.json_body import read_json
from app.core.http.operations import Answer, Content, Operation, Parameter, describe
from app.core.http.recording import changes
from app.core.http.rendering import json_response
from app.core.tiers import TIER_NAME, AccountLane, Limit, Limits, Overrides
from app.domain.shards import Lane

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from app.core.http.guard import Guard
    from app.core.tiers import Tier
    from app.core.tiers_service import Tiers


class TierLimits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All limits of a tier. Rates are a minute; bursts and quotas are events; a quota of null is no limit."""

    events_per_minute: Limit
    events_burst: Limit
    summaries_per_minute: Limit
    daily_quota: Limit | None
    monthly_quota: Limit | None
    lane: AccountLane

    @property
    def limits(self) -> Limits:
        return Limits(
            events_per_minute=self.events_per_minute,
            events_burst=self.events_burst,
            summaries_per_minute=self.summaries_per_minute,
            daily_quota=self.daily_quota,
            monthly_quota=self.monthly_quota,
            lane=Lane(self.lane),
        )


class TierView(Struct, frozen=True):
    """A tier with its limits."""

    name: str
    events_per_minute: int
    events_burst: int
    summaries_per_minute: int
    daily_quota: int | None
    monthly_quota: int | None
    lane: Lane
    updated_at: datetime


class TierList(Struct, frozen=True):
    """All tiers, smallest first."""

    tiers: list[TierView]


_LIMITS = {
    "events_per_minute": 6_000,
    "events_burst": 2_000,
    "summaries_per_minute": 60,
    "daily_quota": 500_000,
    "monthly_quota": None,
    "lane": "low",
}
_EXAMPLE = {"name": "free", **_LIMITS, "updated_at": "2026-11-22T10:00:00Z"}
_TIER = Content(shape=TierView, example=_EXAMPLE)
_NAME = Parameter(
    name="name",
    where="path",
    about="The name of a tier.",
    schema={"type": "string", "pattern": f"^{TIER_NAME.pattern}$"},
    required=True,
    example="free",
)

LIST = Operation(
    summary="List tiers",
    tag=TAG,
    answers=(
        Answer(
            status=200,
            about="All tiers, smallest first.",
            content=(Content(shape=TierList, example={"tiers": [_EXAMPLE]}),),
        ),
    ),
)
GET = Operation(
    summary="Show a tier",
    tag=TAG,
    parameters=(_NAME,),
    answers=(Answer(status=200, about="The tier.", content=(_TIER,)),),
)
PUT = Operation(
    summary="Make or replace a tier",
    about="The limits of every account in it hold at the account's next request.",
    tag=TAG,
    parameters=(_NAME,),
    body=(Content(shape=TierLimits, example=_LIMITS),),
    answers=(
        Answer(status=200, about="Replaced.", content=(_TIER,)),
        Answer(status=201, about="Made.", content=(_TIER,)),
    ),
    problems=BODY_PROBLEMS,
)
CHANGE = Operation(
    summary="Change some limits of a tier",
    about="What is left out stays. The limits of every account in it hold at the account's next request.",
    tag=TAG,
    parameters=(_NAME,),
    body=(Content(shape=Overrides, example={"daily_quota": 1_000_000}),),
    answers=(Answer(status=200, about="The tier as it is now.", content=(_TIER,)),),
    problems=BODY_PROBLEMS,
)


def blueprint(tiers: Tiers, guard: Guard) -> Blueprint:
    """Return the routes of tiers."""
    routes = Blueprint("tiers", __name__)

    @routes.get("/tiers")
    @guard.admin
    @describe(LIST)
    def list_tiers() -> Response:
        return json_response(TierList([_view(tier) for tier in tiers.every()]))

    @routes.get("/tiers/<name>")
    @guard.admin
    @describe(GET)
    def get_tier(name: str) -> Response:
        return json_response(_view(tiers.get(name)))

    @routes.put("/tiers/<name>")
    @guard.admin
    @changes("tiers.put", "name", *_LIMITS)
    @describe(PUT)
    def put_tier(name: str) -> Response:
        wanted = read_json(request, TierLimits)
        is_new = tiers.put(name, wanted.limits, datetime.now(UTC))
        return json_response(_view(tiers.get(name)), 201 if is_new else 200)

    @routes.patch("/tiers/<name>")
    @guard.admin
    @changes("tiers.change", "name", *_LIMITS)
    @describe(CHANGE)
    def change_tier(name: str) -> Response:
        return json_response(_view(tiers.change(name, read_json(request, Overrides), datetime.now(UTC))))

    return routes


def _view(tier: Tier) -> TierView:
    limits = tier.limits
    return TierView(
        name=tier.name,
        events_per_minute=limits.events_per_minute,
        events_burst=limits.events_burst,
        summaries_per_minute=limits.summaries_per_minute,
        daily_quota=limits.daily_quota,
        monthly_quota=limits.monthly_quota,
        lane=limits.lane,
        updated_at=tier.updated_at,
    )
