"""Whatever goes wrong is answered with a problem of RFC 9457."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("PUT", "/hello", 405, "method-not-allowed"),
        ("BREW", "/hello", 405, "method-not-allowed"),
        ("GET", "/fails/away", 503, "dependency-unavailable"),
        ("GET", "/fails/late", 504, "timeout"),
        ("GET", "/fails/bug", 500, "internal-error"),
        ("GET", "/operators", 401, "unauthorized"),
    ],
)
def test_each_failure_has_its_problem(client: FlaskClient, method: str, path: str, status: int, slug: str) -> None:
    response = client.open(path, method=method)

    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    assert response.json["type"] == f"https://slipstream.example/problems/{slug}"
    assert response.json["status"] == status
    assert {"title", "detail", "request_id"} <= response.json.keys()


@pytest.mark.parametrize("how", ["away", "late", "bug"])
def test_nothing_of_the_inside_shows(client: FlaskClient, how: str) -> None:
    response = client.get(f"/fails/{how}")

    assert b"10.0.0.7" not in response.data
    assert b"secret" not in response.data


def test_a_dependency_that_is_away_does_not_fill_the_logs(client: FlaskClient) -> None:
    with structlog.testing.capture_logs() as lines:
        for how in ("away", "away", "late", "away"):
            client.get(f"/fails/{how}")

    assert [(line["dependency"], line["others"]) for line in lines] == [("valkey", 0), ("postgresql", 0)]


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    assert client.delete("/echo").headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("how", ["away", "late"])
def test_who_shall_come_back_is_told_when(client: FlaskClient, how: str) -> None:
    response = client.get(f"/fails/{how}")

    assert response.json is not None
    assert int(response.headers["Retry-After"]) == response.json["retry_after"] >= 1


def test_who_has_no_key_is_told_how_to_present_one(client: FlaskClient) -> None:
    assert client.get("/operators").headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "slug"),
    [
        (b"{", "application/json", 400, "malformed-request"),
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"x" * 5_000_001, "application/json", 413, "content-too-large"),
    ],
)
def test_what_flask_refuses_by_itself_is_a_problem(
    client: FlaskClient, body: bytes, content_type: str, status: int, slug: str
) -> None:
    response = client.post("/json", data=body, content_type=content_type)

    assert response.status_code == status
    assert response.json is not None
    assert response.json["type"].endswith(slug)
    assert response.json.get("limit") == ("body_bytes" if status == 413 else None)
