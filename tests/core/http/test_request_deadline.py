"""The time that one request may take, and what it is told when others have taken the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask, request

from app.core import deadline
from app.core.errors import OverloadedError
from app.core.http.body import BodyReaders, read_body
from app.core.http.edge import Edge, NoRecorder

if TYPE_CHECKING:
    from flask.testing import FlaskClient


def left() -> dict[str, float]:
    deadline.begin(0.5)  # As if most of the time had gone by.
    read_body(request)
    return {"left": deadline.left(3_600)}


def crowded() -> str:
    raise OverloadedError("summaries", "12 wait already for one of 3 places")


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("test")
    for view in (left, crowded):
        app.add_url_rule(f"/{view.__name__}", view_func=view, methods=["GET", "POST"])
    readers = BodyReaders(deadline_s=5, most=4)
    Edge(app, readers=readers, recorder=NoRecorder(), base_url="https://slipstream.example", deadline_s=7.0)
    return app.test_client()


def test_a_request_has_its_whole_time_once_its_body_is_complete(client: FlaskClient) -> None:
    answer = client.post("/left", data=b"some bytes").json

    assert answer is not None
    assert 0.5 < answer["left"] <= 7.0


def test_the_deadline_ends_with_the_request(client: FlaskClient) -> None:
    client.get("/left")

    assert deadline.left(3_600) == 3_600


def test_a_bulkhead_that_is_full_is_an_overload(client: FlaskClient) -> None:
    response = client.get("/crowded")

    assert response.status_code == 503
    assert response.json is not None
    assert response.json["type"].endswith("/overloaded")
    assert "summaries" not in response.text
    assert int(response.headers["Retry-After"]) >= 1
