"""A short way past Flask for the routes that carry the load.

Flask's contexts, its routing and its response cost a request with one event as much as all that is done for the event: 334 µs
of CPU with them, 169 without, in turns in one process. So a view may take the environment itself and need nothing of Flask; then
the edge calls it, with all that it does around every request. The route is registered as any other, so documentation,
authorisation and the answer to other methods are as everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from flask import g, request

from app.core.http.application import WholeResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from flask import Flask
    from werkzeug.wrappers import Response

    ExpressView = Callable[..., "Ready"]
    """A view that needs no Flask. It takes `environ`, `about` and its route's variables by name, and raises what others raise."""

_VARIABLE = re.compile(r"<([a-z_]+)>")
_PLAIN = r"[A-Za-z0-9_.~-]+"
"""What every decoder of addresses leaves as it is; an address with anything else in a variable goes by way of Flask."""
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class About:
    """What is found out about a request on its way, for telemetry; and header fields for whatever it is answered with."""

    account_id: str | None = None
    tier: str = ""
    reason: str = ""
    headers: Mapping[str, str] | None = None


class Ready(NamedTuple):
    """An answer whose every byte is known; `status` as it stands in the first line, `202 ACCEPTED`."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Way(NamedTuple):
    """An express view with its route's rule, and what the address says for the variables of it."""

    rule: str
    view: ExpressView
    variables: dict[str, str]


def ready_json(value: Any, status: str, headers: Mapping[str, str] | None = None) -> Ready:
    """Answer with JSON of anything that msgspec can encode."""
    body = _encode(value)
    lines = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return Ready(status, [*lines, *headers.items()] if headers else lines, body)


def express(view: ExpressView) -> Callable[[], Response]:
    """Make a view for Flask that the edge may call without it."""

    @wraps(view)
    def within_flask(**variables: str) -> Response:
        about = About()
        try:
            ready = view(request.environ, about, **variables)
        finally:
            g.account_id, g.tier, g.headers = about.account_id, about.tier, about.headers
        return WholeResponse(ready.body, ready.status, ready.headers)

    within_flask.express = view  # type: ignore[attr-defined]  # A function has no declared attributes.
    return within_flask


class ExpressViews:
    """The express views of an app by method and path.

    Raises `LookupError` for one inside another function, such as a guard, past which the edge would go.
    """

    def __init__(self, app: Flask) -> None:
        self._ways: dict[tuple[str, str], Way] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], Way]]] = {}
        for rule in app.url_map.iter_rules():
            view = _express_of(app.view_functions[rule.endpoint])
            if view is None:
                continue
            way = Way(rule.rule, view, {})
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                if rule.arguments:
                    self._patterns.setdefault(method, []).append((_pattern(rule.rule), way))
                else:
                    self._ways[method, rule.rule] = way

    def find(self, method: str, path: str) -> Way | None:
        """Return the way of a request, if it has one past Flask."""
        way = self._ways.get((method, path))
        if way is None:
            for pattern, way_there in self._patterns.get(method, ()):
                if found := pattern.fullmatch(path):
                    return way_there._replace(variables=found.groupdict())
        return way


def _pattern(rule: str) -> re.Pattern[str]:
    return re.compile(_VARIABLE.sub(rf"(?P<\1>{_PLAIN})", rule))


def _express_of(view: Any) -> ExpressView | None:
    found: ExpressView | None = getattr(view, "express", None)
    if found is not None and view.__wrapped__ is not found:
        raise LookupError(f"the express view {view.__name__} stands inside of another function")
    return found
