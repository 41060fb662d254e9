"""What one request may take: time, and a thread while others need theirs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from flask import Blueprint, Flask, request

from app.core import deadline
from app.core.errors import OverloadedError
from app.core.http.body import BodyReaders, read_body
from app.core.http.edge import Edge, NoRecorder, RequestLimits

if TYPE_CHECKING:
    from flask.testing import FlaskClient

NOBODY_WAITS_SO_LONG_S = 60


class Views:
    """Views that say for how long they may wait, and that wait."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Semaphore(0), threading.Event()
        self.routes = Blueprint("test", __name__)
        for rule, view in {
            "/left": self.left,
            "/stay": self.stay,
            "/livez": self.livez,
            "/crowded": self.crowded,
        }.items():
            self.routes.add_url_rule(rule, view.__name__, view, methods=["GET", "POST"])

    def left(self) -> dict[str, float]:
        deadline.begin(0.5)  # As if most of the time had gone by.
        read_body(request)
        return {"left": deadline.left(3_600)}

    def stay(self) -> str:
        self.entered.release()
        self.leave.wait(NOBODY_WAITS_SO_LONG_S)
        return "stayed"

    def livez(self) -> str:
        return "alive"

    def crowded(self) -> str:
        raise OverloadedError("summaries", "12 wait already for one of 3 places")


@pytest.fixture
def views() -> Views:
    return Views()


@pytest.fixture
def client(views: Views) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(views.routes)
    limits = RequestLimits(deadline_s=7.0, most_at_once=2)
    readers = BodyReaders(deadline_s=5, most=4)
    Edge(app, readers=readers, recorder=NoRecorder(), base_url="https://slipstream.example", limits=limits)
    return app.test_client()


def test_a_request_has_its_whole_time_once_its_body_is_complete(client: FlaskClient) -> None:
    answer = client.post("/left", data=b"some bytes").json

    assert answer is not None
    assert 0.5 < answer["left"] <= 7.0


def test_the_deadline_ends_with_the_request(client: FlaskClient) -> None:
    client.get("/left")

    assert deadline.left(3_600) == 3_600


def test_a_thread_stays_free_for_the_probes_while_requests_hang(client: FlaskClient, views: Views) -> None:
    app = client.application
    with ThreadPoolExecutor(2) as threads:
        hanging = [threads.submit(app.test_client().get, "/stay") for _ in range(2)]
        for _ in hanging:
            assert views.entered.acquire(timeout=NOBODY_WAITS_SO_LONG_S)

        refused, probed = client.get("/left"), client.get("/livez")
        views.leave.set()
        stayed = [future.result() for future in hanging]

    assert (refused.status_code, refused.json and refused.json["limit"]) == (503, "requests")
    assert int(refused.headers["Retry-After"]) >= 1
    assert probed.data == b"alive"
    assert [response.status_code for response in stayed] == [200, 200]
    assert client.get("/left").status_code == 200


def test_a_bulkhead_that_is_full_is_an_overload(client: FlaskClient) -> None:
    response = client.get("/crowded")

    assert response.status_code == 503
    assert response.json is not None
    assert response.json["type"].endswith("/overloaded")
    assert "summaries" not in response.text
    assert int(response.headers["Retry-After"]) >= 1
