"""What every answer has, and what is counted of every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask.testing import FlaskClient

    from tests.core.http.conftest import Recording


@pytest.mark.parametrize("path", ["/hello", "/nowhere", "/fails/bug", "/operators"])
def test_every_answer_names_its_request(client: FlaskClient, path: str) -> None:
    response = client.get(path)

    assert len(response.headers["X-Request-Id"]) >= 8
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_client_may_name_its_request(client: FlaskClient) -> None:
    response = client.get("/nowhere", headers={"X-Request-Id": "order-66/attempt=2"})

    assert response.headers["X-Request-Id"] == "order-66/attempt=2"
    assert response.json is not None
    assert response.json["request_id"] == "order-66/attempt=2"


@pytest.mark.parametrize("name", ["short", "with space in it", "quote\"quote'quote", "x" * 129, "naïve-naïve"])
def test_a_name_that_is_not_safe_is_replaced(client: FlaskClient, name: str) -> None:
    assert client.get("/hello", headers={"X-Request-Id": name}).headers["X-Request-Id"] != name


def test_two_requests_have_two_names(client: FlaskClient) -> None:
    first, second = client.get("/hello"), client.get("/hello")

    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_a_measure_begins_when_the_body_is_complete(client: FlaskClient, recording: Recording) -> None:
    client.post("/echo", data=b"some bytes")

    assert [what for what, *_ in recording.told] == ["begin", "read", "finish"]
    assert recording.told[0] == ("begin", "/echo", "POST")


def test_a_request_without_a_body_is_measured_from_its_start(client: FlaskClient, recording: Recording) -> None:
    client.get("/accounts/acme/summary", headers={"Authorization": "Bearer reader", "X-Request-Id": "request-1"})

    assert recording.told == [
        ("begin", "/accounts/{id}/summary", "GET"),
        (
            "finish",
            {"status": 200, "reason": "", "account_id": "acme", "tier": "standard", "request_id": "request-1"},
        ),
    ]


def test_a_refusal_is_counted_with_its_reason(client: FlaskClient, recording: Recording) -> None:
    client.get("/accounts/acme/summary", headers={"Authorization": "Bearer writer"})

    about = recording.told[-1][1]
    assert (about["status"], about["reason"], about["account_id"]) == (403, "forbidden", "acme")


def test_addresses_nobody_knows_are_one_route(client: FlaskClient, recording: Recording) -> None:
    client.get("/wp-admin.php")

    assert recording.told[0] == ("begin", "__unmatched__", "GET")


def test_what_breaks_around_the_app_is_a_problem_too(app: Flask, client: FlaskClient, recording: Recording) -> None:
    @app.after_request
    def broken(_response: Response) -> Response:
        raise RuntimeError("a secret")

    response = client.get("/hello")

    assert response.status_code == 500
    assert recording.told[-1][1]["status"] == 500
    assert response.content_type == "application/problem+json"
    assert b"secret" not in response.data
    assert response.headers["X-Request-Id"]


def test_head_and_options_are_answered(client: FlaskClient) -> None:
    head, options = client.head("/hello"), client.options("/echo")

    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "5")
    assert (options.status_code, set(options.headers["Allow"].split(", "))) == (200, {"OPTIONS", "POST"})
