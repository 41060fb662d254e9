"""Problems as answers: RFC 9457 bodies, and a Retry-After that spreads those who come back."""

from __future__ import annotations

import math
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from app.core.http.application import WholeResponse
from app.core.http.express import Ready
from app.core.problems import ProblemType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.problems import FieldError, Problem

CONTENT_TYPE = "application/problem+json"
MOST_ERRORS = 1_000
"""Errors listed in one answer: a batch has as many events at most."""

_LONGEST_TEXT = 2_000
WAITING = frozenset({429, 503, 504})
"""Statuses that always say when to come back."""
_DEFAULT_WAIT_S = 2.0
_DEFAULT_JITTER_S = 8.0
"""When nobody knows when a dependency will be back. With it, 500 clients that send every 10 s come back at less than three times
their ordinary rate; with 4 s, at 3.6 times."""
_LONGEST_JITTER_S = 30.0
_STATUS_LINES = {kind.status: f"{kind.status} {HTTPStatus(kind.status).phrase.upper()}" for kind in ProblemType}
_encode = msgspec.json.Encoder().encode


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> WholeResponse:
    """Answer with JSON of anything that msgspec can encode."""
    return WholeResponse(_encode(value), status, headers, content_type="application/json")


def problem_response(problem: Problem, *, base_url: str, request_id: str) -> WholeResponse:
    """Answer with a problem."""
    ready = ready_problem(problem, base_url=base_url, request_id=request_id)
    return WholeResponse(ready.body, ready.status, ready.headers)


def ready_problem(problem: Problem, *, base_url: str, request_id: str) -> Ready:
    """Answer with a problem, past Flask: under overload there are more refusals than anything else."""
    body = problem_body(problem, base_url=base_url, request_id=request_id)
    headers = [("Content-Type", CONTENT_TYPE)]
    if problem.type.status in WAITING:
        body["retry_after"] = seconds = retry_after(problem.retry_after, problem.jitter_s)
        headers.append(("Retry-After", str(seconds)))
    if problem.type is ProblemType.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", 'Bearer realm="slipstream"'))
    encoded = _encode(body)
    headers.append(("Content-Length", str(len(encoded))))
    return Ready(_STATUS_LINES[problem.type.status], headers, encoded)


def problem_body(problem: Problem, *, base_url: str, request_id: str) -> dict[str, Any]:
    """Return the members of a problem; those that say nothing are left out."""
    body: dict[str, Any] = {
        "type": f"{base_url}/problems/{problem.type.slug}",
        "title": problem.type.title,
        "status": problem.type.status,
        "detail": _clean(problem.detail),
        "request_id": request_id,
    }
    if problem.errors:
        body["errors"] = [_error_body(error) for error in problem.errors[:MOST_ERRORS]]
    if problem.limit is not None:
        body["limit"] = problem.limit
    if problem.resets_at is not None:
        body["resets_at"] = problem.resets_at
    return body


def retry_after(wait_s: float | None, jitter_s: float | None = None) -> int:
    """Return whole seconds, never fewer than asked for, with up to `jitter_s` added at random, or half of it (30 s at most).

    Clients that were refused together and come back together would be refused together again.
    """
    wait = _DEFAULT_WAIT_S if wait_s is None else max(wait_s, 0.0)
    if jitter_s is None:
        jitter_s = _DEFAULT_JITTER_S if wait_s is None else min(max(wait / 2, 1.0), _LONGEST_JITTER_S)
    return max(1, math.ceil(wait + random.uniform(0, jitter_s)))  # noqa: S311 - It spreads clients; nobody gains by guessing it.


def _error_body(error: FieldError) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if error.index is not None:
        body["index"] = error.index
    if error.field is not None:
        body["field"] = _clean(error.field)
    body["detail"] = _clean(error.detail)
    return body


def _clean(text: str) -> str:
    """Shorten, and replace lone surrogates, which come from what clients send and are not text in UTF-8."""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
