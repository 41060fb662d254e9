"""Deploys, noted by a pipeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.conftest import World

ADMIN = {"Authorization": "Bearer the-token-of-the-operator"}
NOW = datetime.now(UTC)


def call(client: FlaskClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = client.open(path, method=method, json=body, headers=ADMIN)
    assert answer.status_code == status, answer.data
    return answer.get_json() if answer.data else None


def deploy(**fields: Any) -> dict[str, Any]:
    return {"kind": "deploy", "service": "checkout", "text": "checkout 2.3.1", **fields}


def test_a_deploy_is_noted_listed_and_taken_back(client: FlaskClient) -> None:
    noted = call(client, "POST", "/annotations", deploy(), 201)
    call(client, "POST", "/annotations", deploy(service="search", text="search 9"), 201)

    assert datetime.fromisoformat(noted["at"]) >= NOW
    assert (noted["author"], noted["text"]) == ("operator", "checkout 2.3.1")
    assert len(call(client, "GET", "/annotations")["annotations"]) == 2
    assert call(client, "GET", "/annotations?service=checkout")["annotations"] == [noted]
    call(client, "DELETE", f"/annotations/{noted['annotation_id']}", status=204)
    call(client, "DELETE", f"/annotations/{noted['annotation_id']}", status=404)
    assert call(client, "GET", "/annotations?service=checkout")["annotations"] == []


def test_a_pipeline_that_says_it_again_says_it_once(client: FlaskClient) -> None:
    at = (NOW - timedelta(minutes=3)).isoformat()

    first, again = (call(client, "POST", "/annotations", deploy(at=at), 201) for _ in range(2))
    call(client, "POST", "/annotations", deploy(at=at, text="checkout 2.3.2"), 201)

    assert first == again
    assert len(call(client, "GET", "/annotations")["annotations"]) == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"at": "2026-11-22T10:00:00"}, "at"),
        ({"at": (NOW + timedelta(hours=1)).isoformat()}, "at"),
        ({"at": "1999-01-01T00:00:00Z"}, "at"),
        ({"kind": "party"}, "kind"),
        ({"text": ""}, "text"),
        ({"text": "a\u0000b"}, "text"),
        ({"service": "x" * 201}, "service"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_noted_is_refused_by_its_field(client: FlaskClient, fields: dict[str, str], field: str) -> None:
    problem = call(client, "POST", "/annotations", deploy(**fields), 422)

    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_tenant_notes_nothing(client: FlaskClient, world: World) -> None:
    headers = {"Authorization": f"Bearer {world.alice.key}"}

    for method, path in (("GET", "/annotations"), ("POST", "/annotations"), ("DELETE", "/annotations/ann_1")):
        assert client.open(path, method=method, json=deploy(), headers=headers).status_code == 403
