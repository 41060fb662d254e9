"""A view past Flask is treated as any other: named, measured, limited, answered with problems, and never without its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.core.http.edge import Edge
from app.core.http.express import express, ready_json
from app.core.http.guard import Guard

if TYPE_CHECKING:
    from datetime import datetime
    from wsgiref.types import WSGIEnvironment

    from flask.testing import FlaskClient

    from app.core.authentication import Principal
    from app.core.http.body import BodyReaders
    from app.core.http.express import About, Ready
    from tests.core.http.conftest import Recording


def test_it_answers_without_flask_and_is_named_and_measured_as_any_other(
    client: FlaskClient, recording: Recording
) -> None:
    response = client.post("/express", data=b"some bytes", headers={"X-Request-Id": "request-1"})

    assert (response.status_code, response.json) == (202, {"got": 10})
    assert response.headers["X-Request-Id"] == "request-1"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-More"] == "1"
    assert recording.told == [
        ("begin", "/express", "POST"),
        ("past Flask",),
        (
            "finish",
            {"status": 202, "reason": "", "account_id": "acme", "tier": "standard", "request_id": "request-1"},
        ),
    ]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"problem", 422, "invalid-events"),
        (b"away", 503, "dependency-unavailable"),
        (b"bug", 500, "internal-error"),
        (b"x" * 5_000_001, 413, "content-too-large"),
    ],
)
def test_what_it_raises_is_a_problem_and_counted_with_its_reason(
    client: FlaskClient, recording: Recording, body: bytes, status: int, slug: str
) -> None:
    response = client.post("/express", data=body)

    assert response.status_code == status
    assert response.json is not None
    assert response.json["type"] == f"https://slipstream.example/problems/{slug}"
    assert response.json["request_id"] == response.headers["X-Request-Id"]
    assert b"secret" not in response.data
    about = recording.told[-1][1]
    assert (about["status"], about["reason"], about["account_id"]) == (status, slug, "acme")


def test_other_methods_of_its_address_are_flasks(client: FlaskClient) -> None:
    response = client.get("/express")

    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("address", "thing", "way"),
    [
        ("/express/acme-1/of/a_b.c~d", "a_b.c~d", "past Flask"),
        ("/express/acme-1/of/%61", "a", "past Flask"),
        ("/express/acme-1/of/a%20b", "a b", "inside Flask"),
        ("/express/acme-1/of/%C3%BC", "ü", "inside Flask"),
        ("/express/acme-1/of/%ED%A0%80", "\ufffd" * 3, "inside Flask"),
    ],
)
def test_its_route_may_have_variables_and_what_decoders_may_differ_about_is_flasks(
    client: FlaskClient, recording: Recording, address: str, thing: str, way: str
) -> None:
    response = client.get(address)

    assert response.json == {"account": "acme-1", "thing": thing}
    assert recording.told[0] == ("begin", "/express/{id}/of/{thing}", "GET")
    assert recording.told[1] == (way,)


@pytest.mark.parametrize("address", ["/express/acme/of/", "/express//of/a", "/express/acme/of/a/b", "/express/acme"])
def test_an_address_that_is_not_quite_its_routes_is_not_there(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_of_its_route_with_variables_a_head_has_no_body(client: FlaskClient) -> None:
    response = client.head("/express/acme/of/a")

    assert (response.status_code, response.data) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0


def test_within_flask_it_answers_the_same(app: Flask) -> None:
    with app.test_request_context("/express", method="POST", data=b"four"):
        response = app.view_functions["test.quick"]()

    assert isinstance(response, app.response_class)
    assert (response.status, response.json) == ("202 ACCEPTED", {"got": 0})
    assert response.headers["X-More"] == "1"


def test_one_inside_a_guard_is_refused_when_the_app_is_built(readers: BodyReaders, recording: Recording) -> None:
    def view(environ: WSGIEnvironment, about: About) -> Ready:
        return ready_json({}, "200 OK")

    app = Flask("test")
    app.add_url_rule("/open", "open", Guard(_Nobody()).scope("admin")(express(view)), methods=["POST"])

    with pytest.raises(LookupError, match="stands inside of another function"):
        Edge(app, readers=readers, recorder=recording, base_url="https://slipstream.example")


class _Nobody:
    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        raise NotImplementedError
