"""What the guard writes into the record."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint, Flask, request

from app.core.http.body import BodyReaders
from app.core.http.edge import Edge, NoRecorder
from app.core.http.guard import Guard, require_rules
from app.core.http.json_body import read_json
from app.core.http.recording import changes, recorded_otherwise
from app.core.problems import Problem, ProblemType
from tests.core.http.conftest import KnownTokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

OPERATOR = "o"
ADMIN = {"Authorization": "Bearer operator"}


class Lines:
    """Takes notes, and cannot when it is told so."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, dict[str, Any]]] = []
        self.error: Exception | None = None

    @contextmanager
    def change(self, name: str, action: str, subject: str, /, **detail: Any) -> Iterator[None]:
        if self.error is not None:
            raise self.error
        self.lines.append((name, action, subject, detail))
        yield


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def done() -> list[Any]:
    return []


@pytest.fixture
def client(lines: Lines, done: list[Any]) -> FlaskClient:
    guard = Guard(KnownTokens(), recorder=lines)
    routes = Blueprint("things", __name__)

    @routes.post("/things")
    @guard.admin
    @changes("things.add", "name", "size", "missing", otherwise="every thing")
    def add() -> str:
        done.append(read_json(request, dict))
        return ""

    @routes.delete("/things/<name>")
    @guard.admin
    @changes("things.remove", "name", "name")
    def remove(name: str) -> str:
        done.append(name)
        return ""

    @routes.put("/things")
    @guard.admin
    @changes("things.put", lambda: None if request.args else "a thing")
    def put() -> str:
        return ""

    app = Flask("test", static_folder=None)
    app.register_blueprint(routes)
    Edge(app, readers=BodyReaders(deadline_s=1, most=1), recorder=NoRecorder(), base_url="http://127.0.0.1")
    return app.test_client()


def test_a_change_is_recorded_as_it_was_asked_for_and_the_view_reads_its_body_all_the_same(
    client: FlaskClient, lines: Lines, done: list[Any]
) -> None:
    client.post("/things", json={"name": "a", "size": 3, "password": "secret"}, headers=ADMIN)

    assert lines.lines == [(OPERATOR, "things.add", "a", {"size": 3})]
    assert done == [{"name": "a", "size": 3, "password": "secret"}]


def test_without_a_name_it_says_so_in_words(client: FlaskClient, lines: Lines) -> None:
    client.post("/things", json={}, headers=ADMIN)

    assert lines.lines == [(OPERATOR, "things.add", "every thing", {})]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_cannot_be_read_is_recorded_as_one_that_says_nothing(
    client: FlaskClient, lines: Lines, body: bytes
) -> None:
    client.post("/things", data=body, headers=ADMIN)

    assert lines.lines == [(OPERATOR, "things.add", "every thing", {})]


def test_what_postgresql_cannot_keep_is_made_so_that_it_can(client: FlaskClient, lines: Lines) -> None:
    client.post("/things", json={"name": "a\0b", "size": {"deep": ["x" * 500]}}, headers=ADMIN)
    client.delete("/things/a%00b", headers=ADMIN)

    (_, _, subject, detail), (_, _, removed, _) = lines.lines
    assert subject == removed == "a\ufffdb"
    assert len(detail["size"]) == 200


def test_a_request_that_changes_nothing_is_not_recorded(client: FlaskClient, lines: Lines) -> None:
    client.put("/things?dry_run=1", headers=ADMIN)
    client.post("/things", json={"name": "a"}, headers={"Authorization": "Bearer reader"})
    client.post("/things", json={"name": "a"})

    assert lines.lines == []


def test_what_cannot_be_recorded_is_not_done(client: FlaskClient, lines: Lines, done: list[Any]) -> None:
    lines.error = Problem(ProblemType.DEPENDENCY_UNAVAILABLE, "The record is away.")

    assert client.delete("/things/a", headers=ADMIN).status_code == 503
    assert done == []


def test_an_app_with_a_view_that_does_not_say_what_it_changes_is_not_built() -> None:
    guard = Guard(KnownTokens())
    app = Flask("test", static_folder=None)
    app.add_url_rule("/told", "told", guard.public(recorded_otherwise("Elsewhere.")(lambda: "")), methods=["POST"])
    require_rules(app)
    app.add_url_rule("/silent", "silent", guard.admin(lambda: ""), methods=["DELETE"])

    with pytest.raises(LookupError, match="silent"):
        require_rules(app)
