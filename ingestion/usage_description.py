"""What `ingestion.usage_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from app.core.http.operations import Answer, Content, Operation, account_parameter
from ingestion.usage import Usage

_EXAMPLE = {
    "account_id": "acme",
    "tier": "standard",
    "as_of": "2026-11-22T10:17:02.125Z",
    "rate_limits": {
        "events_per_minute": {"per_minute": 60_000, "burst": 10_000, "remaining": 9_900},
        "summaries_per_minute": {"per_minute": 600, "burst": 600, "remaining": 598},
    },
    "quotas": {
        "daily_quota": {
            "period": "2026-11-22",
            "limit": 10_000_000,
            "used": 8_100_000,
            "remaining": 1_900_000,
            "resets_at": "2026-11-23T00:00:00Z",
        },
        "monthly_quota": {
            "period": "2026-11",
            "limit": 200_000_000,
            "used": 121_000_000,
            "remaining": 79_000_000,
            "resets_at": "2026-12-01T00:00:00Z",
        },
    },
    "circuit": {
        "state": "closed",
        "retry_after": None,
        "good": 812,
        "bad": 3,
        "changes": [
            {"changed_at": "2026-11-20T08:00:41Z", "before": "half-open", "after": "closed", "cause": "admitted"},
        ],
    },
    "queue": {"shard": 7, "lane": "normal", "ordered": False, "events_in_flight": 200, "above_fair_share": False},
    "notices": [
        {
            "notice_id": "quota/acme/2026-11-22/80",
            "period": "2026-11-22",
            "threshold": 80,
            "used": 8_000_100,
            "quota": 10_000_000,
            "noticed_at": "2026-11-22T10:02:11.5Z",
        }
    ],
}
_ACCOUNT_ID = account_parameter("The account; a key reads its own.")

READ_USAGE = Operation(
    summary="See what an account may do and what it has used",
    about=(
        "Quotas count events by the time of their receipt, in days and months of UTC. `notices` says that 80 or 100 per cent "
        "of one are used. `circuit` opens when too many of an account's batches are bad, and `queue` is what waits to be stored."
    ),
    tag="Accounts",
    parameters=(_ACCOUNT_ID,),
    answers=(Answer(status=200, about="The usage as of now.", content=(Content(shape=Usage, example=_EXAMPLE),)),),
)
RESET_CIRCUIT = Operation(
    summary="Close an account's circuit breaker by hand",
    about="What was counted of its bad batches is forgotten. It holds within seconds on every process.",
    tag="Administration",
    parameters=(_ACCOUNT_ID,),
    answers=(Answer(status=204, about="It is closed."),),
)
