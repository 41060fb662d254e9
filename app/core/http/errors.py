"""Turns whatever a view raises into a problem. Nothing but a problem ever leaves, and never a traceback."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import structlog
from flask import g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.core.errors import DependencyError, DependencyTimeoutError, OverloadedError
from app.core.http.application import WholeResponse
from app.core.http.rendering import ready_problem
from app.core.problems import BODY_BYTES, Problem, ProblemType

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

    from app.core.http.express import Ready

_BY_STATUS = {
    404: ProblemType.NOT_FOUND,
    405: ProblemType.METHOD_NOT_ALLOWED,
    409: ProblemType.CONFLICT,
    413: ProblemType.CONTENT_TOO_LARGE,
    415: ProblemType.UNSUPPORTED_MEDIA_TYPE,
    422: ProblemType.INVALID_REQUEST,
}
_DETAILS = {
    ProblemType.NOT_FOUND: "There is nothing at this address.",
    ProblemType.METHOD_NOT_ALLOWED: "This address takes other methods.",
    ProblemType.MALFORMED_REQUEST: "The request cannot be read.",
    ProblemType.CONTENT_TOO_LARGE: "The body is too large.",
    ProblemType.UNSUPPORTED_MEDIA_TYPE: "This content type is not taken here.",
}
_AWAY = {
    "valkey": "The queue is not there at the moment.",
    "postgresql": "The database is not there at the moment.",
}
_LATE = {
    "valkey": "The queue did not answer in time.",
    "postgresql": "The database did not answer in time.",
}
_REPORT_EVERY_S = 1.0
_FIRST_SERVER_ERROR = 500
_FIRST_CLIENT_ERROR = 400
INTERNAL_ERROR = Problem(ProblemType.INTERNAL_ERROR, "Something went wrong on our side; it has been logged.")

log = structlog.get_logger(__name__)


class ErrorAnswers:
    """Makes an answer of whatever was raised, and of its reason as telemetry knows it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._report = _Report()

    def answer(self, error: Exception, request_id: str) -> tuple[Ready, str]:
        """Return the answer and its reason; what nobody expected is logged."""
        problem = self.understood(error)
        return ready_problem(problem, base_url=self._base_url, request_id=request_id), problem.type.slug

    def understood(self, error: Exception) -> Problem:
        """Return what the client may know of it; what nobody expected is logged."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, DependencyError):
            self._report.failure(error)
            return as_problem(error)
        log.error("request_failed", exc_info=error)
        return INTERNAL_ERROR


def handle_errors(app: Flask, answers: ErrorAnswers) -> None:
    """Answer every error of this app with a problem."""

    @app.errorhandler(Exception)
    def _any(error: Exception) -> Response:
        ready, g.reason = answers.answer(error, g.get("request_id", ""))
        return WholeResponse(ready.body, ready.status, ready.headers)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        original = getattr(error, "original_exception", None)
        if original is not None:
            return _any(original)
        if error.response is not None or error.code is None or error.code < _FIRST_CLIENT_ERROR:
            return error.get_response()  # A redirect.
        fallback = ProblemType.INTERNAL_ERROR if error.code >= _FIRST_SERVER_ERROR else ProblemType.MALFORMED_REQUEST
        kind = _BY_STATUS.get(error.code, fallback)
        limit = BODY_BYTES if kind is ProblemType.CONTENT_TOO_LARGE else None
        response = _any(Problem(kind, _DETAILS.get(kind, kind.title), limit=limit))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response


class _Report:
    """Logs failures of dependencies, one line a second and dependency: while one is away every request fails of it."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()
        self._lock = threading.Lock()

    def failure(self, error: DependencyError) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._said.get(error.dependency, -_REPORT_EVERY_S) + _REPORT_EVERY_S:
                self._unsaid[error.dependency] += 1
                return
            self._said[error.dependency] = now
            others = self._unsaid.pop(error.dependency, 0)
        log.warning("dependency_failed", dependency=error.dependency, detail=error.detail, others=others)


def as_problem(error: DependencyError) -> Problem:
    """Return what the client may know of a dependency's failure: which one, and that repeating is safe."""
    if isinstance(error, OverloadedError):
        detail = "Too many requests of this kind are being answered already."
        return Problem(ProblemType.OVERLOADED, detail, limit="concurrency")
    if isinstance(error, DependencyTimeoutError):
        return Problem(ProblemType.TIMEOUT, _LATE.get(error.dependency, "Something did not answer in time."))
    return Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY.get(error.dependency, "Something is not there."))
