"""`GET /accounts/{id}/summary`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Blueprint
from werkzeug.http import parse_etags

from app.core.authentication import bearer_token
from app.core.errors import DependencyError
from app.core.failpoints import failpoint
from app.core.http.express import Ready, express
from app.core.http.guard import NO_SUCH_ACCOUNT
from app.core.http.operations import Answer as Described
from app.core.http.operations import Content, Operation, Parameter, account_parameter, describe
from app.core.keys import Scope, parse_key
from app.core.problems import Problem, ProblemType
from app.domain.shards import ACCOUNT_ID
from ingestion.limits_description import SUMMARY_LIMIT
from ingestion.summary.service import Summary
from ingestion.summary.windows import Window

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from app.core.http.doorstep import Visit
    from app.core.http.express import About
    from app.core.http.guard import Guard
    from app.core.key_usage import KeyUsage
    from app.core.keys import PresentedKey
    from ingestion.summary.rate import SummaryRate
    from ingestion.summary.service import Answer, Summaries

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
        account_parameter("The account; a key reads its own."),
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


_SENT = [
    ("Content-Type", "application/json"),
    # For its reader alone, who asks each time whether it still holds: our own cache makes that cheap.
    ("Cache-Control", "private, no-cache"),
    ("Vary", "Authorization"),
]
_ALREADY_THERE = _SENT[1:]
_WINDOWS = {f"window={window}": window for window in Window}


def blueprint(summaries: Summaries, guard: Guard, rate: SummaryRate, usage: KeyUsage) -> Blueprint:
    """Routes of summaries."""
    routes = Blueprint("summaries", __name__)
    desk = _Desk(summaries, guard, rate, usage)

    @routes.get("/accounts/<account_id>/summary")
    @guard.by_view(Scope.SUMMARY_READ)
    @describe(_OPERATION)
    @express
    def read_summary(environ: WSGIEnvironment, about: About, account_id: str) -> Ready:
        answer = desk.read(environ, about, account_id)
        headers = [("ETag", answer.etag), ("Age", str(answer.age_s)), ("X-Cache", answer.cache.value)]
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and parse_etags(known).contains_weak(answer.etag.strip('"')):
            return Ready("304 NOT MODIFIED", headers + _ALREADY_THERE, b"")
        return Ready("200 OK", [*headers, *_SENT, ("Content-Length", str(len(answer.body)))], answer.body)

    return routes


class _Desk:
    """Finds out who asks and how often he may, and reads the summary.

    Nearly everybody asks with a key of the account for one of the windows: then the key, the rate and what is cached are
    looked at in one round trip. Whatever else it is, or is wrong with it, the guard says.
    """

    def __init__(self, summaries: Summaries, guard: Guard, rate: SummaryRate, usage: KeyUsage) -> None:
        self._summaries = summaries
        self._guard = guard
        self._rate = rate
        self._usage = usage

    def read(self, environ: WSGIEnvironment, about: About, account_id: str) -> Answer:
        """Return the answer, with `about` filled in; raises `Problem` and `DependencyError`."""
        now = datetime.now(UTC)
        visit = self._guard.visit(environ)
        window, key = _WINDOWS.get(environ.get("QUERY_STRING", "")), _own_key(environ, account_id)
        taken = None
        if window is not None and key is not None:
            name = self._summaries.name(account_id, window)
            taken = self._rate.take_by_key(key, Scope.SUMMARY_READ, now, cached=name)
        if taken is None or window is None or key is None:
            try:
                window = self._checked(environ, about, visit, account_id)
            except Problem:
                self._tell_what_is_left(about, now)
                raise
            # Operators have no account, and no rate.
            standing = None if about.account_id is None else self._rate.take(about.account_id, now)
            found = None
        else:
            standing, found = taken
            visit.known()
            self._usage.note(account_id, key.key_id, now)
            about.account_id, about.tier = account_id, standing.tier
        if standing is not None:
            about.headers = standing.headers()
            refusal = standing.refusal()
            if refusal is not None:
                raise refusal
        # What the demonstration's incident is made of.
        failpoint("summary.is_slow")
        failpoint("summary.fails")
        known = ACCOUNT_ID.fullmatch(account_id) is not None
        answer = self._summaries.read(account_id, window, now=now, found=found) if known else None
        if answer is None:
            raise Problem(ProblemType.NOT_FOUND, NO_SUCH_ACCOUNT)
        return answer

    def _tell_what_is_left(self, about: About, now: datetime) -> None:
        """Let also who is refused know what is left to him, if it is known who he is, and that can be found out."""
        if about.account_id is not None:
            with suppress(DependencyError):
                about.headers = self._rate.look(about.account_id, now).headers()

    def _checked(self, environ: WSGIEnvironment, about: About, visit: Visit, account_id: str) -> Window:
        """Hold the guard's rule, and return the window that is asked for."""
        principal = self._guard.check_for(environ, Scope.SUMMARY_READ, about, visit)
        self._guard.check_own(principal, account_id)
        given = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get("window", [])
        if len(given) == 1 and given[0] in set(Window):
            return Window(given[0])
        raise Problem(ProblemType.MALFORMED_REQUEST, f"The query needs one `window`: {', '.join(Window)}.")


def _own_key(environ: WSGIEnvironment, account_id: str) -> PresentedKey | None:
    """Return the key that was presented, if it says that it is this account's."""
    try:
        key = parse_key(bearer_token(environ.get("HTTP_AUTHORIZATION")))
    except Problem:
        return None
    return key if key is not None and key.account_id == account_id else None
