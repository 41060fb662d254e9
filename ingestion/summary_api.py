"""`GET /accounts/{id}/summary`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from app.core.failpoints import failpoint
from app.core.http.guard import NO_SUCH_ACCOUNT
from app.core.http.operations import Answer as Described
from app.core.http.operations import Content, Operation, Parameter, describe
from app.core.keys import Scope
from app.core.problems import Problem, ProblemType
from app.domain.shards import ACCOUNT_ID
from ingestion.limits_description import SUMMARY_LIMIT
from ingestion.summary.service import Summary
from ingestion.summary.windows import Window

if TYPE_CHECKING:
    from app.core.http.guard import Guard
    from ingestion.summary.rate import SummaryRate
    from ingestion.summary.service import Summaries

_EXAMPLE: dict[str, Any] = {
    "account_id": "acme",
    "window": "1h",
    "from": "2026-11-22T09:18:00Z",
    "to": "2026-11-22T10:18:00Z",
    "total": 5400,
    "by_type": {"flight.departed": 5000, "flight.cancelled": 400},
    "first_event_at": "2026-11-22T09:18:03Z",
    "last_event_at": "2026-11-22T10:17:01.25Z",
    "events_per_second": 1.5,
    "as_of": "2026-11-22T10:17:02.125Z",
}

_OPERATION = Operation(
    summary="Count an account's events in a window",
    about=(
        "Counts by the event's own `timestamp` in `[from, to)`, exact to the event: `to` is the next whole minute after "
        "`as_of`, and `from` is `to` less the window. `events_per_second` is `total` by the seconds of the window. "
        "Answers are cached for some seconds; repeat with `If-None-Match` to be told that nothing is newer."
    ),
    tag="Summaries",
    parameters=(
        Parameter(
            name="account_id",
            where="path",
            about="The account; a key reads its own.",
            schema={"type": "string", "pattern": f"^{ACCOUNT_ID.pattern}$"},
            required=True,
            example="acme",
        ),
        Parameter(
            name="window",
            where="query",
            about="How far back to count.",
            schema={"type": "string", "enum": list(Window)},
            required=True,
            example=Window.HOUR,
        ),
        Parameter(name="If-None-Match", where="header", about="The `ETag` of an answer that you have."),
    ),
    answers=(
        Described(
            status=200,
            about="The summary.",
            content=(Content(shape=Summary, example=_EXAMPLE),),
            headers={
                "ETag": "Names this representation.",
                "Age": "Seconds since it was computed.",
                "X-Cache": "`hit`, `miss` or `stale`.",
            },
        ),
        Described(status=304, about="You have it."),
    ),
    problems=(ProblemType.RATE_LIMIT_EXCEEDED,),
    headers=SUMMARY_LIMIT,
)


def blueprint(summaries: Summaries, guard: Guard, rate: SummaryRate) -> Blueprint:
    """Routes of summaries."""
    routes = Blueprint("summaries", __name__)

    @routes.get("/accounts/<account_id>/summary")
    @describe(_OPERATION)
    @guard.scope(Scope.SUMMARY_READ)
    def read_summary(account_id: str) -> Response:
        window = _window(request.args.getlist("window"))
        now = datetime.now(UTC)
        _take_one(rate, now)
        # What the demonstration's incident is made of.
        failpoint("summary.is_slow")
        failpoint("summary.fails")
        answer = summaries.read(account_id, window, now=now) if ACCOUNT_ID.fullmatch(account_id) else None
        if answer is None:
            raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ACCOUNT)
        response = Response(answer.body, content_type="application/json")
        if request.if_none_match.contains_weak(answer.etag.strip('"')):
            response = Response(status=304)
        response.headers["ETag"] = answer.etag
        response.headers["Age"] = str(answer.age_s)
        response.headers["X-Cache"] = answer.cache
        # For its reader alone, who asks each time whether it still holds: our own cache makes that cheap.
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Vary"] = "Authorization"
        return response

    return routes


def _take_one(rate: SummaryRate, now: datetime) -> None:
    """Count the summary against the rate of the account that asks; operators have none. Raises `Problem`."""
    account_id = g.principal.account_id
    if account_id is None:
        return
    standing = rate.take(account_id, now)
    g.headers = standing.headers()
    refusal = standing.refusal()
    if refusal is not None:
        raise refusal


def _window(given: list[str]) -> Window:
    if len(given) == 1 and given[0] in set(Window):
        return Window(given[0])
    raise Problem(ProblemType.MALFORMED_REQUEST, f"The query needs one `window`: {', '.join(Window)}.")
