"""A small app with every kind of view, and somebody to call it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint, Flask, g, has_request_context, request

from app.core.authentication import Principal, bearer_token
from app.core.errors import DependencyTimeoutError, DependencyUnavailableError
from app.core.http.body import BodyReaders, body_of, read_body
from app.core.http.edge import Edge
from app.core.http.express import express, ready_json
from app.core.http.guard import Guard
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from datetime import datetime
    from wsgiref.types import WSGIEnvironment

    from flask.testing import FlaskClient

    from app.core.http.express import About, Ready

PRINCIPALS = {
    "writer": Principal(account_id="acme", key_id="w", scopes=frozenset({"events:write"}), tier="standard"),
    "reader": Principal(account_id="acme", key_id="r", scopes=frozenset({"summary:read"}), tier="standard"),
    "operator": Principal(account_id=None, key_id="o", scopes=frozenset({"admin"})),
}


EXPRESS_ERRORS = {
    b"problem": Problem(ProblemType.INVALID_EVENTS, "Not these."),
    b"away": DependencyUnavailableError("valkey", "refused by 10.0.0.7"),
    b"bug": KeyError("a secret"),
}


class KnownTokens:
    """Authenticates by a table."""

    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        try:
            return PRINCIPALS[bearer_token(authorization)]
        except KeyError:
            raise Problem(ProblemType.UNAUTHORIZED, "Nobody.") from None


@dataclass
class Recording:
    """Remembers what it was told, in order."""

    told: list[tuple[Any, ...]] = field(default_factory=list)

    def begin(self, route: str, method: str) -> int:
        self.told.append(("begin", route, method))
        return len(self.told)

    def note(self, what: str) -> None:
        self.told.append((what,))

    def finish(self, measure: Any, **about: Any) -> None:
        self.told.append(("finish", about))


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def readers() -> BodyReaders:
    return BodyReaders(deadline_s=5, most=4)


def views(guard: Guard, recording: Recording) -> Blueprint:
    routes = Blueprint("test", __name__)

    @routes.get("/hello")
    @guard.public
    def hello() -> str:
        return "hello"

    @routes.post("/echo")
    @guard.public
    def echo() -> bytes:
        body = read_body(request, limit=1_000)
        recording.note("read")
        return body

    @routes.post("/json")
    @guard.public
    def json() -> dict[str, Any]:
        return {"got": request.get_json()}

    @routes.get("/accounts/<account_id>/summary")
    @guard.scope("summary:read")
    def summary(account_id: str) -> dict[str, str | None]:
        return {"account": account_id, "caller": g.principal.account_id}

    @routes.get("/operators")
    @guard.admin
    def operators() -> str:
        return "hello"

    @routes.get("/fails/<how>")
    @guard.public
    def fails(how: str) -> str:
        raise {
            "away": DependencyUnavailableError("valkey", "refused by 10.0.0.7"),
            "late": DependencyTimeoutError("postgresql", "10.0.0.7 said nothing"),
            "bug": KeyError("a secret"),
        }[how]

    @routes.post("/express")
    @guard.public
    @express
    def quick(environ: WSGIEnvironment, about: About) -> Ready:
        about.account_id, about.tier = "acme", "standard"
        body = body_of(environ)
        recording.note("inside Flask" if has_request_context() else "past Flask")
        if body in EXPRESS_ERRORS:
            raise EXPRESS_ERRORS[body]
        return ready_json({"got": len(body)}, "202 ACCEPTED", {"X-More": "1"})

    @routes.get("/express/<account_id>/of/<thing>")
    @guard.by_view("summary:read")
    @express
    def quick_thing(environ: WSGIEnvironment, about: About, account_id: str, thing: str) -> Ready:
        recording.note("inside Flask" if has_request_context() else "past Flask")
        return ready_json({"account": account_id, "thing": thing}, "200 OK")

    return routes


@pytest.fixture
def app(recording: Recording, readers: BodyReaders) -> Flask:
    app = Flask("test")
    app.register_blueprint(views(Guard(KnownTokens()), recording))
    Edge(app, readers=readers, recorder=recording, base_url="https://slipstream.example")
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
