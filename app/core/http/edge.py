"""What happens around every request: its name, its measure, its last resort."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from flask import g, has_request_context, request
from structlog.contextvars import bind_contextvars

from app.core import deadline
from app.core.http.body import LARGEST_BODY, TimedInput
from app.core.http.errors import INTERNAL_ERROR, ErrorAnswers, handle_errors
from app.core.http.express import About, ExpressViews
from app.core.http.rendering import problem_response
from app.core.http.request_ids import RequestIds
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask
    from werkzeug.routing import Rule

    from app.core.http.body import BodyReaders
    from app.core.http.express import Way

UNMATCHED = "__unmatched__"
"""The route of requests whose address we do not know: addresses are the client's, and without end."""

PROBES = frozenset({"/livez", "/readyz", "/metrics"})
"""Routes by which somebody wants to know how we are."""
DEADLINE_S = 5.0
"""Time from a request's complete body to its answer, as it ships."""

_CONVERTER = re.compile(r"<(?:[^<>:]*:)?([^<>]+)>")
_CHUNKED = "chunked"
_CLOSE = {"Connection": "close"}
_EXCHANGE = "slipstream.exchange"
_NOTHING_KNOWN = About(reason=INTERNAL_ERROR.type.slug)
log = structlog.get_logger(__name__)


class RequestRecorder(Protocol):
    """Counts requests; `begin` when the body is complete, `finish` when the answer is."""

    def begin(self, route: str, method: str) -> Any: ...

    def finish(
        self, measure: Any, *, status: int, reason: str, account_id: str | None, tier: str, request_id: str
    ) -> None: ...


class NoRecorder:
    """Counts nothing."""

    def begin(self, route: str, method: str) -> None:
        """Count nothing."""

    def finish(self, measure: Any, **_about: Any) -> None:
        """Count nothing."""


_UNCOUNTED = NoRecorder()


class _Exchange:
    """One request on its way through: its name, its measure, and the start of its answer."""

    __slots__ = ("_measure", "_method", "_recorder", "_route", "_start_response", "about", "answered", "request_id")

    def __init__(self, recorder: RequestRecorder, method: str, request_id: str, start_response: StartResponse) -> None:
        self._recorder = recorder
        self._method = method
        self._route = UNMATCHED
        self._start_response = start_response
        self._measure: Any = None
        self.request_id = request_id
        self.about: About | None = None  # What an express view finds out; others tell Flask's `g`.
        self.answered = False

    def take(self, route: str) -> None:
        """Learn the route, which a measure needs from its beginning. A probe is asked for by machines, and promised to nobody."""
        self._route = route
        if route in PROBES:
            self._recorder = _UNCOUNTED

    def begin(self) -> None:
        """Begin to measure; once."""
        if self._measure is None:
            self._measure = self._recorder.begin(self._route, self._method)

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Count the answer and let it go; WSGI's `start_response`."""
        headers += (("X-Request-Id", self.request_id), ("X-Content-Type-Options", "nosniff"))
        self.answered = True
        self.begin()  # Refused without a look at the body.
        about = self.about or (_about() if has_request_context() else _NOTHING_KNOWN)
        if about.headers is not None:
            headers += about.headers.items()
        self._recorder.finish(
            self._measure,
            status=int(status[:3]),
            reason=about.reason,
            account_id=about.account_id,
            tier=about.tier,
            request_id=self.request_id,
        )
        return self._start_response(status, headers, exc_info)


