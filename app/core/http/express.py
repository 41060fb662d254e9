"""A short way past Flask for the route that carries the load.

Flask's contexts, its routing and its response cost a request with one event as much as all that is done for the event: 334 µs
of CPU with them, 169 without, in turns in one process. So a view may take the environment itself and need nothing of Flask; then
the edge calls it, with all that it does around every request. The route is registered as any other, so documentation,
authorisation and the answer to other methods are as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
from flask import g, request

from app.core.http.application import WholeResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any
    from wsgiref.types import WSGIEnvironment

    from flask import Flask
    from werkzeug.wrappers import Response

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


class ExpressView(Protocol):
    """A view that needs no Flask. It raises what other views raise."""

    def __call__(self, environ: WSGIEnvironment, about: About) -> Ready: ...


def ready_json(value: Any, status: str, headers: Mapping[str, str] | None = None) -> Ready:
    """Answer with JSON of anything that msgspec can encode."""
    body = _encode(value)
    lines = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return Ready(status, [*lines, *headers.items()] if headers else lines, body)


def express(view: ExpressView) -> Callable[[], Response]:
    """Make a view for Flask that the edge may call without it."""

    @wraps(view)
    def within_flask() -> Response:
        about = About()
        try:
            ready = view(request.environ, about)
        finally:
            g.account_id, g.tier, g.headers = about.account_id, about.tier, about.headers
        return WholeResponse(ready.body, ready.status, ready.headers)

    within_flask.express = view  # type: ignore[attr-defined]  # A function has no declared attributes.
    return within_flask


def express_views(app: Flask) -> dict[tuple[str, str], ExpressView]:
    """Return the express views of an app by method and path, which have no variables.

    Raises `LookupError` for one inside another function, such as a guard, past which the edge would go.
    """
    return {
        (method, rule.rule): view
        for rule in app.url_map.iter_rules()
        if (view := _express_of(app.view_functions[rule.endpoint])) is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def _express_of(view: Any) -> ExpressView | None:
    found: ExpressView | None = getattr(view, "express", None)
    if found is not None and view.__wrapped__ is not found:
        raise LookupError(f"the express view {view.__name__} stands inside of another function")
    return found
