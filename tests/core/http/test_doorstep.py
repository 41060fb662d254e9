"""Who may have his key looked at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry

from app.core.http.addresses import ClientAddresses
from app.core.http.body import BodyReaders
from app.core.http.doorstep import StrangersDoorstep
from app.core.http.edge import Edge
from app.core.http.guard import Guard
from app.core.metrics.limit_metrics import LimitMetrics
from app.core.strangers import Strangers
from tests.core.http.conftest import KnownTokens, views

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.core.http.conftest import Recording


@pytest.fixture
def client(recording: Recording, readers: BodyReaders) -> FlaskClient:
    """Two strangers a second from one address, and ten failures are twenty times as many."""
    strangers = Strangers(per_second=1_000, per_address_per_second=2, metrics=LimitMetrics(CollectorRegistry()))
    guard = Guard(KnownTokens(), StrangersDoorstep(strangers, ClientAddresses([])))
    app = Flask("test")
    app.register_blueprint(views(guard, recording))
    Edge(app, readers=readers, recorder=recording, base_url="https://slipstream.example")
    return app.test_client()


def status(client: FlaskClient, token: str, address: str = "203.0.113.7", path: str = "/operators") -> int:
    answer = client.get(path, headers={"Authorization": f"Bearer {token}"}, environ_overrides={"REMOTE_ADDR": address})
    return answer.status_code


def exhaust(client: FlaskClient) -> None:
    while status(client, "guess") != 429:
        pass


def test_guesses_are_refused_before_they_are_looked_at(client: FlaskClient) -> None:
    answers = [status(client, f"guess-{number}") for number in range(10)]

    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_caller_with_a_valid_key_is_let_in_from_an_address_that_guesses(client: FlaskClient) -> None:
    assert status(client, "operator") == 200
    exhaust(client)

    assert status(client, "operator") == 200


def test_a_key_that_nobody_has_seen_waits_with_the_others_of_its_address(client: FlaskClient) -> None:
    exhaust(client)

    assert status(client, "operator") == 429
    assert status(client, "operator", address="203.0.113.8") == 200


def test_what_is_public_asks_nobody(client: FlaskClient) -> None:
    exhaust(client)

    assert status(client, "guess", path="/hello") == 200


def test_a_valid_key_without_the_scope_is_no_guess(client: FlaskClient) -> None:
    assert {status(client, "reader") for _ in range(50)} == {403}


def test_the_body_of_a_caller_with_a_valid_key_has_a_place_of_its_own() -> None:
    strangers = Strangers(per_second=0, per_address_per_second=0, metrics=LimitMetrics(CollectorRegistry()))
    doorstep = StrangersDoorstep(strangers, ClientAddresses([]))
    readers = BodyReaders(deadline_s=5, most=1)

    def known(token: str) -> bool:
        environ = {"wsgi.input": io.BytesIO(b"abc"), "SERVER_PORT": "80", "CONTENT_LENGTH": "3"}
        body = readers.wrap(environ | {"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": token})
        assert body is not None
        visit = doorstep.enter({"wsgi.input": body, "HTTP_AUTHORIZATION": token})
        before = body.known
        visit.known()
        assert body.known
        return before

    assert [known("a"), known("a"), known("b")] == [False, True, False]