class Edge:
    """Surrounds an app. Sets `g.request_id`; views and guards set `g.account_id`, `g.tier` and `g.reason` when they know.

    `g.headers` are header fields for whatever the request is answered with, also with a problem.
    """

    def __init__(
        self,
        app: Flask,
        *,
        readers: BodyReaders,
        recorder: RequestRecorder,
        base_url: str,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._inner: WSGIApplication = app.wsgi_app
        self._deadline_s = deadline_s
        self._readers = readers
        self._recorder = recorder
        self._base_url = base_url
        self._ids = RequestIds()
        self._routes = {rule.rule: route_of(rule) for rule in app.url_map.iter_rules()}
        self._express = ExpressViews(app)
        self._errors = ErrorAnswers(base_url)
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
        handle_errors(app, self._errors)
        app.before_request(self._begin)
        app.wsgi_app = self  # type: ignore[method-assign]  # Flask's documented place for what surrounds an app.

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = self._readers.wrap(environ)
        request_id = self._ids.name(environ.get("HTTP_X_REQUEST_ID"))
        exchange = _Exchange(self._recorder, environ["REQUEST_METHOD"], request_id, start_response)
        environ[_EXCHANGE] = exchange
        bind_contextvars(request_id=request_id)
        deadline.begin(self._deadline_s)
        way = self._express.find(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        try:
            answer = self._inner(environ, exchange.start) if way is None else self._answer(way, environ, exchange)
        except Exception:
            if exchange.answered:
                raise
            log.exception("request_failed")
            response = problem_response(INTERNAL_ERROR, base_url=self._base_url, request_id=request_id)
            return response(environ, exchange.start)
        finally:
            deadline.end()
        if body is not None and not body.complete and "HTTP_EXPECT" not in environ:
            body.drain()
        return answer

    def _answer(self, way: Way, environ: WSGIEnvironment, exchange: _Exchange) -> Iterable[bytes]:
        """Do for an express view what Flask does for others."""
        about = exchange.about = About()
        try:
            self._enter(exchange, way.rule, environ)
            status, headers, body = way.view(environ, about, **way.variables)
        except Exception as error:  # noqa: BLE001 - Whatever it is, it has an answer.
            (status, headers, body), about.reason = self._errors.answer(error, exchange.request_id)
        exchange.start(status, headers)
        return [body]

    def _begin(self) -> None:
        environ = request.environ
        exchange: _Exchange = environ[_EXCHANGE]
        g.request_id = exchange.request_id
        rule = request.url_rule
        self._enter(exchange, None if rule is None else rule.rule, environ)

    def _enter(self, exchange: _Exchange, rule: str | None, environ: WSGIEnvironment) -> None:
        """Begin the measure now, or when the body is complete."""
        if rule is not None:
            exchange.take(self._routes[rule])
        _refuse_framing(environ, exchange.about)
        body = environ["wsgi.input"]
        if isinstance(body, TimedInput):
            body.on_complete = partial(self._body_complete, exchange)
        else:
            exchange.begin()

    def _body_complete(self, exchange: _Exchange) -> None:
        """Begin to measure, and give the request its whole time: how long the body took was the client's affair."""
        exchange.begin()
        deadline.begin(self._deadline_s)


def _refuse_framing(environ: WSGIEnvironment, about: About | None) -> None:
    """Raise `Problem` for a body that is coded in any way but in chunks: what stands before us may read it otherwise.

    The connection ends with it: whatever follows may be what another saw as the rest of that body (request smuggling).
    """
    if environ.get("HTTP_TRANSFER_ENCODING", _CHUNKED).lower() != _CHUNKED:
        if about is None:
            g.headers = _CLOSE
        else:
            about.headers = _CLOSE
        raise Problem(ProblemType.MALFORMED_REQUEST, "Of transfer codings, `chunked` alone is taken, and once.")


def _about() -> About:
    """What the views have found out about the request."""
    known = g.__dict__
    return About(known.get("account_id"), known.get("tier", ""), known.get("reason", ""), known.get("headers"))


def route_of(rule: Rule) -> str:
    """Return a rule as users read it, `/accounts/{id}/summary`: so it stands in the documentation, and SLOs name it."""
    return _CONVERTER.sub(lambda found: f"{{{spoken(found[1])}}}", rule.rule)


def spoken(variable: str) -> str:
    """Return what users call a variable of a route; in code the names tell one kind of id from another."""
    return "id" if variable in {"account_id", "letter_id", "alert_id", "incident_id", "silence_id"} else variable
